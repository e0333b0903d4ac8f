"""Flow `report`: write a finished screen's report again."""

from __future__ import annotations

from prefect import flow

from flows.screen import write_report
from pipeline.screening.runs import find_run
from pipeline.settings import settings


@flow(name="report", persist_result=False, validate_parameters=True)
def report(run: str | None = None) -> str:
    """Write report.html of a run (its id, or its folder; the newest by default) and return its path."""
    return write_report(find_run(settings(), run))
