"""The screen: shards of candidates to predictions, each finished shard kept, then one ranking."""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from data.errors import UserError
from data.known_magnets import known_magnets_code
from data.snapshot import Snapshot, open_snapshot
from data.sources import Shard, Source
from data.sources.literature.snapshot import LiteratureSnapshot, newest_literature
from data.sources.opening import ignored_files
from data.sources.recipe import recipe
from data.store.artifact import file_hash, make_folder, text_hash, write_bytes, write_json
from pipeline.dedup.cellfile import CellFiles
from pipeline.dedup.duplicates import Duplicates, find_duplicates
from pipeline.dedup.known import Known, known_crystals
from pipeline.dedup.trained import NAME as TRAINED
from pipeline.dedup.trained import stated_file, trained_on
from pipeline.disorder.approximants import APPROXIMANT_CODE
from pipeline.features.descriptor_sets import DescriptorSet
from pipeline.features.graphs import GRAPH_CODE
from pipeline.features.vectorstore import VECTOR_CODE
from pipeline.ops.ledger import Ledger, Run
from pipeline.ops.memory import copy_on_write, give_back_memory
from pipeline.ops.progress import Reporter
from pipeline.ops.provenance import provenance
from pipeline.registry.ensemble import Ensemble
from pipeline.screening.candidates import load_models
from pipeline.screening.crystal_facts import WITHOUT_SLOW_DESCRIPTORS
from pipeline.screening.csvsafe import csv_bytes, csv_safe
from pipeline.screening.identity import distinct_ids
from pipeline.screening.kept_matches import kept_matches
from pipeline.screening.kept_rows import libraries, open_store
from pipeline.screening.licence import Licence, without_structures
from pipeline.screening.looked_up import LITERATURE
from pipeline.screening.manifest import counts, disorder_facts
from pipeline.screening.measured import with_measured
from pipeline.screening.predicted_cells import kept_cells
from pipeline.screening.previous import RUN_FORMAT, list_run, previous_run
from pipeline.screening.profiles import DEFAULT_PROFILE, PROFILES, Profile
from pipeline.screening.ranking import rank
from pipeline.screening.run_folder import MANIFEST_FILE, claim_run, finish, writing
from pipeline.screening.screen_models import ScreenModels
from pipeline.screening.screened import Screened as Screened
from pipeline.screening.shards import Numbered, ShardFacts, ShardPredictor, Work, predict_in_processes, write_parquet
from pipeline.screening.slow_descriptors import prepare
from pipeline.screening.structures import STRUCTURES_FILE, write_structures
from pipeline.settings import Settings

REJECTED_FILE = "rejected.csv"
FILES = ("ranking.csv", "ranking.parquet", REJECTED_FILE, STRUCTURES_FILE)
MB = 1_000_000
FINGERPRINTS = "fingerprints"  # of the training data; see pipeline/dedup/trained.py
SCREEN_CODE = "screen-32"  # raise it whenever the same input and model would give other predictions, or a run other files


@dataclass(frozen=True)
class _Task:
    """What is screened, with what, and where the results go."""

    source: Source
    ensemble: Ensemble
    models: ScreenModels
    own: LiteratureSnapshot | None  # measured orders and transition temperatures of the user
    learned: Snapshot | None  # what the model learned from; a model may travel without it
    profile: Profile
    facts: dict[str, Any]  # of the manifest: id, input, code, models
    folder: Path
    where: Settings
    reporter: Reporter


