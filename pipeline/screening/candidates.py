"""One shard of candidates to predictions: the part of a screen that runs in worker processes.

A worker reads, builds graphs and asks every member of the ensemble, on one core. Whole shards in parallel beat threads inside
the networks, whose matrices are too small to share.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from data.criticality import Criticality, criticality
from data.crystal import Crystal, reduced_formula, symbol
from data.disordered import DisorderedCrystal
from data.rejection import Reason, Rejection
from data.sources import Record, Shard, Source
from data.symmetry import SymmetricCell
from models.ordering.order_classifier import CLASSES
from pipeline.dedup.fingerprint import fingerprint
from pipeline.disorder.averaged_cell import AveragedCell
from pipeline.disorder.averaging import ApproximantRows
from pipeline.features.descriptor_sets import DescriptorSet
from pipeline.features.descriptors import compositions
from pipeline.features.elements import Compositions
from pipeline.features.magnetic_composition import formula_mix
from pipeline.features.neighbours import atoms_alone, isolated_atom
from pipeline.features.slow_descriptor_store import slow_descriptor_cache
from pipeline.magnetism.moment_facts import FACTS
from pipeline.ops.parallel import in_kept_worker, map_in_order
from pipeline.registry.ensemble import Ensemble
from pipeline.registry.order_models import load_classifier, load_experiment
from pipeline.screening.averages import Averaged, predict_averages
from pipeline.screening.columns import MEMBER_PREFIX
from pipeline.screening.kept_rows import open_store, read_kept
from pipeline.screening.predicted_cells import Predictor
from pipeline.screening.predicted_compositions import CompositionPredictor
from pipeline.screening.screen_models import ScreenModels

SECONDS_PER_FILE = 30.0  # a good file takes a few milliseconds
SECONDS_PER_SHARD = 120.0  # of up to a thousand files; a slower shard is read again, file by file
NOT_SAID = "a moment of the source, which does not say what it comes from"
WITHOUT_SLOW_DESCRIPTORS = "its slow descriptors could not be computed"
_SUPPLY = tuple(f.name for f in fields(Criticality))
Floats = NDArray[np.float64]
R = TypeVar("R")


@dataclass(frozen=True)
class Candidates:
    """The readable crystals of a shard; rows of `facts`, `cells` and of each column of `said`, which are of the ordered
    ones, correspond."""

    said: dict[str, NDArray[Any]]  # by name, of Predictor.columns
    cells: list[SymmetricCell]
    facts: list[dict[str, Any]]
    rejected: list[Rejection]
    without_symmetry: int
    disordered: list[Record]


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
    return in_kept_worker(predict, shard, partial(_one_by_one, source, predict, _merged, _turned_away), SECONDS_PER_SHARD)


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


def predict_shard(source: Source, models: ScreenModels, descriptors: Path, shard: Shard) -> PredictedShard:
    """Read one shard and predict. Slow descriptors are only looked up here: computing them takes longer than a shard may."""
    started = time.perf_counter()
    torch.set_num_threads(1)
    ensemble = _ensemble(models.moment)
    slow = slow_descriptor_cache(descriptors) if ensemble.descriptor_set is DescriptorSet.FULL else None
    predictor = Predictor(ensemble, models.order, slow, open_store(models.kept))
    found = read_candidates(source, predictor, shard)
    whole = PredictedShard(rejected=found.rejected)
    if found.facts:
        whole.add(_ordered(found, models))
    if found.disordered:
        began = time.perf_counter()
        whole.add(_disordered(found.disordered, predictor, models))
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


def _ordered(found: Candidates, models: ScreenModels) -> PredictedShard:
    for k in np.flatnonzero(found.said["without_slow"]).tolist():
        found.facts[k]["note"] = "; ".join(filter(None, (found.facts[k]["note"], WITHOUT_SLOW_DESCRIPTORS)))
    secret = any(row["licensed"] for row in found.facts)
    asked = CompositionPredictor(models.experiment, None if secret else open_store(models.kept))
    table = _table(found.facts, found.said, asked, compositions(atoms_alone(found.cells)))
    return PredictedShard(table, found.cells, [], found.without_symmetry)


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
    facts = [_facts_of_average(one, known, ensemble.descriptor_set) for one in done]
    said = ApproximantRows.joined(list(means)).columns()
    by_composition = CompositionPredictor(models.experiment, asked.store)
    table = _table(facts, said, by_composition, formula_mix([one.crystal.composition for one in done]))
    table = table.assign(approximant_spread=spreads)
    cells = [one.approximants.cell.symmetric for one in done]
    return PredictedShard(table, cells, rejected, sum(not cell.exact for cell in cells))


def _table(
    facts: list[dict[str, Any]], said: Mapping[str, NDArray[Any]], experiment: CompositionPredictor, mix: Compositions
) -> pd.DataFrame:
    """One row a crystal: facts, predictions (`Predictor.columns`), and what the models of its composition (`mix`) say."""
    orders = np.stack([said[f"order_{name}"] for name in CLASSES], axis=1)
    return pd.DataFrame(facts).astype({"moment_dft": "float64", "e_above_hull": "float64"}).assign(
        moment_muB_per_atom=said["moment"], moment_low=said["low"], moment_high=said["high"], moment_std=said["std"],
        p_magnetic=said["p_magnetic"], p_moment_above_1=said["p_moment_above_1"], ood_score=said["ood_score"],
        **ordering_columns(said["p_magnetic"], orders),
        **experiment.columns(mix),
        **{name: values for name, values in said.items() if name in FACTS or name.startswith(MEMBER_PREFIX)},
    )  # fmt: skip


def ordering_columns(p_magnetic: Floats, of_magnetic: Floats) -> dict[str, Any]:
    """Columns of the ranking, from P(magnetic) (rows,) and the probabilities of CLASSES given that (rows, 3)."""
    every = np.concatenate([(1.0 - p_magnetic)[:, None], p_magnetic[:, None] * of_magnetic], axis=1)
    names = ("NM", *CLASSES)
    return {
        "p_ferromagnetic": every[:, 1], "p_ferrimagnetic": every[:, 2], "p_antiferromagnetic": every[:, 3],
        "afm_risk": of_magnetic[:, CLASSES.index("AFM")], "ordering_most_likely": [names[k] for k in every.argmax(axis=1)],
    }  # fmt: skip


def read_candidates(source: Source, predictor: Predictor, shard: Shard) -> Candidates:
    """Read each crystal and predict the ordered ones; whatever fails is a rejection with its reason.

    A crystal with an element that the model was not trained on is marked in its note.
    """
    known = frozenset(predictor.ensemble.manifest["elements"])
    items = read_kept(source, shard, predictor.store)
    rejected = [item for item in items if isinstance(item, Rejection)]
    disordered = [item for item in items if not isinstance(item, Rejection) and isinstance(item.crystal, DisorderedCrystal)]
    both = [(r, r.crystal) for r in items if not isinstance(r, Rejection) and isinstance(r.crystal, Crystal)]
    records, crystals = [record for record, _ in both], [crystal for _, crystal in both]
    licensed = [record.licensed for record in records]
    cells = predictor.cells(crystals, licensed)
    said = predictor.say(cells, licensed)
    isolated = (records[k] for k in np.setdiff1d(np.arange(len(records)), said.kept).tolist())
    why = isolated_atom(predictor.ensemble.graph_settings)
    rejected += [Rejection(r.crystal.id, r.source_file, "", Reason.NO_NEIGHBOURS, why, r.licensed) for r in isolated]
    places = said.kept.tolist()
    kept = [cells[k] for k in places]
    facts = [_facts(records[k], crystals[k], cell, known) for k, cell in zip(places, kept, strict=True)]
    return Candidates(said.values, kept, facts, rejected, sum(not cell.exact for cell in kept), disordered)


@lru_cache(maxsize=1)
def _ensemble(folder: Path) -> Ensemble:
    """Loaded once a process."""
    return Ensemble(folder)


def _facts(record: Record, crystal: Crystal, cell: SymmetricCell, known: frozenset[int]) -> dict[str, Any]:
    elements, counts = crystal.reduced_composition
    return {
        **_facts_of_record(record, reduced_formula(elements, counts)),
        "space_group": cell.space_group,
        "fingerprint": fingerprint(cell),
        "volume_per_atom": crystal.volume / crystal.n_sites,
        "note": "; ".join(filter(None, (crystal.note, _warning(elements, known)))),
        "moment_dft": None if record.label is None else record.label.per_atom(crystal.n_sites),
        **_supply(elements, counts),
    }


def _facts_of_record(record: Record, formula: str) -> dict[str, Any]:
    """What is said alike of ordered and disordered crystals."""
    return {
        "candidate_id": record.crystal.id,
        "formula": formula,
        "n_sites": record.crystal.n_sites,
        "source_file": record.source_file,
        "label_provenance": "" if record.label is None else record.label.provenance or NOT_SAID,
        "e_above_hull": record.e_above_hull,
        "licensed": record.licensed,
    }


def _facts_of_average(one: Averaged, known: frozenset[int], descriptor_set: DescriptorSet) -> dict[str, Any]:
    """The same of a disordered crystal, with its occupancies and the number of its approximants."""
    crystal, record = one.crystal, one.record
    cell: AveragedCell = one.approximants.cell
    shares = {z: round(n / crystal.n_atoms, 6) for z, n in crystal.composition.items()}
    slow = WITHOUT_SLOW_DESCRIPTORS if descriptor_set is DescriptorSet.FULL else ""
    return {
        **_facts_of_record(record, crystal.formula),
        "space_group": cell.symmetric.space_group,
        "fingerprint": cell.fingerprint,
        "volume_per_atom": crystal.volume / crystal.n_atoms,
        "note": "; ".join(filter(None, (crystal.note, _warning(crystal.composition, known), slow))),
        "moment_dft": None if record.label is None else abs(record.label.moment_muB_per_cell) / crystal.n_atoms,
        "occupancies": crystal.occupancies,
        "n_approximants": one.number,
        **_supply(tuple(shares), tuple(shares.values())),
    }


def _supply(elements: tuple[int, ...], counts: tuple[float, ...]) -> dict[str, Any]:
    supply = criticality(elements, counts)
    return {name: getattr(supply, name) for name in _SUPPLY}


def _warning(elements: Iterable[int], known: frozenset[int]) -> str:
    unseen = [z for z in elements if z not in known]
    return f"never seen in training: {', '.join(symbol(z) for z in unseen)}" if unseen else ""
