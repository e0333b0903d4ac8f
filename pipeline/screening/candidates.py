"""One shard of candidates to predictions: the part of a screen that runs in worker processes.

A worker reads, builds graphs and asks every member of the ensemble, on one core. Whole shards in parallel beat threads inside
the networks, whose matrices are too small to share.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from data.crystal import Crystal
from data.disordered import DisorderedCrystal
from data.rejection import Reason, Rejection
from data.sources import Record, Shard, Source
from data.symmetry import SymmetricCell
from pipeline.disorder.averaging import ApproximantRows
from pipeline.features.descriptor_sets import DescriptorSet
from pipeline.features.magnetic_composition import formula_mix
from pipeline.features.neighbours import isolated_atom
from pipeline.features.slow_descriptor_store import slow_descriptor_cache
from pipeline.ops.parallel import in_kept_worker, map_in_order
from pipeline.registry.ensemble import Ensemble
from pipeline.registry.order_models import load_classifier, load_experiment
from pipeline.screening.answer_columns import answer_columns
from pipeline.screening.averages import predict_averages
from pipeline.screening.crystal_facts import facts_of_average
from pipeline.screening.kept_rows import open_store, read_kept
from pipeline.screening.ordered_rows import OrderedRows
from pipeline.screening.predicted_cells import Predictor
from pipeline.screening.predicted_compositions import CompositionPredictor
from pipeline.screening.screen_models import ScreenModels

SECONDS_PER_FILE = 30.0  # a good file takes a few milliseconds
SECONDS_PER_SHARD = 120.0  # of up to a thousand files; a slower shard is read again, file by file
R = TypeVar("R")


@dataclass
class PredictedShard:
    """What a worker sends back; one row of `table` and one of `cells` a crystal."""

    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    cells: list[SymmetricCell] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    without_symmetry: int = 0
    seconds: float = 0.0
    seconds_disordered: float = 0.0  # of these, for disordered crystals

    def add(self, other: PredictedShard) -> None:
        """Append another shard."""
        parts = [table for table in (self.table, other.table) if len(table)]
        self.table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
        self.cells += other.cells
        self.rejected += other.rejected
        self.without_symmetry += other.without_symmetry
        self.seconds += other.seconds
        self.seconds_disordered += other.seconds_disordered


def predict_safely(
    source: Source, models: ScreenModels, descriptors: Path, shards: list[Shard], workers: int
) -> Iterator[PredictedShard]:
    """The ensemble's word on each shard, in order; `descriptors` is the folder of the slow descriptors."""
    predict = partial(predict_shard, source, models, descriptors)
    return read_safely(source, predict, _merged, _turned_away, shards, workers)


def predict_one_safely(source: Source, models: ScreenModels, descriptors: Path, shard: Shard) -> PredictedShard:
    """The same of one shard, in a worker process that stays for this thread's next one."""
    predict = partial(predict_shard, source, models, descriptors)
    return in_kept_worker(predict, shard, partial(predict_one_by_one, source, models, descriptors), SECONDS_PER_SHARD)


def predict_one_by_one(source: Source, models: ScreenModels, descriptors: Path, shard: Shard) -> PredictedShard:
    """The same file by file, each in a process that may die: a file whose reader dies or hangs costs itself."""
    predict = partial(predict_shard, source, models, descriptors)
    return _one_by_one(source, predict, _merged, _turned_away, shard)


def read_safely(
    source: Source, function: Callable[[Shard], R], merged: Callable[[list[R]], R], turned_away: Callable[[Rejection], R],
    shards: list[Shard], workers: int,
) -> Iterator[R]:  # fmt: skip
    """`function` of each shard, in order, in worker processes. A file whose reader dies or hangs costs itself: its shard is read
    again file by file, in a process that may die without harm."""
    again = partial(_one_by_one, source, function, merged, turned_away)
    return map_in_order(function, shards, workers, again, SECONDS_PER_SHARD)


def _one_by_one(
    source: Source, function: Callable[[Shard], R], merged: Callable[[list[R]], R], turned_away: Callable[[Rejection], R],
    shard: Shard,
) -> R:  # fmt: skip
    singles = list(source.singles(shard))
    fate = {id(single): rejection for single, rejection in singles}
    parts = [single for single, _ in singles]
    return merged(list(map_in_order(function, parts, 1, lambda single: turned_away(fate[id(single)]), SECONDS_PER_FILE)))


def _merged(parts: list[PredictedShard]) -> PredictedShard:
    whole = PredictedShard()
    for part in parts:
        whole.add(part)
    return whole


