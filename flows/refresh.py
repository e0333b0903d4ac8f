"""Flow `refresh`: a source to a published snapshot."""

from __future__ import annotations

from typing import Any

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from data.snapshot import publish_snapshot
from data.sources.opening import labelled_source
from data.sources.parquet import Columns
from flows.console import reporter
from pipeline.settings import settings


@task(name="publish snapshot", cache_policy=NO_CACHE, persist_result=False)
def publish(source: str, columns: str) -> dict[str, Any]:
    readable = labelled_source(source, Columns.parse(columns))
    total = sum(shard.size for shard in readable.shards())
    with reporter().bar("Reading crystals", total) as tick:
        snapshot = publish_snapshot(settings().snapshots, readable, tick)
    return snapshot.manifest


@flow(name="refresh", persist_result=False, validate_parameters=True)
def refresh(source: str = "starter", columns: str = "") -> dict[str, Any]:
    """Publish the source's crystals and labels as a snapshot.

    Args:
        source: `starter`, or `parquet:PATH`.
        columns: for a table with other names, e.g. `id=my_id,cif=my_cif,moment=my_moment`.

    Returns:
        The snapshot's manifest.
    """
    manifest = publish(source, columns)
    create_markdown_artifact(
        key="snapshot",
        markdown=f"Snapshot `{manifest['id']}`: {manifest['crystals']} crystals, {manifest['quarantined']} quarantined",
        description=f"Data from {manifest['source']}",
    )
    return manifest
