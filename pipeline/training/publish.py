"""From trained members to a published ensemble: selection, weights, error model, metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.errors import UserError
from data.store.artifact import write_bytes
from models.contract import MAGNETIC_THRESHOLD, Examples, Model
from models.members import predict_members
from pipeline.evaluation.metrics import LARGE_MOMENT, regression_metrics, reliability, spread_metrics
from pipeline.evaluation.stratified_errors import stratified_errors
from pipeline.features.descriptors import descriptor_names
from pipeline.ops.progress import Reporter
from pipeline.ops.provenance import provenance
from pipeline.registry.card import model_card
from pipeline.registry.ensemble import Ensemble
from pipeline.registry.published import HELD_OUT_FILE, publish_model
from pipeline.screening.csvsafe import csv_safe
from pipeline.training.dataset import Labelled
from pipeline.training.member_selection import CONSTANT, Verdict, select_members
from pipeline.training.member_weights import choose_weights
from pipeline.training.splits import Split
from pipeline.uncertainty.applicability_domain import Domain
from pipeline.uncertainty.ensemble_errors import EnsemblePrediction, ErrorModel
from pipeline.uncertainty.integer_moments import IntegerMoments
from pipeline.uncertainty.training_residuals import TrainingResiduals

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained member."""

    name: str
    kind: str  # its family
    seed: int
    model: Model
    history: list[dict[str, float]]


def publish_ensemble(
    root: Path,
    trained: list[Trained],
    data: Labelled,
    split: Split,
    learned: Examples,
    facts: dict[str, Any],
    reporter: Reporter,
    listed: Mapping[str, pd.DataFrame] = MappingProxyType({}),
) -> Ensemble:
    """Select members, choose weights and calibrate on the validation rows; evaluate on the test rows; publish.

    Args:
        root: the folder of all models.
        trained: the trained members.
        data: the labelled rows.
        split: training, validation and test rows.
        learned: the training rows with the labels and weights that the members learned from.
        facts: further content of the manifest.
        reporter: receives the progress.
        listed: tables of training labels that count less or were replaced, by the name of their CSV file beside the manifest.

    Raises:
        UserError: no member's predictions vary.
    """
    train, validation, test = (data.examples.take(rows) for rows in (split.train, split.validation, split.test))
    systems = data.table.column("chemsys").take(split.validation).to_pylist()
    said = {member.name: member.model.predict(validation) for member in trained}
    verdicts = select_members(train.targets(), validation.targets(), systems, said)
    kept, fallback = admitted(verdicts, reporter)
    members = [member for member in trained if member.name in kept]
    on_validation = [said[member.name] for member in members]
    chosen = choose_weights(validation.targets(), np.stack([p.moment for p in on_validation]), systems)
    domain = Domain.fit(train, validation, len(descriptor_names()))
    on_train = list(predict_members({member.name: member.model for member in members}, learned).values())
    errors = ErrorModel.fit(
        validation.targets(), on_validation, chosen.weights, validation, systems, domain, rule=chosen.rule,
        integer=IntegerMoments.fit(train), residuals=TrainingResiduals.fit(learned, on_train, chosen.weights, chosen.rule),
    )  # fmt: skip
    on_test = {member.name: member.model.predict(test) for member in members}
    predicted, truth = errors.predict(on_test, chosen.weights, test), test.targets()
    held_out = _held_out(data.table.select(["material_id", "formula", "chemsys"]).take(split.test).to_pandas(), truth, predicted)
    level = errors.calibration.level(truth, predicted.moment, predicted.size)
    metrics = scores(truth, predicted, level) | {
        "members": {name: regression_metrics(truth, p.moment, p.p_magnetic) for name, p in on_test.items()},
        "stratified_errors": stratified_errors(held_out["chemsys"].to_list(), truth, predicted.moment),
    }
    stated = {
        **facts,
        "rows": {"train": len(train), "val": len(validation), "test": len(test)},
        "elements": sorted(set(train.graphs.numbers.tolist())),  # what the members have seen
        "members": [
            _member_facts(member, weight, metrics["members"][member.name]["mae"], verdicts[member.name])
            for member, weight in zip(members, chosen.weights, strict=True)
        ],
        "left_out": [{"name": name, **verdict.to_json()} for name, verdict in verdicts.items() if name not in kept],
        "gate_passed": not fallback,
        "weighing": {"way": chosen.way, "validation_mae": chosen.error},
        "provenance": provenance(), "errors": errors.to_json(), "metrics": metrics,
    }  # fmt: skip
    return publish_model(root, Ensemble, partial(_write, members, errors, held_out, listed), stated, model_card)