def _turned_away(rejection: Rejection) -> PredictedShard:
    return PredictedShard(rejected=[rejection])


@contextmanager
def _one_thread() -> Iterator[None]:
    """One thread for torch within the block: a program that predicts in its own process has settings of its own."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@_one_thread()
def predict_shard(source: Source, models: ScreenModels, descriptors: Path, shard: Shard) -> PredictedShard:
    """Read one shard and predict; whatever fails is a rejection with its reason. Slow descriptors are only looked up here:
    computing them takes longer than a shard may."""
    started = time.perf_counter()
    ensemble = _ensemble(models.moment)
    slow = slow_descriptor_cache(descriptors) if ensemble.descriptor_set is DescriptorSet.FULL else None
    predictor = Predictor(ensemble, models.order, slow, open_store(models.kept))
    items = read_kept(source, shard, predictor.store)
    records = [item for item in items if not isinstance(item, Rejection)]
    whole = PredictedShard(rejected=[item for item in items if isinstance(item, Rejection)])
    whole.add(_ordered(records, predictor, models))
    disordered = [record for record in records if isinstance(record.crystal, DisorderedCrystal)]
    if disordered:
        began = time.perf_counter()
        whole.add(_disordered(disordered, predictor, models))
        whole.seconds_disordered = time.perf_counter() - began
    whole.seconds = time.perf_counter() - started
    return whole


def load_models(models: ScreenModels) -> None:
    """Load what `predict_shard` asks, so that copies of this process have it.

    Raises:
        UserError: a model is damaged or missing.
    """
    ensemble = _ensemble(models.moment)
    _ = ensemble.members, ensemble.error_model, load_classifier(models.order).classes, load_experiment(models.experiment).model


def _ordered(records: list[Record], predictor: Predictor, models: ScreenModels) -> PredictedShard:
    """The ordered ones among the crystals of a shard; those with an isolated atom are rejections."""
    both = [(record, record.crystal) for record in records if isinstance(record.crystal, Crystal)]
    asked = OrderedRows(predictor, models)
    rows = asked.of([crystal for _, crystal in both], [record.licensed for record, _ in both])
    why = isolated_atom(predictor.ensemble.graph_settings)
    isolated = [record for (record, _), row in zip(both, rows, strict=True) if row is None]
    rejected = [Rejection(r.crystal.id, r.source_file, "", Reason.NO_NEIGHBOURS, why, r.licensed) for r in isolated]
    found = [(record, row) for (record, _), row in zip(both, rows, strict=True) if row is not None]
    if not found:
        return PredictedShard(rejected=rejected)
    kept = [row for _, row in found]
    table = asked.table([record for record, _ in found], kept)
    return PredictedShard(table, [row.cell for row in kept], rejected, sum(not row.cell.exact for row in kept))


def _disordered(records: list[Record], predictor: Predictor, models: ScreenModels) -> PredictedShard:
    """The mean over approximants; models of the composition are asked once, for the crystal's own."""
    secret = any(record.licensed for record in records)  # nothing of a crystal under a licence is kept
    asked = replace(predictor, slow=None, store=None if secret else predictor.store)
    ensemble = predictor.ensemble
    graph = ensemble.graph_settings

    def predict(crystals: list[Crystal]) -> tuple[ApproximantRows, NDArray[np.int64]]:
        free = [False] * len(crystals)
        said = asked.say(asked.cells(crystals, free), free)
        return ApproximantRows.of(said.values), said.kept

    done, rejected = predict_averages(records, graph.symprec_A, predict, isolated_atom(graph))
    if not done:
        return PredictedShard(rejected=rejected)
    means, spreads = zip(*(one.mean() for one in done), strict=True)
    known = frozenset(ensemble.manifest["elements"])
    facts = pd.DataFrame([facts_of_average(one, known, ensemble.descriptor_set) for one in done])
    said = ApproximantRows.joined(list(means)).columns()
    by_composition = CompositionPredictor(models.experiment, asked.store)
    answers = answer_columns(said, by_composition, formula_mix([one.crystal.composition for one in done]))
    table = facts.astype({"moment_dft": "float64", "e_above_hull": "float64"}).assign(**answers, approximant_spread=spreads)
    cells = [one.approximants.cell.symmetric for one in done]
    return PredictedShard(table, cells, rejected, sum(not cell.exact for cell in cells))


@lru_cache(maxsize=4)  # a program may compare models, as in pipeline.registry.order_models
def _ensemble(folder: Path) -> Ensemble:
    """Loaded once a process."""
    return Ensemble(folder)
