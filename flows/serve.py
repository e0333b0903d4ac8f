"""The jobs of prefect.yaml in one process that stays, for a machine without a work pool."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from prefect import serve
from prefect.client.schemas.objects import ConcurrencyLimitConfig
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron, Interval, RRule, Schedule

from data.errors import UserError
from flows.history import history
from flows.refresh import refresh
from flows.screen import screen
from flows.train import train
from flows.train_experiment import train_experiment
from flows.train_order import train_order

FILE = Path(__file__).resolve().parents[1] / "prefect.yaml"
FLOWS: dict[str, Any] = {
    "flows/refresh.py:refresh": refresh, "flows/train.py:train": train, "flows/train_order.py:train_order": train_order,
    "flows/train_experiment.py:train_experiment": train_experiment, "flows/screen.py:screen": screen,
    "flows/history.py:history": history,
}  # fmt: skip


SCHEDULES: dict[str, Callable[..., Schedule]] = {"cron": Cron, "interval": Interval, "rrule": RRule}
READ_HERE = {"entrypoint", "work_pool", "schedules", "concurrency_limit"}  # not handed on as they stand
HANDED_ON = {"name", "description", "tags", "parameters", "paused", "version", "enforce_parameter_schema"}


def serve_jobs() -> None:
    """Wait for schedules and requests, forever.

    Raises:
        UserError: prefect.yaml is not beside the packages, or says what `serve` cannot do.
    """
    serve(*(deployment(job) for job in jobs()), pause_on_shutdown=False)


def jobs() -> list[dict[str, Any]]:
    """The deployments as prefect.yaml has them. Raises UserError where there is no such file, or it holds none."""
    if not FILE.is_file():
        raise UserError(f"{FILE} is not there: serve from a checkout")
    try:
        found: list[dict[str, Any]] = yaml.safe_load(FILE.read_text())["deployments"]
    except (yaml.YAMLError, KeyError, TypeError) as fault:
        raise UserError(f"{FILE} holds no deployments: {type(fault).__name__}: {fault}") from fault
    if not isinstance(found, list) or not all(isinstance(job, dict) for job in found):
        raise UserError(f"{FILE}: deployments is no list of deployments")
    return found


def deployment(job: dict[str, Any]) -> RunnerDeployment:
    """A deployment of prefect.yaml, as people change it: what may be left out for `prefect deploy` may be left out here, and
    nothing that changes when or how a job runs is passed over.

    Raises:
        UserError: it says what `serve` does not know, or what Prefect refuses.
    """
    what = f"{FILE.name}, deployment {job.get('name')!r}"
    if not isinstance(job.get("name"), str):
        raise UserError(f"{what}: the name is no text")
    if unknown := sorted(set(job) - READ_HERE - HANDED_ON):
        raise UserError(f"{what}: `ferroscreen serve` does not know {', '.join(unknown)}; a work pool may")
    if job.get("entrypoint") not in FLOWS:
        raise UserError(f"{what}: entrypoint is {job.get('entrypoint')!r}; `ferroscreen serve` has {', '.join(FLOWS)}")
    try:
        # Flow.to_deployment gives a coroutine where an event loop runs, as in a notebook
        return RunnerDeployment.from_flow(
            FLOWS[job["entrypoint"]],
            **{"parameters": {}} | {key: value for key, value in job.items() if key in HANDED_ON},
            schedules=[_schedule(entry) for entry in job.get("schedules") or []],
            concurrency_limit=_limit(job.get("concurrency_limit")),
        )
    except (ValueError, TypeError) as fault:  # pydantic's are ValueErrors
        raise UserError(f"{what}: {fault}") from fault


def _schedule(entry: dict[str, Any]) -> Schedule:
    """Raises ValueError or TypeError where it is none."""
    kinds = [kind for kind in SCHEDULES if kind in entry]
    if len(kinds) != 1:
        raise ValueError(f"a schedule has one of {', '.join(SCHEDULES)}, not {entry}")
    return SCHEDULES[kinds[0]](entry[kinds[0]], **{key: value for key, value in entry.items() if key != kinds[0]})


def _limit(stated: Any) -> ConcurrencyLimitConfig | int | None:
    return ConcurrencyLimitConfig(**stated) if isinstance(stated, dict) else stated