def _held_out(rows: pd.DataFrame, truth: Floats, predicted: EnsemblePrediction) -> pd.DataFrame:
    """The test rows with their DFT moments (µB/atom) and all that the ensemble predicts of them."""
    return rows.assign(
        moment_dft=truth, moment_muB_per_atom=predicted.moment, moment_low=predicted.low, moment_high=predicted.high,
        moment_std=predicted.std, p_magnetic=predicted.p_magnetic, p_moment_above_1=predicted.p_moment_above_1,
        ood_score=predicted.ood_score,
        **{f"member_{n}": v for n, v in predicted.members.items()},
    )  # fmt: skip


def _member_facts(member: Trained, weight: float, mae: float, verdict: Verdict) -> dict[str, Any]:
    """What the manifest says of a member; `mae`: of the test rows, µB/atom."""
    return {
        "name": member.name, "family": member.kind, "seed": member.seed, "weight": float(weight), "mae": mae,
        "training": member.history, "gate": verdict.to_json(),
    }  # fmt: skip


def _write(
    members: list[Trained], errors: ErrorModel, held_out: pd.DataFrame, listed: Mapping[str, pd.DataFrame], folder: Path
) -> None:
    """Write the files of an ensemble into a folder."""
    for member in members:
        (folder / member.name).mkdir()
        member.model.save(folder / member.name)
    errors.save(folder)
    held_out.to_parquet(folder / HELD_OUT_FILE, index=False)
    for name, table in listed.items():
        write_bytes(folder / name, csv_safe(table).to_csv(index=False, float_format="%.4g").encode())


def admitted(verdicts: dict[str, Verdict], reporter: Reporter) -> tuple[list[str], bool]:
    """(members of the ensemble, whether none passed the gate).

    Where none passes (a handful of validation rows can hardly prove anything), the run goes on with all members that vary at all;
    the manifest says `gate_passed: false`, the report warns, and such a model is never promoted over another one.

    Raises:
        UserError: no member's predictions vary.
    """
    for name, verdict in verdicts.items():
        if not verdict.admitted:
            reporter.say(f"{name} is left out: {verdict.reason}")
    passed = [name for name, verdict in verdicts.items() if verdict.admitted]
    if passed:
        return passed, False
    varying = [name for name, verdict in verdicts.items() if verdict.reason != CONSTANT]
    if not varying:
        raise UserError(
            f"{', '.join(verdicts)}: the same prediction for every crystal; nothing was learned. More training rows are needed "
            "(boosted trees split no fewer than 20), or another family"
        )
    reporter.say(
        f"No member passes the gate, so the ensemble is made of {', '.join(varying)} all the same: it shows how the pipeline "
        "works, and is not to be trusted. More training rows or epochs help."
    )
    return varying, True


def scores(truth: Floats, predicted: EnsemblePrediction, level: Floats) -> dict[str, Any]:
    """Metrics of the ensemble and of its probabilities, for a manifest.

    Args:
        truth: (rows,) DFT moments, µB/atom.
        predicted: the ensemble's predictions.
        level: (rows,) levels of the narrowest stated intervals that hold the truth, 0 to 1.
    """
    return {
        "ensemble": regression_metrics(truth, predicted.moment, predicted.p_magnetic)
        | spread_metrics(truth, predicted.moment, predicted.std, predicted.low, predicted.high, level),
        "reliability": {
            "magnetic": reliability(truth > MAGNETIC_THRESHOLD, predicted.p_magnetic),
            "large": reliability(truth > LARGE_MOMENT, predicted.p_moment_above_1),
        },
    }
