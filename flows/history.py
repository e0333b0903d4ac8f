"""Flow `history`: the page over all runs of the home."""

from __future__ import annotations

from typing import Any

from prefect import flow

from flows.jobs.history import HistoryJob
from flows.jobs.history import history as run_job
from flows.notify import failed
from flows.parameters import takes
from flows.register_run import register_run
from flows.server import ServerOutlet


@flow(name="history", persist_result=False, validate_parameters=True, on_failure=[failed], on_crashed=[failed])
@takes(HistoryJob)
def history(job: HistoryJob) -> dict[str, Any]:
    """Write the page over all runs; returns its path, a row for each run, and the entries that could not be read."""
    register_run()
    return run_job(job, ServerOutlet())
