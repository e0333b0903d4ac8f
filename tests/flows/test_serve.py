"""`ferroscreen serve` takes prefect.yaml as people change it, and passes over nothing that decides when and how a job runs."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule
from prefect.deployments.runner import RunnerDeployment

from data.errors import UserError
from flows.serve import deployment, jobs


def changed(**parts: Any) -> dict[str, Any]:
    """The first job with other parts; None leaves one out."""
    return {key: value for key, value in {**jobs()[0], **parts}.items() if value is not None}


def test_all_jobs_as_they_come() -> None:
    made = [deployment(job) for job in jobs()]
    assert [one.name for one in made] == [job["name"] for job in jobs()]
    for one in made:
        (schedule,) = one.schedules or []
        assert isinstance(schedule.schedule, CronSchedule) and schedule.schedule.timezone == "UTC" and schedule.active
        assert one.concurrency_limit == 1 and one.concurrency_options is not None


def test_a_running_event_loop_changes_nothing() -> None:
    """As in a notebook, or where a browser is driven by the same thread."""

    async def made() -> RunnerDeployment:
        return deployment(jobs()[0])

    with ThreadPoolExecutor(1) as other:  # a browser test may have left a loop that runs in this thread
        assert other.submit(asyncio.run, made()).result().name == jobs()[0]["name"]


def test_what_is_switched_off_stays_off() -> None:
    (schedule,) = deployment(changed(schedules=[{"cron": "15 2 * * *", "active": False}])).schedules or []
    assert schedule.active is False
    assert deployment(changed(paused=True)).paused is True


def test_parameters_of_a_schedule() -> None:
    (schedule,) = deployment(changed(schedules=[{"cron": "15 2 * * *", "parameters": {"full": True}}])).schedules or []
    assert schedule.parameters == {"full": True}


def test_what_prefect_lets_one_leave_out() -> None:
    made = deployment(changed(schedules=None, concurrency_limit=None, tags=None, description=None, parameters=None))
    assert not made.schedules and made.concurrency_limit is None and made.parameters == {}
    (schedule,) = deployment(changed(schedules=[{"interval": 3600}])).schedules or []
    assert isinstance(schedule.schedule, IntervalSchedule) and schedule.schedule.interval == timedelta(hours=1)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"schedule": {"cron": "15 2 * * *"}}, "does not know schedule"),
        ({"entrypoint": "flows/run.py:run"}, "entrypoint is 'flows/run.py:run'"),
        ({"schedules": [{"cron": "61 2 * * *"}]}, "Invalid cron string"),
        ({"schedules": [{"cron": "1 2 * * *", "timezone": "Mars"}]}, "Invalid timezone"),
        ({"schedules": [{"at": "noon"}]}, "a schedule has one of cron, interval, rrule"),
        ({"schedules": [{"cron": "1 2 * * *", "often": True}]}, "often"),
        ({"concurrency_limit": {"limit": 1, "collision_strategy": "WAIT"}}, "collision_strategy"),
    ],
)
def test_mistakes_are_named(parts: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match="deployment 'nightly'") as caught:
        deployment(changed(**parts))
    assert words in str(caught.value)


@pytest.mark.parametrize("name", [None, 1])
def test_a_deployment_has_a_name(name: int | None) -> None:
    with pytest.raises(UserError, match=f"deployment {name}: the name is no text"):
        deployment(changed(name=name))
