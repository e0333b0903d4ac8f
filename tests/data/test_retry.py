"""Back-off: how long is waited, what ends it, and what a Retry-After header means."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from tenacity import Future, RetryCallState, Retrying

from data.errors import Transient, Unavailable
from data.retry import RetryPolicy, retry_after_s, within

QUICK = RetryPolicy(attempts=4, first_wait_s=0.001, longest_wait_s=0.002, longest_retry_after_s=0.5, call_s=5.0)


def failing(times: int, retry_after: float | None = None) -> list[float]:
    """Moments at which an action was tried that fails `times` times."""
    moments: list[float] = []

    def action() -> str:
        moments.append(time.monotonic())
        if len(moments) <= times:
            raise Transient("busy", retry_after)
        return "done"

    assert QUICK.ask("it", action) == "done"
    return moments


def after(failures: int, retry_after: float | None) -> RetryCallState:
    """What tenacity knows after so many failures."""
    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = failures
    state.outcome = Future.construct(failures, Transient("busy", retry_after), has_exception=True)
    return state


def test_it_asks_again_until_it_works() -> None:
    assert [len(failing(times)) for times in range(4)] == [1, 2, 3, 4]


def test_it_gives_up() -> None:
    with pytest.raises(Unavailable, match=r"^it: busy; given up after 4 attempts$"):
        failing(4)


def test_it_waits_as_long_as_the_service_asks() -> None:
    one, two, three = failing(2, retry_after=0.2)
    assert min(two - one, three - two) >= 0.2


def test_it_does_not_wait_for_ever() -> None:
    started = time.monotonic()
    with pytest.raises(Unavailable, match="come back in 3600 s"):
        failing(1, retry_after=3600.0)
    assert time.monotonic() - started < 1.0


def test_waits_double_up_to_a_limit_and_differ() -> None:
    random.seed(3)
    retry_policy = RetryPolicy(first_wait_s=1.0, longest_wait_s=60.0)
    waits = {n: [retry_policy.wait_s(after(n, None)) for _ in range(400)] for n in (1, 2, 3, 4, 7, 8, 20)}
    limits = {1: 1, 2: 2, 3: 4, 4: 8, 7: 60, 8: 60, 20: 60}
    for attempt, seconds in waits.items():
        assert 0.9 * limits[attempt] < max(seconds) <= limits[attempt]
        assert len(set(seconds)) == len(seconds), "all clients would come back together"
    assert all(10.0 <= retry_policy.wait_s(after(1, 10.0)) <= 10.1 for _ in range(100))


def test_a_hanging_attempt_is_left_behind() -> None:
    started = time.monotonic()
    with pytest.raises(Transient, match="no whole answer within"):
        within(0.1, lambda: time.sleep(30))
    assert time.monotonic() - started < 5.0


def test_other_errors_come_through_at_once() -> None:
    with pytest.raises(ZeroDivisionError):
        QUICK.ask("it", lambda: 1 / 0)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("", None), ("7", 7.0), ("0", 0.0), ("-3", 0.0), ("soon", None), ("inf", None), ("nan", None), ("1.5", 1.5)],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header) == seconds


@pytest.mark.parametrize("ahead_s", [90, -90])
def test_retry_after_as_a_date(ahead_s: int) -> None:
    header = format_datetime(datetime.now(UTC) + timedelta(seconds=ahead_s), usegmt=True)
    assert retry_after_s(header) == pytest.approx(max(0, ahead_s), abs=2.0)
