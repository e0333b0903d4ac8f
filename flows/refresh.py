"""Flow `refresh`: a source to a published snapshot."""

from __future__ import annotations

from typing import Any

from prefect import flow

from flows.jobs.refreshing import RefreshJob
from flows.jobs.refreshing import refresh as run_job
from flows.notify import failed
from flows.parameters import takes
from flows.register_run import register_run
from flows.server import ServerOutlet


@flow(name="refresh", persist_result=False, validate_parameters=True, on_failure=[failed], on_crashed=[failed])
@takes(RefreshJob)
def refresh(job: RefreshJob) -> dict[str, Any]:
    """Publish a source's crystals and labels as a snapshot; returns its manifest."""
    register_run()
    return run_job(job, ServerOutlet())
