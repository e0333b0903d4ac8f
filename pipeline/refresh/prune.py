"""Old rankings and snapshots are removed, but never a snapshot that a model, a ranking or unfinished work refers to; and what
stopped commands left, once nobody is expected to go on with it."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from data.errors import UserError
from data.snapshot import list_snapshots
from data.sources.literature.snapshot import list_literature
from data.store.lock import Busy, writing
from pipeline.ops.ledger import RUNNING, Ledger
from pipeline.ops.row_store import RowStore
from pipeline.refresh.leftovers import UNUSED_DAYS, abandoned_work, half_artefacts, is_old, stores_without_snapshot
from pipeline.registry.artifact_types import MODEL_KINDS
from pipeline.registry.published import published_models
from pipeline.screening.kept_rows import FILE, today
from pipeline.screening.looked_up import literature_of
from pipeline.screening.previous import list_runs
from pipeline.screening.run_folder import replaced
from pipeline.settings import Settings
from pipeline.training.train import SNAPSHOT_FILE


@dataclass(frozen=True)
class Pruned:
    """What was, or would be, removed, and why the rest stays."""

    removed: list[str]  # snapshots, of crystals and of literature
    kept: dict[str, str]  # snapshot id to reason
    runs: list[str]  # removed
    leftovers: list[str]  # removed folders of other kinds, by their paths in the home
    bytes: int


def prune(where: Settings, keep: int, dry: bool = False, keep_runs: int | None = None) -> Pruned:
    """Remove all but the newest `keep` snapshots of each source and those that something refers to, graphs of removed snapshots,
    unfinished work that nobody has gone on with for UNUSED_DAYS, and kept predictions that no screen has used as long.

    Args:
        where: the home.
        keep: how many of each source stay in any case; at least one, the base of its next refresh.
        dry: only say what would be removed.
        keep_runs: how many rankings of each source and profile stay; None for all. Of a run whose folder lies outside of the
            home only the entry goes: the folder is somebody's own.

    Raises:
        Busy: somebody is writing.
        UserError: `keep` is below one, `keep_runs` below two, or an unfinished training does not say which snapshot it reads.
    """
    if keep < 1:
        raise UserError("at least one snapshot of each source must stay: --keep 1 or more")
    if keep_runs is not None and keep_runs < 2:
        raise UserError("a ranking is compared with the one before it, so two must stay: --runs 2 or more")
    with writing(where.snapshots), writing(where.literature):
        every = list_runs(where)
        old = [] if keep_runs is None else _old_runs(every, where, keep_runs)
        unfinished = abandoned_work(where)
        kept = _needed(where, keep, [run for run in every if run not in old], unfinished)
        published = [one.folder for one in list_snapshots(where.snapshots)]
        published += [one.folder for one in list_literature(where.literature)]
        doomed = [folder for folder in published if folder.name not in kept]
        homes = [(Path(run["folder"]), run["id"]) for run in old]
        inside = where.runs.resolve()
        folders = [folder for folder, name in homes if folder.resolve().is_relative_to(inside) and not replaced(folder, name)]
        left = [*half_artefacts(where), *stores_without_snapshot(where, kept)]
        freed = sum(_size(folder) for folder in [*doomed, *folders, *unfinished, *left])
        if not dry:
            for half in where.runs.glob(".building-pruned-*"):
                shutil.rmtree(half, ignore_errors=True)
            for run in old:
                (where.runs / f"{run['id']}.json").unlink(missing_ok=True)
            for folder in [*folders, *doomed, *left]:
                _remove(folder)
            for folder, key in unfinished.items():
                with suppress(Busy), Ledger(where.home).idle(key):
                    if is_old(folder):  # somebody may have gone on with it, or even have finished, meanwhile
                        _remove(folder)
            RowStore(where.predictions / FILE).forget(today() - UNUSED_DAYS)
    names = sorted(str(folder.relative_to(where.home)) for folder in [*unfinished, *left])
    return Pruned([folder.name for folder in doomed], kept, [run["id"] for run in old], names, freed)


def _old_runs(every: list[dict[str, Any]], where: Settings, keep: int) -> list[dict[str, Any]]:
    """All but the newest rankings of each source and profile; the home's own snapshots are one source."""
    newest: Counter[tuple[str, str | None]] = Counter()
    old = []
    for run in reversed(every):
        of_home = any(_screened(run.get("reading", {}), where.snapshots))
        series = ("" if of_home else run.get("source", ""), run.get("profile"))
        newest[series] += 1
        if newest[series] > keep:
            old.append(run)
    return old[::-1]


