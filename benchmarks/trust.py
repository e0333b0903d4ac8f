"""Can the errors be trusted? Tables about an ensemble made of any held-out predictions.

    python -m benchmarks.held_out ../shared/data/mp_magnets.parquet --models ... --out held_out.parquet
    python -m benchmarks.trust ../shared/data/mp_magnets.parquet held_out.parquet [--members forest-0,cgcnn-0] [--test]

Without --test everything is tested on validation rows by cross-validation over chemical systems: member selection aside, each
fold's weights, difficulty and calibration come from the other folds. That is what a design may be chosen by. With --test all
validation rows calibrate and the test rows test: once for each final design.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from benchmarks.held_out import read
from benchmarks.learning_curve import find_snapshot
from benchmarks.smoke import arguments
from flows.console import Console
from models.contract import Examples, Prediction
from pipeline.demos.figures import markdown
from pipeline.evaluation.bootstrap import cluster_bootstrap
from pipeline.evaluation.metrics import LARGE_MOMENT, coverage_by_bin, regression_metrics, reliability, spread_metrics
from pipeline.evaluation.shares import wilson
from pipeline.features.descriptor_sets import DescriptorSet
from pipeline.features.descriptors import descriptor_names
from pipeline.features.neighbours import GraphSettings
from pipeline.registry.member_combination import combine
from pipeline.settings import settings
from pipeline.training.dataset import labelled_examples
from pipeline.training.member_selection import select_members
from pipeline.training.member_weights import FOLDS, choose_weights, system_folds
from pipeline.training.splits import split_rows
from pipeline.uncertainty.applicability_domain import Domain
from pipeline.uncertainty.ensemble_errors import EnsemblePrediction, ErrorModel
from pipeline.uncertainty.integer_moments import IntegerMoments

Floats = NDArray[np.float64]
MAGNETIC = 0.05  # µB/atom
NORMAL_90 = 1.645  # standard deviations
PREDICTED = ("moment", "low", "high", "std", "size", "p_magnetic", "p_moment_above_1", "ood_score")


@dataclass(frozen=True, eq=False)
class Rows:
    """Held-out rows with the members' word."""

    table: pd.DataFrame
    members: dict[str, Prediction]
    examples: Examples
    domain: Domain
    integer: IntegerMoments | None

    @property
    def truth(self) -> Floats:
        return self.table["moment_dft"].to_numpy(np.float64)

    @property
    def systems(self) -> list[str]:
        return self.table["chemsys"].to_list()

    def take(self, rows: NDArray[np.int64]) -> Rows:
        members = {n: Prediction(p.moment[rows], p.p_magnetic[rows]) for n, p in self.members.items()}
        return Rows(self.table.iloc[rows].reset_index(drop=True), members, self.examples.take(rows), self.domain, self.integer)


@dataclass(frozen=True, eq=False)
class Verdict:
    """The ensemble on some rows: raw and calibrated."""

    predicted: EnsemblePrediction
    level: Floats  # of the narrowest stated interval that holds the truth
    spread: Floats  # µB/atom, of the members
    raw_p: Floats


def fit_and_predict(known: Rows, fresh: Rows) -> tuple[Verdict, dict[str, float], str]:
    """Weights and errors from `known`, the word on `fresh`; also the weights and how they were found."""
    said = list(known.members.values())
    chosen = choose_weights(known.truth, np.stack([p.moment for p in said]), known.systems)
    errors = ErrorModel.fit(
        known.truth, said, chosen.weights, known.examples, known.systems, known.domain, rule=chosen.rule, integer=known.integer
    )
    predicted = errors.predict(fresh.members, chosen.weights, fresh.examples)
    raw = combine(list(fresh.members.values()), chosen.weights, chosen.rule)
    comparison = ", ".join(f"{way} {error:.5f}" for way, error in chosen.error.items())
    weights = dict(zip(known.members, chosen.weights.tolist(), strict=True))
    level = errors.calibration.level(fresh.truth, predicted.moment, predicted.size)
    return Verdict(predicted, level, raw.spread, raw.p_magnetic), weights, f"{chosen.way} ({comparison})"


