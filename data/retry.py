"""Asking a service again: exponential back-off with jitter, the service's own Retry-After first, and an end to it all."""

from __future__ import annotations

import email.utils
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from tenacity import RetryCallState, RetryError, Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from data.errors import Transient, Unavailable

T = TypeVar("T")
APART = 0.1  # of a wait of ours that is added to a Retry-After: not all clients come back at the same moment


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how long to ask again; all times in seconds. The one policy of all services."""

    attempts: int = 8
    first_wait_s: float = 1.0  # doubled with each failure; each wait is anything up to that
    longest_wait_s: float = 120.0  # between two attempts of ours
    longest_retry_after_s: float = 900.0  # the longest Retry-After that is waited for
    call_s: float = 300.0  # one attempt, from the first byte sent to the last one read, however steadily it drips
    read_s: float = 60.0  # silence on the line
    answer_mb: float = 256.0  # the largest answer of a provider of CIF files; the largest page of real ones has some tens

    def ask(self, what: str, action: Callable[[], T]) -> T:
        """What `action` returns once it does not raise Transient; that an attempt ends within `call_s` is the action's affair.

        Args:
            what: what is asked, for messages.
            action: one attempt.

        Raises:
            Unavailable: the last attempt failed, too, or the service asks for a longer wait than `longest_retry_after_s`.
        """
        retrying = Retrying(
            retry=retry_if_exception_type(Transient),
            stop=lambda state: stop_after_attempt(self.attempts)(state) or self._too_long(state),
            wait=self.wait_s,
        )
        try:
            return retrying(action)
        except RetryError as ended:
            fault = _fault(ended.last_attempt.exception())
            if fault.retry_after_s is not None and fault.retry_after_s > self.longest_retry_after_s:
                raise Unavailable(f"{what}: {fault}; the service asks to come back in {fault.retry_after_s:.0f} s") from None
            raise Unavailable(f"{what}: {fault}; given up after {self.attempts} attempts", fault.answered) from None

    def wait_s(self, state: RetryCallState) -> float:
        """Seconds to wait after a failure: anything up to the doubled wait, never less than the service's Retry-After."""
        ours = float(wait_random_exponential(multiplier=self.first_wait_s, max=self.longest_wait_s)(state))
        asked = _retry_after(state)
        return ours if asked is None else asked + APART * ours

    def _too_long(self, state: RetryCallState) -> bool:
        asked = _retry_after(state)
        return asked is not None and asked > self.longest_retry_after_s


def _retry_after(state: RetryCallState) -> float | None:
    return None if state.outcome is None else _fault(state.outcome.exception()).retry_after_s


def _fault(fault: BaseException | None) -> Transient:
    assert isinstance(fault, Transient), "only these are tried again"
    return fault


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
