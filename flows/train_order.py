"""Flow `train-order`: a snapshot with site moments to an order classifier and an order ranker."""

from __future__ import annotations

from typing import Any

from prefect import flow

from flows.jobs.training_order import TrainOrderJob
from flows.jobs.training_order import train_order as run_job
from flows.notify import failed
from flows.parameters import takes
from flows.register_run import register_run
from flows.server import ServerOutlet


@flow(name="train-order", persist_result=False, validate_parameters=True, on_failure=[failed], on_crashed=[failed])
@takes(TrainOrderJob)
def train_order(job: TrainOrderJob) -> dict[str, Any]:
    """Train both order models and put each to use if it is no worse than the one in use."""
    register_run()
    return run_job(job.resolved(), ServerOutlet())