def _needed(where: Settings, keep: int, runs: list[dict[str, Any]], abandoned: Collection[Path]) -> dict[str, str]:
    needed: dict[str, str] = {}
    newest: dict[str, int] = {}
    for snapshot_of_values in list_literature(where.literature)[-keep:]:
        needed[snapshot_of_values.id] = f"among the newest {keep} of the literature"
    for snapshot in reversed(list_snapshots(where.snapshots)):
        origin = snapshot.manifest.get("origin", {})
        source = f"{origin['database']} {origin['endpoint']}" if origin else snapshot.manifest["source"]
        newest[source] = newest.get(source, 0) + 1
        if newest[source] <= keep:
            needed[snapshot.id] = f"among the newest {keep} of its source"
    for kind in MODEL_KINDS:  # and with them every ranking: a run names its models
        for model in published_models(where.home / kind.directory, kind):
            for read in model.snapshots:
                needed.setdefault(read, f"{kind.kind} {model.id} learned from it")
    for run in runs:
        for ranked in _screened(run.get("reading", {}), where.snapshots):
            needed.setdefault(ranked, f"run {run['id']} ranks its crystals")
        if (measured := literature_of(run)) is not None:
            needed.setdefault(measured, f"run {run['id']} looked up its values")
    for entry in Ledger(where.home).entries():
        if entry.state == RUNNING:
            for read in _screened(entry.inputs.get("reading", {}), where.snapshots):
                needed.setdefault(read, f"a running {entry.job} reads it")
            if (measured := literature_of(entry.inputs)) is not None:
                needed.setdefault(measured, f"a running {entry.job} looks up its values")
            if (learned := entry.inputs.get("snapshot")) is not None:
                needed.setdefault(str(learned), f"a running {entry.job} learns from it")
    for work in set(where.work.glob("train-*")).difference(abandoned):
        for read in _read_by(work):
            needed.setdefault(read, f"the unfinished {work.name} reads it")
    return needed


def _screened(reading: dict[str, Any], snapshots: Path) -> Iterator[str]:
    """Ids of the home's snapshots whose crystals a run's source reads; the home may have moved since."""
    parts = Path(reading.get("path", ".")).parts
    yield from (name for above, name in pairwise(parts) if above == snapshots.name and (snapshots / name).is_dir())
    inner = [part["source"] for part in reading.get("sources", [])]
    for one in [*inner, reading["source"]] if "source" in reading else inner:
        yield from _screened(one, snapshots)


def _read_by(work: Path) -> list[str]:
    try:
        return [str(identifier) for identifier in json.loads((work / SNAPSHOT_FILE).read_text()).values()]
    except (OSError, ValueError, AttributeError) as fault:
        raise UserError(f"the unfinished work/{work.name} may need any snapshot; finish it, or delete its folder") from fault


def _remove(folder: Path) -> None:
    """Rename the folder, then delete it, so that no reader finds a part of an artefact. The next `prune` removes what a killed
    one leaves."""
    hidden = folder.with_name(f".building-pruned-{folder.name}")
    with suppress(FileNotFoundError):  # a run's folder that somebody has deleted
        os.rename(folder, hidden)
        shutil.rmtree(hidden, ignore_errors=True)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
