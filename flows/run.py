"""Flow `run`: the whole job on the embedded starter set."""

from __future__ import annotations

from typing import Any

from prefect import flow

from flows.jobs.starter import RunJob
from flows.jobs.starter import run as run_job
from flows.parameters import takes
from flows.register_run import register_run
from flows.server import ServerOutlet


@flow(name="run", persist_result=False, validate_parameters=True)
@takes(RunJob)
def run(job: RunJob) -> dict[str, Any]:
    """Refresh from the starter set, train, and rank the compounds of its held-out chemical systems."""
    register_run()
    return run_job(job, ServerOutlet())
