"""Publishes a source as a snapshot, with the lock of the single writer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from data.snapshot import Additions, Snapshot, publish_snapshot
from data.sources import Source
from data.store.lock import writing
from pipeline.ops.ledger import Ledger
from pipeline.ops.progress import Reporter
from pipeline.ops.provenance import provenance
from pipeline.refresh.quality import write_quality
from pipeline.settings import Settings


def publish_source(source: Source, where: Settings, reporter: Reporter) -> Snapshot:
    """Publish the snapshot of a source.

    Args:
        source: any labelled source.
        where: folders and number of cores.
        reporter: receives the progress.

    Raises:
        Busy: another process is writing.
        UserError: the source has nothing usable.
    """
    with writing(where.snapshots):
        key = f"refresh-{source.identity()[:16]}"
        with Ledger(where.home).run("refresh", key, {"source": source.description}) as run:
            snapshot = publish_counted(source, where, reporter, Additions(facts=code_facts()))
            run.finished("publish", snapshot.id)
            return snapshot


def publish_counted(source: Source, where: Settings, reporter: Reporter, additions: Additions) -> Snapshot:
    """Publish the snapshot of a source with its quality page. The caller holds the lock.

    Args:
        source: any labelled source.
        where: folders and number of cores.
        reporter: receives the progress.
        additions: what else belongs to the snapshot.
    """

    def pages(folder: Path) -> list[str]:
        return write_quality(folder, source.description, where.workers, reporter)

    wanted = replace(additions, write_pages=pages) if where.quality else additions
    with reporter.bar("Reading crystals", sum(shard.size for shard in source.shards())) as tick:
        return publish_snapshot(where.snapshots, source, tick, wanted)


def code_facts() -> dict[str, Any]:
    """The versions of the software, for a manifest."""
    return {"provenance": provenance()}
