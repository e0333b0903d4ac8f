"""Train the models of experiments: members on each fold's other chemical systems, then on all, calibrated on the former.

Each member of each fold is written as soon as it has answered, so that a killed run goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from data.store.artifact import make_folder, text_hash, write_bytes
from models.experiment.calibration import Calibration
from models.experiment.composition_network import TASKS, CompositionNetwork, NetworkSettings, fit_network, from_root, to_root
from models.experiment.domain import CompositionDomain
from models.experiment.families import Families
from models.experiment.intervals import BinnedResiduals
from models.experiment.model import ExperimentModel, Members, Standard, combine, temperatures
from models.experiment.tree_members import ORDER_FOREST, ForestSettings, grow_forest
from models.networks.state_file import write_state
from models.trees.decision_trees import Trees
from pipeline.features.formulas import element_properties
from pipeline.features.magnetic_composition import COMPOSITION_CODE
from pipeline.training.experiment_rows import FOLDS, ExperimentRows

Floats = NDArray[np.float64]
Report = Callable[[str], None]
WEIGHTS = np.linspace(0.0, 1.0, 11)  # of the forest, tried on held-out rows
MEMBERS_CODE = "members-6"  # raise it whenever the same settings and rows would give other members or answers
ALL = FOLDS  # the fold that leaves nothing out


@dataclass(frozen=True)
class ExperimentSettings:
    """What a training run may choose."""

    networks: int = 2
    temperatures: ForestSettings = field(default_factory=ForestSettings)
    order: ForestSettings = ORDER_FOREST
    network: NetworkSettings = field(default_factory=NetworkSettings)
    seed: int = 0

    def forest(self, task: str) -> ForestSettings:
        """The forest of a task."""
        return self.order if task == "order" else self.temperatures


@dataclass(frozen=True, eq=False)
class CrossFitted:
    """Predictions of members for rows whose chemical systems they had not seen."""

    answers: dict[str, Floats]  # of `Members.answers`, one column a row

    def combined(self, forest_weight: dict[str, float]) -> dict[str, tuple[Floats, Floats]]:
        return {task: combine(self.answers[task], forest_weight[task]) for task in TASKS}


def train_experiment(
    rows: ExperimentRows, settings: ExperimentSettings, work: Path, report: Report
) -> tuple[ExperimentModel, CrossFitted]:
    """The model and what members of the folds predicted for systems they had not seen."""
    folder = make_folder(work / _identity(rows, settings))
    crossed = cross_fit(rows, settings, folder, report)
    weight = {task: _forest_weight(rows, task, crossed.answers[task]) for task in TASKS}
    said = crossed.combined(weight)
    known, truth, _ = rows.target("order")
    order = Calibration.fit(said["order"][0][known], truth)
    residuals = {}
    for task in ("tc", "tn"):
        known, truth, _ = rows.target(task)
        value, spread = temperatures(said[task][0][known], said[task][1][known])
        residuals[task] = BinnedResiduals.fit(truth, value, spread)
    members = fit_members(rows, np.ones(len(rows.fold), dtype=bool), settings, folder / str(ALL), report)
    facts: dict[str, Any] = {
        "rows": {task: len(rows.target(task)[0]) for task in TASKS},
        "systems": rows.table["chemsys"].nunique(),
    }
    return ExperimentModel(members, weight, order, residuals, fit_domain(rows, settings.seed), facts), crossed


def fit_domain(rows: ExperimentRows, seed: int) -> CompositionDomain:
    """The domain of all rows, whose unit comes from rows whose chemical systems such a domain had not seen."""
    given = rows.formulas
    return CompositionDomain.fit(given.columns, given.numbers, seed).scaled_to(held_out_distances(rows, seed))


def held_out_distances(rows: ExperimentRows, seed: int) -> Floats:
    """(rows,) distances from domains of the other folds."""
    out = np.zeros(len(rows.fold))
    for k in np.unique(rows.fold):
        here = rows.fold == k
        seen, unseen = rows.formulas.take(np.flatnonzero(~here)), rows.formulas.take(np.flatnonzero(here))
        domain = CompositionDomain.fit(seen.columns, seen.numbers, seed)
        out[here] = domain.score(unseen.columns, unseen.numbers, unseen.start)
    return out


def cross_fit(rows: ExperimentRows, settings: ExperimentSettings, folder: Path, report: Report) -> CrossFitted:
    """Predictions for each fold by members that learned from the other folds."""
    answers = {task: np.full((2 + settings.networks, len(rows.fold)), np.nan) for task in TASKS}
    for k in range(FOLDS):
        held_out = rows.fold == k
        file = folder / f"said-{k}.npz"
        if not file.is_file():
            members = fit_members(rows, ~held_out, settings, folder / str(k), report)
            said = members.answers(rows.formulas.take(np.flatnonzero(held_out)))
            _store(file, said)
        with np.load(file) as stored:
            for task in TASKS:
                answers[task][:, held_out] = stored[task]
    return CrossFitted(answers)


def fit_members(
    rows: ExperimentRows, seen: NDArray[np.bool_], settings: ExperimentSettings, folder: Path, report: Report
) -> Members:
    """Forests and networks of the rows that may be `seen`; those that `folder` has are taken as they are."""
    make_folder(folder)
    forests = {}
    for task in TASKS:
        known, truth, weight = rows.target(task)
        use = seen[known]
        file = folder / f"forest-{task}.npz"
        if not file.is_file():
            report(f"{folder.name}: forest of {task}")
            columns, forest = rows.formulas.columns[known[use]], settings.forest(task)
            grown = grow_forest(columns, truth[use], weight[use], task, forest, settings.seed)
            _store(file, vars(grown))
        with np.load(file) as stored:
            forests[task] = Trees(**{name: stored[name] for name in stored.files})
    standard = Standard.fit(rows.formulas.columns[seen])
    networks = [
        _network(rows, seen, standard, settings, settings.seed + k, folder / f"network-{k}.pt", report)
        for k in range(settings.networks)
    ]
    return Members(forests, networks, standard, settings.network, fit_families(rows, seen))


def fit_families(rows: ExperimentRows, seen: NDArray[np.bool_]) -> Families:
    """Of the rows that may be `seen` and whose order is known."""
    known, truth, _ = rows.target("order")
    given = rows.formulas.take(known[seen[known]])
    return Families.fit(given.numbers, given.fractions, given.start, truth[seen[known]])


def _network(
    rows: ExperimentRows, seen: NDArray[np.bool_], standard: Standard, settings: ExperimentSettings, seed: int, file: Path,
    report: Report,
) -> CompositionNetwork:  # fmt: skip
    torch.manual_seed(seed)
    network = CompositionNetwork(element_properties(), rows.formulas.columns.shape[1], settings.network)
    if file.is_file():
        network.load_state_dict(torch.load(file, weights_only=True))
        network.eval()
        return network
    report(f"{file.parent.name}: {file.stem}")
    targets = np.stack([rows.table[task].to_numpy(dtype=np.float64) for task in TASKS], axis=1)
    targets[:, :2] = to_root(targets[:, :2])
    weights = np.stack([rows.table[f"weight_{task}"].to_numpy(dtype=np.float64) for task in TASKS], axis=1)
    known = np.flatnonzero(seen & np.isfinite(targets).any(axis=1))
    fit_network(
        network, standard.network_input(rows.formulas), torch.from_numpy(targets.astype(np.float32)),
        torch.from_numpy(weights.astype(np.float32)), torch.from_numpy(known), settings.network.epochs, settings.network, seed,
    )  # fmt: skip
    make_folder(file.parent)
    write_state(network.state_dict(), file)
    return network


def _forest_weight(rows: ExperimentRows, task: str, answers: Floats) -> float:
    """The forest's share that has the least error on held-out rows: absolute for temperatures, Brier's for the order."""
    known, truth, _ = rows.target(task)
    losses = []
    for weight in WEIGHTS:
        mean = combine(answers[:, known], float(weight))[0]
        wrong = (1.0 / (1.0 + np.exp(-mean)) - truth) ** 2 if task == "order" else np.abs(from_root(mean) - truth)
        losses.append(wrong.mean())
    return float(WEIGHTS[int(np.argmin(losses))])


def _store(file: Path, arrays: Mapping[str, Any]) -> None:
    """Write arrays durably: after a power cut the file is whole or absent."""
    content = BytesIO()
    np.savez(content, **arrays)
    write_bytes(file, content.getvalue())


def _identity(rows: ExperimentRows, settings: ExperimentSettings) -> str:
    table = rows.table.drop(columns=["formula"]).to_csv(float_format="%.6g")
    return text_hash(COMPOSITION_CODE, MEMBERS_CODE, repr(asdict(settings)), table)[:16]
