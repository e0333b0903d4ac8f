"""Old snapshots make room, but never one that a model, a ranking or unfinished work refers to."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import UserError
from data.lease import writing
from data.snapshot import Snapshot, list_snapshots
from pipeline.learning.registry import list_models
from pipeline.learning.train import SNAPSHOT_FILE
from pipeline.screening.previous import list_runs
from pipeline.settings import Settings


@dataclass(frozen=True)
class Pruned:
    """What was, or would be, removed, and why the rest stays."""

    removed: list[str]
    kept: dict[str, str]  # snapshot id to reason
    bytes: int


def prune(where: Settings, keep: int, dry: bool = False) -> Pruned:
    """Remove all but the newest `keep` snapshots of each source and those that something refers to.

    Args:
        where: the home.
        keep: how many of each source stay in any case; at least one, the base of its next refresh.
        dry: only say what would be removed.

    Raises:
        Busy: somebody is writing.
        UserError: `keep` is below one, or an unfinished training does not say which snapshot it reads.
    """
    if keep < 1:
        raise UserError("at least one snapshot of each source must stay: --keep 1 or more")
    with writing(where.snapshots):
        kept = _needed(where, keep)
        doomed = [snapshot for snapshot in list_snapshots(where.snapshots) if snapshot.id not in kept]
        freed = sum(_size(snapshot.folder) for snapshot in doomed)
        for snapshot in [] if dry else doomed:
            _remove(snapshot)
    return Pruned([snapshot.id for snapshot in doomed], kept, freed)


def _needed(where: Settings, keep: int) -> dict[str, str]:
    needed: dict[str, str] = {}
    newest: dict[str, int] = {}
    for snapshot in reversed(list_snapshots(where.snapshots)):
        origin = snapshot.manifest.get("origin", {})
        source = f"{origin['database']} {origin['endpoint']}" if origin else snapshot.manifest["source"]
        newest[source] = newest.get(source, 0) + 1
        if newest[source] <= keep:
            needed[snapshot.id] = f"among the newest {keep} of its source"
    for model in list_models(where.models):  # and with it every ranking: a run names its model
        needed.setdefault(model.manifest["snapshot"], f"model {model.id} learned from it")
    for run in list_runs(where):
        for ranked in _screened(run.get("reading", {}), where.snapshots):
            needed.setdefault(ranked, f"run {run['id']} ranks its crystals")
    for work in where.work.glob("train-*"):
        needed.setdefault(_read_by(work), f"the unfinished {work.name} reads it")
    return needed


def _screened(reading: dict[str, Any], snapshots: Path) -> Iterator[str]:
    """Ids of the snapshots whose crystals a run's source reads."""
    path = Path(reading.get("path", "."))
    if path.is_relative_to(snapshots.absolute()):
        yield path.relative_to(snapshots.absolute()).parts[0]
    inner = [part["source"] for part in reading.get("sources", [])]
    for one in [*inner, reading["source"]] if "source" in reading else inner:
        yield from _screened(one, snapshots)


def _read_by(work: Path) -> str:
    try:
        return str(json.loads((work / SNAPSHOT_FILE).read_text())["snapshot"])
    except (OSError, ValueError, KeyError) as fault:
        raise UserError(f"the unfinished work/{work.name} may need any snapshot; finish it, or delete its folder") from fault


def _remove(snapshot: Snapshot) -> None:
    """Out of sight at once, then gone: no reader meets half a snapshot."""
    hidden = snapshot.folder.with_name(f".building-pruned-{snapshot.id}")
    os.rename(snapshot.folder, hidden)
    shutil.rmtree(hidden, ignore_errors=True)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