def screen(
    source: Source, ensemble: Ensemble, out: Path | None, where: Settings, reporter: Reporter,
    profile: Profile = PROFILES[DEFAULT_PROFILE], licensed_details: bool = False,
    predictor: ShardPredictor = predict_in_processes, force: bool = False,
) -> Screened:  # fmt: skip
    """Rank a source's crystals by a profile. What an interrupted run of the same screen finished is taken as it is, and
    so is a finished one, unless its files were touched. With `force` it is written over another run, and beside other files.

    Of licensed crystals the results show ids and formulas only, unless `licensed_details`.

    Args:
        source: the candidates.
        ensemble: predicts the moments.
        out: folder of the results; None: below the home.
        where: the home.
        reporter: receives the progress.
        profile: what the ranking is by.
        licensed_details: whether the results show all of licensed crystals.
        predictor: predicts the shards.
        force: write over another run, and beside other files.

    Raises:
        Busy: another process is at the same screen.
        UserError: nothing to read in the source, or `out` cannot be written or holds something else.
    """
    given = source.identity()
    own = newest_literature(where.literature)
    measured = [known_magnets_code(), *([] if own is None else [f"{LITERATURE}{own.id}"])]
    code = (SCREEN_CODE, GRAPH_CODE, VECTOR_CODE, APPROXIMANT_CODE, *ensemble.descriptor_set.code, *measured)
    models = replace(ScreenModels.in_use(ensemble, where), kept=where.predictions if where.kept_predictions_mb else None)
    shown = ["licensed details"] if licensed_details else []
    learned = _learned_from(ensemble, where)
    known_by = stated_file(ensemble.manifest) if learned is None else learned.id  # gives known_id, and what explore excludes
    decided = (*code, *libraries(), *models.to_json().values(), known_by, given, profile.name, profile.formula, *shown)
    identity = text_hash(*decided)[:16]
    folder = claim_run(out or where.runs / identity, source.description, profile.name, licensed_details, force)
    inputs = {
        "source": source.description, "model": ensemble.id, "profile": profile.name, "folder": str(folder),
        "reading": recipe(source), "code": list(code),  # what is read and looked up now must not be pruned
    }  # fmt: skip
    with Ledger(where.home).run("screen", f"screen-{identity}", inputs) as run:
        finished = _finished(folder, identity)
        if finished is not None:
            reporter.say("The same screen is finished and its files are sound: nothing to compute")
            return _taken_as_it_is(finished, source, where)
        facts = {
            "id": identity, "input": given, "licensed_details": licensed_details, "code": list(code), **models.to_json(),
        }  # fmt: skip
        with writing(folder, identity):
            claim_run(folder, source.description, profile.name, licensed_details, force)  # another screen may just have ended
            task = _Task(source, ensemble, models, own, learned, profile, facts, folder, where, reporter)
            screened = _screen(task, run, predictor)
            give_back_memory()  # the tables' room, before a report reads them
            return screened


def _screen(task: _Task, run: Run, predictor: ShardPredictor) -> Screened:
    """Predict what no earlier run has, compare, rank and publish."""
    started, where = time.monotonic(), task.where
    shards = list(task.source.shards())
    work = Work(task.source, task.models, where.descriptors, make_folder(_work(where, task.facts["id"])))
    todo = [(k, shard) for k, shard in enumerate(shards) if not work.is_done(k)]
    _predict(task, work, shards, todo, run, predictor)
    predictions, rejected, shard_facts = work.collect(len(shards))
    predictions, rejected = distinct_ids(predictions, rejected)
    licence = Licence.of(predictions, rejected, task.facts["licensed_details"])
    rejected = licence.rejected(rejected)
    write_bytes(task.folder / REJECTED_FILE, csv_bytes(csv_safe(rejected)))
    if predictions.empty:
        shutil.rmtree(work.folder, ignore_errors=True)  # what kept every file from being read may be mended by the next attempt
        raise _nothing_read(task, rejected)
    cells = work.cells(len(shards))
    duplicates, known_from = _compare(task, predictions, cells)
    joined = predictions.join(duplicates.columns)
    with copy_on_write():  # else each of a dozen steps copies the whole table
        ranking = _write_ranking(with_measured(joined, cells.take, task.own), task.profile, licence, cells, task.folder)
    compared = {"known_from": known_from, "not_compared": duplicates.not_compared}
    manifest = {
        **_manifest(task, ranking, rejected, licence, compared, shard_facts),
        "files": {name: file_hash(task.folder / name) for name in FILES},
        "seconds": round(time.monotonic() - started, 2), "shards_taken_over": len(shards) - len(todo),
    }  # fmt: skip
    _publish(task, manifest, run)
    if (store := open_store(task.models.kept)) is not None:
        store.bound(where.kept_predictions_mb * MB)
    shutil.rmtree(work.folder, ignore_errors=True)
    return Screened(task.folder, manifest)


def _predict(task: _Task, work: Work, shards: list[Shard], todo: list[Numbered], run: Run, predictor: ShardPredictor) -> None:
    """Predict and keep the shards of `todo`."""
    workers, remaining = task.where.workers, sum(shard.size for _, shard in todo)
    if task.ensemble.descriptor_set is DescriptorSet.FULL:
        with task.reporter.bar("Slow descriptors", remaining) as tick:
            symprec = task.ensemble.graph_settings.symprec_A
            prepare(task.source, symprec, work.slow, [shard for _, shard in todo], workers, tick)
    whole = sum(shard.size for shard in shards)
    with task.reporter.bar("Screening", whole) as tick:
        tick(whole - remaining)
        load_models(task.models)  # a damaged one is found before a worker meets it
        sizes = {k: shard.size for k, shard in todo}
        for k in predictor(work, todo, max(1, min(workers, len(todo)))):
            run.finished("predict", str(k))
            tick(sizes[k])


def _nothing_read(task: _Task, rejected: pd.DataFrame) -> UserError:
    reasons = ", ".join(f"{n} × {r}" for r, n in Counter(rejected["reason"]).most_common(4))
    where = task.folder / REJECTED_FILE
    return UserError(f"no crystal could be read from {task.source.description} ({reasons or 'it is empty'}); see {where}")


