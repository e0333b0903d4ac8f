"""A limit on processor time for code that nobody can hurry up."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_AGAIN_S = 0.1  # the alarm rings once more where a destructor or a bare `except` swallowed it


class OutOfTime(BaseException):
    """Not an Exception: the libraries that run under the limit catch those and go on."""


@contextmanager
def cpu_limit(seconds: float) -> Iterator[None]:
    """Raises OutOfTime in the body once this process has computed for `seconds`; main thread only.

    Processor time and not the clock, so that a busy machine gives the same answer as an idle one. An alarm reaches Python between
    two of its steps: code that never returns from C, or that sleeps, is beyond it and needs a watcher in another process.
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
            raise late  # swallowed in a callback of the garbage collector, and the body then came to its end
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)  # the alarm may have rung on the very line that switches it off
        signal.signal(signal.SIGPROF, before)
