"""Flow `refresh`: a source to a published snapshot."""

from __future__ import annotations

from typing import Any

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from data.sources.opening import labelled_source
from data.sources.parquet import Columns
from flows.console import reporter
from flows.credentials import materials_project_key
from flows.notify import failed
from flows.register_run import enter
from pipeline.refresh.materials_project import refresh_materials_project
from pipeline.refresh.publish import publish_source
from pipeline.settings import settings

MATERIALS_PROJECT = "mp"


@task(name="publish snapshot", cache_policy=NO_CACHE, persist_result=False)
def publish(source: str, columns: str) -> dict[str, Any]:
    return publish_source(labelled_source(source, Columns.parse(columns)), settings(), reporter()).manifest


@task(name="refresh from the Materials Project", cache_policy=NO_CACHE, persist_result=False)
def pull_materials_project(full: bool) -> dict[str, Any]:
    refreshed = refresh_materials_project(materials_project_key(), settings(), reporter(), full)
    return {**refreshed.snapshot.manifest, "news": refreshed.news}


@flow(name="refresh", persist_result=False, validate_parameters=True, on_failure=[failed], on_crashed=[failed])
def refresh(source: str = "starter", columns: str = "", full: bool = False) -> dict[str, Any]:
    """Publish the source's crystals and labels as a snapshot.

    Args:
        source: `mp`, `starter`, `parquet:PATH`, or `calculated:FOLDER`.
        columns: for a table with other names, e.g. `id=my_id,cif=my_cif,moment=my_moment`.
        full: of the Materials Project, pull every document, not only what moved.

    Returns:
        The snapshot's manifest.
    """
    enter()
    manifest = pull_materials_project(full) if source == MATERIALS_PROJECT else publish(source, columns)
    create_markdown_artifact(
        key="snapshot",
        markdown=f"Snapshot `{manifest['id']}`: {manifest['crystals']} crystals, {manifest['quarantined']} quarantined",
        description=f"Data from {manifest['source']}",
    )
    return manifest
