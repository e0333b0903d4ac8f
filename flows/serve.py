"""The jobs of prefect.yaml in one process that stays, for a machine without a work pool."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from prefect import serve
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.schedules import Cron

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


def serve_jobs() -> None:
    """Wait for schedules and requests, forever. Raises UserError where prefect.yaml is not beside the packages."""
    serve(*(_deployment(job) for job in jobs()), pause_on_shutdown=False)


def jobs() -> list[dict[str, Any]]:
    """The deployments as prefect.yaml has them."""
    if not FILE.is_file():
        raise UserError(f"{FILE} is not there: serve from a checkout")
    found: list[dict[str, Any]] = yaml.safe_load(FILE.read_text())["deployments"]
    return found


def _deployment(job: dict[str, Any]) -> Any:
    limit = job["concurrency_limit"]
    return FLOWS[job["entrypoint"]].to_deployment(
        name=job["name"],
        description=job["description"],
        tags=job["tags"],
        parameters=job["parameters"],
        schedules=[Cron(schedule["cron"], schedule["timezone"]) for schedule in job["schedules"]],
        concurrency_limit=ConcurrencyLimitConfig(
            limit=limit["limit"], collision_strategy=ConcurrencyLimitStrategy(limit["collision_strategy"])
        ),
    )
