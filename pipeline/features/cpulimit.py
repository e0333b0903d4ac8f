"""A limit on processor time for library code that cannot be interrupted otherwise."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_AGAIN_S = 0.1  # interval at which the alarm repeats, in case a destructor or a bare `except` swallowed it


class OutOfTime(BaseException):
    """Not a subclass of Exception, because the libraries that run under the limit catch those and continue."""


@contextmanager
def cpu_limit(seconds: float) -> Iterator[None]:
    """Raise OutOfTime in the body once this process has used `seconds` of processor time. Works in the main thread only.

    Processor time is used instead of wall time, so that a busy machine gives the same result as an idle one. Python handles the
    alarm between two of its instructions. Code that never returns from C, or that sleeps, needs a watcher in another process.
    """

    late = OutOfTime(f"more than {seconds:g} s of processor time")
    rang = False

    def ring(number: int, frame: FrameType | None) -> None:
        nonlocal rang
        rang = True
        raise late

    before = signal.signal(signal.SIGPROF, ring)
    try:
        try:
            signal.setitimer(signal.ITIMER_PROF, seconds, _AGAIN_S)
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        if rang:
            raise late  # swallowed in a callback of the garbage collector before the body ended
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)  # the alarm may have fired on the line that switches it off
        signal.signal(signal.SIGPROF, before)
