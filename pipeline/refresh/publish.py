"""A source to a published snapshot, under the one writer's lease."""

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
    """The snapshot of a source that is read as it stands.

    Raises:
        Busy: somebody else is writing.
        UserError: nothing usable in the source.
    """
    with writing(where.snapshots):
        key = f"refresh-{source.identity()[:16]}"
        with Ledger(where.home).run("refresh", key, {"source": source.description}) as run:
            snapshot = publish_counted(source, where, reporter, Additions(facts=code_facts()))
            run.finished("publish", snapshot.id)
            return snapshot


def publish_counted(source: Source, where: Settings, reporter: Reporter, additions: Additions) -> Snapshot:
    """The same for those who hold the lease already; with its page on the data's quality."""

    def pages(folder: Path) -> list[str]:
        return write_quality(folder, source.description, where.workers, reporter)

    wanted = replace(additions, write_pages=pages) if where.quality else additions
    with reporter.bar("Reading crystals", sum(shard.size for shard in source.shards())) as tick:
        return publish_snapshot(where.snapshots, source, tick, wanted)


def code_facts() -> dict[str, Any]:
    """What a manifest says of the program that wrote it."""
    return {"provenance": provenance()}
