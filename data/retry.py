"""Asking a service again: exponential back-off with jitter, the service's own Retry-After first, and an end to it all."""

from __future__ import annotations

import email.utils
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from data.errors import Transient, Unavailable

T = TypeVar("T")


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how long to ask again; all times in seconds."""

    attempts: int = 8
    first_wait_s: float = 1.0  # doubled with each failure
    longest_wait_s: float = 120.0  # between two attempts of ours
    longest_retry_after_s: float = 900.0  # the longest Retry-After that is waited for
    call_s: float = 300.0  # one attempt, from the first byte sent to the last one read
    read_s: float = 60.0  # silence on the line

    def ask(self, what: str, action: Callable[[], T]) -> T:
        """What `action` returns once it does not raise Transient.

        Raises:
            Unavailable: the last attempt failed, too, or the service asks for a longer wait than `longest_retry_after_s`.
        """
        for attempt in range(1, self.attempts + 1):
            try:
                return within(self.call_s, action)
            except Transient as fault:
                message, retry_after, answered = str(fault), fault.retry_after_s, fault.answered
            if retry_after is not None and retry_after > self.longest_retry_after_s:
                raise Unavailable(f"{what}: {message}; the service asks to come back in {retry_after:.0f} s")
            if attempt < self.attempts:
                time.sleep(self.wait_s(attempt, retry_after))
        raise Unavailable(f"{what}: {message}; given up after {self.attempts} attempts", answered)

    def wait_s(self, attempt: int, retry_after: float | None) -> float:
        """Seconds to wait after the given number of failures: anything up to the doubled wait, never less than `retry_after`."""
        ours = random.uniform(0.0, min(self.longest_wait_s, self.first_wait_s * 2.0 ** (attempt - 1)))
        return ours if retry_after is None else retry_after + 0.1 * ours  # not all clients at the same moment


def retry_after_s(header: str | None) -> float | None:
    """Seconds that a Retry-After header asks for (a number, or an HTTP date); None where it says nothing."""
    if not header:
        return None
    try:
        return max(0.0, float(header)) if float(header) < float("inf") else None
    except ValueError:
        pass
    try:
        moment = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def within(seconds: float, action: Callable[[], T]) -> T:
    """`action` in a thread that is left behind if it takes longer: a server that sends a byte a minute never times out by itself.

    Raises:
        Transient: it took longer.
    """
    results: list[T] = []
    faults: list[BaseException] = []

    def work() -> None:
        try:
            results.append(action())
        except BaseException as fault:
            faults.append(fault)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise Transient(f"no whole answer within {seconds:.0f} s")
    if faults:
        raise faults[0]
    return results[0]