def by_folds(rows: Rows) -> tuple[Verdict, dict[str, float], str]:
    """Each row predicted by what the other folds taught."""
    parts, order, way = [], [], ""
    weights: dict[str, float] = {}
    for others, left_out in system_folds(rows.systems, FOLDS):
        verdict, weights, way = fit_and_predict(rows.take(others), rows.take(left_out))
        parts.append(verdict)
        order.append(left_out)
    back = np.argsort(np.concatenate(order))

    def joined(values: list[Floats]) -> Floats:
        return np.concatenate(values)[back]

    fields = {name: joined([getattr(part.predicted, name) for part in parts]) for name in PREDICTED}
    members = {name: joined([part.predicted.members[name] for part in parts]) for name in rows.members}
    predicted = EnsemblePrediction(**fields, members=members)
    return (
        Verdict(predicted, joined([p.level for p in parts]), joined([p.spread for p in parts]), joined([p.raw_p for p in parts])),
        weights,
        way,
    )


def accuracy(rows: Rows, verdict: Verdict, weights: dict[str, float]) -> str:
    """The ensemble, its members, the baselines."""
    truth, zero = rows.truth, np.zeros(len(rows.table))
    lines = {"**ensemble**": (verdict.predicted.moment, verdict.predicted.p_magnetic, "")}
    lines |= {name: (p.moment, p.p_magnetic, f"{weights[name]:.2f}") for name, p in rows.members.items()}
    boosting = rows.table["baseline_boosting"].to_numpy(np.float64)
    lines |= {"gradient boosting": (boosting, boosting, ""), "predict 0": (zero, zero, "")}
    body = []
    for name, (moment, p, weight) in lines.items():
        m = regression_metrics(truth, moment, p)
        numbers = (m["mae"], m["rmse"], m["r2"], m["mae_magnetic"], m["auroc"], m["precision_at_k"])
        body.append([name, *(f"{value:.{d}f}" for value, d in zip(numbers, (4, 4, 3, 4, 3, 3), strict=True)), weight])
    k = regression_metrics(truth, zero, zero)["k"]
    return markdown(["model", "MAE", "RMSE", "R²", "MAE, magnetic rows", "AUROC", f"precision@{k}", "weight"], body)


def comparisons(rows: Rows, verdict: Verdict, best: str) -> str:
    """Gains of the ensemble with their intervals, a paired bootstrap over chemical systems."""
    error = np.abs(verdict.predicted.moment - rows.truth)
    boosting = rows.table["baseline_boosting"].to_numpy(np.float64)
    mean = np.mean([p.moment for p in rows.members.values()], axis=0)
    others = {f"the best member ({best})": rows.members[best].moment, "the plain mean of the members": mean}
    body = []
    for name, moment in {**others, "gradient boosting": boosting}.items():
        for what, kept in (("all", np.ones(len(error), bool)), ("magnetic", rows.truth > MAGNETIC)):
            gain = cluster_bootstrap((np.abs(moment - rows.truth) - error)[kept], np.array(rows.systems)[kept])
            body.append([name, what, gain.text(5)])
    return markdown(["ensemble against", "rows", "gain in MAE, µB/atom [95 %]"], body)


def intervals(rows: Rows, verdict: Verdict) -> str:
    """Coverage and half width by predicted moment: of the families' disagreement alone, and calibrated."""
    truth, said = rows.truth, verdict.predicted
    naive = NORMAL_90 * verdict.spread
    raw = coverage_by_bin(truth, said.moment, said.moment - naive, said.moment + naive)
    body = []
    for before, after in zip(raw, coverage_by_bin(truth, said.moment, said.low, said.high), strict=True):
        if not after["n"]:
            continue
        low, high = wilson(np.array([after["coverage"]]), np.array([after["n"]]))
        body.append(
            [f"{after['low']:g} to {after['high'] or '∞'}", f"{after['n']}", f"{before['coverage']:.3f}",
             f"{before['half_width']:.3f}", f"**{after['coverage']:.3f}**", f"{low[0]:.3f} to {high[0]:.3f}",
             f"{after['half_width']:.3f}"]
        )  # fmt: skip
    head = ["predicted µB/atom", "rows", "disagreement", "half width", "calibrated", "95 % of the share", "half width"]
    return markdown(head, body)