def _manifest(
    task: _Task, ranking: pd.DataFrame, rejected: pd.DataFrame, licence: Licence, compared: dict[str, Any], shards: ShardFacts
) -> dict[str, Any]:
    """What the manifest says of the question, the models and the answer, without the files and the time."""
    source = task.source
    return {
        "kind": "screen", "format": RUN_FORMAT, **task.facts,
        "source": source.description, "reading": recipe(source), **licence.facts(), "ignored_files": ignored_files(source),
        "profile": task.profile.name, "formula": task.profile.formula,
        **counts(ranking, rejected), **compared,
        "without_symmetry": shards.without_symmetry, **disorder_facts(ranking, shards),
        "graph_settings": asdict(task.ensemble.graph_settings),
        "without_slow_descriptors": int(ranking["note"].str.contains(WITHOUT_SLOW_DESCRIPTORS, regex=False).sum()),
        "previous": previous_run(
            task.where, task.facts["id"], source.description, ranking["candidate_id"], licence.withheld, task.profile.name
        ),
        "provenance": provenance(),
    }  # fmt: skip


def _publish(task: _Task, manifest: dict[str, Any], run: Run) -> None:
    """Finish the run's folder, and list the run as the newest of the home."""
    write_json(task.folder / MANIFEST_FILE, manifest)
    finish(task.folder)
    list_run(task.where, task.folder, manifest)
    run.finished("publish", manifest["id"])


def _write_ranking(predictions: pd.DataFrame, profile: Profile, licence: Licence, cells: CellFiles, folder: Path) -> pd.DataFrame:
    """Rank and write the tables and the crystals of a run; returns the ranking as it is shown."""
    ranking = rank(_with_provenance(predictions.assign(place=range(len(predictions)))), profile)
    places = ranking.pop("place").to_list()
    hidden = licence.hidden(ranking)
    write_structures(folder, cells, places, hidden)
    ranking = without_structures(ranking, hidden)
    write_bytes(folder / "ranking.csv", csv_bytes(csv_safe(ranking)))
    write_parquet(ranking, folder / "ranking.parquet")
    return ranking


def _finished(folder: Path, identity: str) -> Screened | None:
    """The very screen, if it is finished there and none of its files was touched since."""
    try:
        manifest = json.loads((folder / MANIFEST_FILE).read_text())
        sound = manifest["id"] == identity and all(file_hash(folder / n) == h for n, h in manifest["files"].items())
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Screened(folder, manifest) if sound else None


def _taken_as_it_is(finished: Screened, source: Source, where: Settings) -> Screened:
    """A finished screen, listed as the newest of the home. Its manifest says where the crystals lie now: they may have moved.

    What a run that was killed when all was done left of its work is cleared away.
    """
    shutil.rmtree(_work(where, finished.manifest["id"]), ignore_errors=True)
    manifest = {**finished.manifest, "reading": json.loads(json.dumps(recipe(source)))}
    if manifest != finished.manifest:
        write_json(finished.folder / MANIFEST_FILE, manifest)
    list_run(where, finished.folder, manifest)
    return Screened(finished.folder, manifest, fresh=False)


def _work(where: Settings, identity: str) -> Path:
    """Where the finished shards of a screen lie until it is published; named like its key in the ledger."""
    return where.work / f"screen-{identity}"


def _with_provenance(table: pd.DataFrame) -> pd.DataFrame:
    """`label_provenance`: of the source's own moment or, where it has none, of the same crystal's in the training data."""
    own = table["label_provenance"]
    return table.assign(label_provenance=own.where(own != "", table["known_provenance"])).drop(columns="known_provenance")


def _learned_from(ensemble: Ensemble, where: Settings) -> Snapshot | None:
    try:
        return open_snapshot(where.snapshots, ensemble.manifest["snapshot"])
    except UserError:  # a model may travel without its data
        return None


def _compare(task: _Task, predictions: pd.DataFrame, cells: CellFiles) -> tuple[Duplicates, str | None]:
    """Duplicates among the candidates and in the model's training data, and what these were known by: the id of the model's
    snapshot, or FINGERPRINTS where it is not here and the model brings those; None where nothing is known of them."""
    ensemble, snapshot, workers, store = task.ensemble, task.learned, task.where.workers, open_store(task.models.kept)
    with task.reporter.bar("Comparing crystals", len(predictions)) as tick:
        symprec, symmetrised = ensemble.graph_settings.symprec_A, partial(kept_cells, store)
        known = known_crystals(snapshot, predictions["formula"], symprec, workers, symmetrised) if snapshot else Known()
        found = find_duplicates(predictions, cells.take, known, workers, tick, partial(kept_matches, store))
    if snapshot is not None:
        return found, snapshot.id
    learned = trained_on(ensemble.folder, ensemble.manifest, predictions["fingerprint"])
    if learned is None:
        return found, None
    return replace(found, columns=found.columns.assign(known_id=np.where(learned, TRAINED, ""))), FINGERPRINTS
