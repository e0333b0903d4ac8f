"""Flow `screen`: candidates to a ranking and its report."""

from __future__ import annotations

from typing import Any

from prefect import flow

from flows.jobs.screening import ScreenJob
from flows.jobs.screening import screen as run_job
from flows.notify import failed
from flows.parameters import takes
from flows.register_run import register_run
from flows.server import ServerOutlet


@flow(name="screen", persist_result=False, validate_parameters=True, on_failure=[failed], on_crashed=[failed])
@takes(ScreenJob)
def screen(job: ScreenJob) -> dict[str, Any]:
    """Rank the crystals of the candidates with a trained model; returns the run's manifest with its folder and report."""
    register_run()
    return run_job(job, ServerOutlet())
