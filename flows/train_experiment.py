"""Flow `train-experiment`: a literature snapshot to the models of experiments."""

from __future__ import annotations

from typing import Any

from prefect import flow

from flows.jobs.training_experiment import TrainExperimentJob
from flows.jobs.training_experiment import train_experiment as run_job
from flows.notify import failed
from flows.parameters import takes
from flows.register_run import register_run
from flows.server import ServerOutlet


@flow(name="train-experiment", persist_result=False, validate_parameters=True, on_failure=[failed], on_crashed=[failed])
@takes(TrainExperimentJob)
def train_experiment(job: TrainExperimentJob) -> dict[str, Any]:
    """Train the models of experiments and put them to use if they are no worse than those in use."""
    register_run()
    return run_job(job.resolved(), ServerOutlet())
