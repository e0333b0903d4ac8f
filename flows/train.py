"""Flow `train`: a snapshot to a published ensemble."""

from __future__ import annotations

from typing import Any

from prefect import flow

from flows.jobs.training import TrainJob
from flows.jobs.training import train as run_job
from flows.notify import failed
from flows.parameters import takes
from flows.register_run import register_run
from flows.server import ServerOutlet


@flow(name="train", persist_result=False, validate_parameters=True, on_failure=[failed], on_crashed=[failed])
@takes(TrainJob)
def train(job: TrainJob) -> dict[str, Any]:
    """Train an ensemble and put it to use if it is no worse than the one in use; returns its manifest."""
    register_run()
    return run_job(job.resolved(), ServerOutlet())
