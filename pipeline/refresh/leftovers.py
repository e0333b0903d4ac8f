"""What lies in a home and nobody takes up any more: unfinished work of long ago, half artefacts, graphs of removed snapshots."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from pipeline.ops.ledger import RUNNING, Ledger
from pipeline.registry.artifact_types import MODEL_KINDS
from pipeline.screening.run_folder import MANIFEST_FILE, UNFINISHED_FILE
from pipeline.settings import Settings

UNUSED_DAYS = 30  # after which nobody is expected to go on with what a stopped command left
_DAY_S = 86_400.0


def abandoned_work(where: Settings) -> dict[Path, str]:
    """Folders of unfinished work and of unfinished runs in which nothing was written for UNUSED_DAYS, and which no running job
    uses, with their keys in the ledger.

    The same command would go on there. After a refresh, a new model or another release, a scheduled command is another one.
    """
    keys = {folder: folder.name for folder in _folders(where.work)}
    for run in _folders(where.runs):
        if (run / UNFINISHED_FILE).is_file() and not (run / MANIFEST_FILE).is_file():
            keys[run] = f"screen-{run.name}"
    running = {entry.key for entry in Ledger(where.home).entries() if entry.state == RUNNING}
    return {folder: key for folder, key in keys.items() if key not in running and is_old(folder)}


def half_artefacts(where: Settings) -> list[Path]:
    """What a kill left of artefacts that were being written or removed UNUSED_DAYS ago."""
    roots = (where.graphs, where.runs, *(where.home / kind.directory for kind in MODEL_KINDS))
    return [
        folder for root in roots for folder in _folders(root) if folder.name.startswith(".building-") and is_old(folder)
    ]  # fmt: skip


def stores_without_snapshot(where: Settings, snapshots: Collection[str]) -> list[Path]:
    """Stores of graphs whose snapshot is none of those that stay."""
    return [folder for folder in _folders(where.graphs) if (read := _snapshot_of(folder)) is not None and read not in snapshots]


def _snapshot_of(store: Path) -> str | None:
    """Id of the snapshot that a store was made from; None where it does not say, or is being built."""
    try:
        return None if store.name.startswith(".") else str(json.loads((store / MANIFEST_FILE).read_text())["snapshot"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _folders(root: Path) -> Iterator[Path]:
    return (path for path in sorted(root.glob("*")) if path.is_dir())


def is_old(folder: Path) -> bool:
    """Whether a folder is there, and nothing was written in it for UNUSED_DAYS."""
    try:
        touched = max(path.stat().st_mtime for path in (folder, *folder.rglob("*")))
    except FileNotFoundError:  # another process removes files there
        return False
    return touched < time.time() - UNUSED_DAYS * _DAY_S