def knowledge(rows: Rows, verdict: Verdict) -> str:
    """Does the error bar know? In single numbers."""
    truth, said = rows.truth, verdict.predicted
    naive = NORMAL_90 * verdict.spread
    normal_level = 2 * norm.cdf(np.abs(truth - said.moment) / np.maximum(verdict.spread, 1e-12)) - 1
    lines = {
        "disagreement of the members": (verdict.spread, said.moment - naive, said.moment + naive, normal_level),
        "calibrated": (said.std, said.low, said.high, verdict.level),
    }
    body = []
    for name, (std, low, high, level) in lines.items():
        m = spread_metrics(truth, said.moment, std, low, high, level)
        numbers = (m["coverage_90"], m["coverage_90_magnetic"], m["miscalibration_area"], m["spearman_std_error"])
        body.append([name, *("" if value is None else f"{value:.3f}" for value in numbers)])
    return markdown(["", "coverage", "of truly magnetic rows", "miscalibration area", "Spearman, predicted magnetic"], body)


def probabilities(rows: Rows, verdict: Verdict) -> str:
    truth, said = rows.truth, verdict.predicted
    body = []
    for name, happened, p in (
        ("P(magnetic), members' votes", truth > MAGNETIC, verdict.raw_p),
        ("P(magnetic), calibrated", truth > MAGNETIC, said.p_magnetic),
        ("P(moment > 1), calibrated", truth > LARGE_MOMENT, said.p_moment_above_1),
    ):
        found: dict[str, Any] = reliability(happened, p)
        bins = ", ".join(f"{b['stated']:.2f}→{b['found']:.2f}" for b in found["bins"][4:])
        body.append([name, f"{found['brier']:.4f}", f"{found['calibration_error']:.4f}", bins])
    return markdown(["", "Brier", "calibration error", "stated → found, upper six tenths of the rows"], body)


def main() -> None:
    options = _options()
    known, test, training = load(options)
    verdicts = select_members(training, known.truth, known.systems, known.members)
    for name, found in verdicts.items():
        print(f"{name}: {'admitted' if found.admitted else found.reason}, gain {found.gain and found.gain.text()}")
    best = min(known.members, key=lambda n: float(np.abs(known.members[n].moment - known.truth).mean()))
    verdict, weights, way = fit_and_predict(known, test) if options.test else by_folds(known)
    rows = test if options.test else known
    print(f"\nWeights by {way}\n\n{accuracy(rows, verdict, weights)}\n\n{comparisons(rows, verdict, best)}")
    print(f"\n{intervals(rows, verdict)}\n\n{knowledge(rows, verdict)}\n\n{probabilities(rows, verdict)}")
    icsd = np.flatnonzero(rows.table["icsd"].eq(True).to_numpy(bool))
    part = {name: getattr(verdict.predicted, name)[icsd] for name in PREDICTED}
    predicted = EnsemblePrediction(**part, members={n: v[icsd] for n, v in verdict.predicted.members.items()})
    only, few = rows.take(icsd), Verdict(predicted, verdict.level[icsd], verdict.spread[icsd], verdict.raw_p[icsd])
    print(f"\nICSD-flagged rows only\n\n{accuracy(only, few, weights)}\n\n{intervals(only, few)}\n\n{knowledge(only, few)}")


def load(options: argparse.Namespace) -> tuple[Rows, Rows, Floats]:
    """(validation rows, test rows, training moments)."""
    where, console = settings(), Console()
    data = labelled_examples(
        find_snapshot(options.table, where, console), GraphSettings(), DescriptorSet.FAST, False, where, console
    )  # fmt: skip
    split = split_rows(data.table)
    train, validation = data.examples.take(split.train), data.examples.take(split.validation)
    domain, integer = Domain.fit(train, validation, len(descriptor_names())), IntegerMoments.fit(train)
    found = []
    for part, numbers in (("val", split.validation), ("test", split.test)):
        table, moments, votes = read(options.predictions, part)
        if table["material_id"].to_list() != data.table.column("material_id").take(numbers).to_pylist():
            raise SystemExit("the predictions are of another snapshot")
        names = options.members.split(",") if options.members else list(moments)
        members = {name: Prediction(moments[name], votes[name]) for name in names}
        found.append(Rows(table, members, data.examples.take(numbers), domain, integer))
    return found[0], found[1], data.examples.targets()[split.train]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("predictions", type=Path)
    parser.add_argument("--members", default="", help="comma-separated; default: all in the file")
    parser.add_argument("--test", action="store_true")
    return arguments(parser, lambda made: made.held_out())


if __name__ == "__main__":
    main()
