"""Flow `report`: write a finished screen's report again."""

from __future__ import annotations

from prefect import flow

from flows.jobs.screening import ReportJob
from flows.jobs.screening import report as run_job
from flows.parameters import takes
from flows.server import ServerOutlet


@flow(name="report", persist_result=False, validate_parameters=True)
@takes(ReportJob)
def report(job: ReportJob) -> str:
    """Write report.html of a run and return its path."""
    return run_job(job, ServerOutlet())
