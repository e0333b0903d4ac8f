"""Metrics of order and of transition temperatures, by hand and against scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import f1_score

from pipeline.evaluation.experiment_metrics import (
    crossed_coverage,
    crossed_order,
    order_metrics,
    parity_counts,
    reliability_bins,
    temperature_metrics,
)
from pipeline.evaluation.ordering_metrics import class_scores
from pipeline.evaluation.shares import wilson

TRUTH = np.array([1.0, 0.0, 1.0, 1.0, 0.0])
P = np.array([0.95, 0.55, 0.75, 0.35, 1.0])  # bins of a tenth: 9, 5, 7, 3 and again 9
ROWS = 6000
FOLD = np.arange(ROWS) % 3  # two folds could not tell the other ones from another one


def test_order_by_hand() -> None:
    found = order_metrics(TRUTH, P)
    assert found["rows"] == 5
    # pairs (ferromagnet, antiferromagnet) in the right order: 0.95 and 0.75 above 0.55
    assert found["auroc"] == pytest.approx(2 / 6)
    # said above a half: 4, of which 2 are ferromagnets; below: one, which is a ferromagnet
    assert found["macro_f1"] == pytest.approx((2 * 2 / (4 + 3) + 0.0) / 2)
    assert found["brier"] == pytest.approx((0.05**2 + 0.55**2 + 0.25**2 + 0.65**2 + 1.0) / 5)
    assert found["calibration_error"] == pytest.approx((2 * abs(0.5 - 0.975) + 0.55 + 0.25 + 0.65) / 5)


def test_bins_of_probabilities() -> None:
    assert reliability_bins(TRUTH, P) == [
        {"rows": 1, "stated": pytest.approx(0.35), "found": 1.0}, {"rows": 1, "stated": pytest.approx(0.55), "found": 0.0},
        {"rows": 1, "stated": pytest.approx(0.75), "found": 1.0}, {"rows": 2, "stated": pytest.approx(0.975), "found": 0.5},
    ]  # fmt: skip


def test_one_half_is_no_ferromagnet() -> None:
    assert order_metrics(np.array([0.0, 1.0]), np.array([0.5, 0.6]))["macro_f1"] == 1.0


def test_temperatures_by_hand() -> None:
    truth, predicted = np.array([100.0, 600.0, 700.0, 1000.0]), np.array([130.0, 650.0, 600.0, 990.0])
    found = temperature_metrics(truth, predicted)
    assert found["rows"] == 4
    assert found["mae_K"] == pytest.approx(190 / 4) and found["median_error_K"] == pytest.approx(40.0)
    assert found["r2"] == pytest.approx(1 - (900 + 2500 + 10_000 + 100) / (500**2 + 0 + 100**2 + 400**2))
    # above 600 K: said 650 and 990, measured 700 and 1000; 600 itself is not above
    assert found["precision_above_600"] == 0.5 and found["recall_above_600"] == 0.5


def test_what_no_row_says_is_unknown() -> None:
    cold = temperature_metrics(np.array([10.0, 20.0]), np.array([12.0, 20.0]))
    assert math.isnan(cold["precision_above_600"]) and math.isnan(cold["recall_above_600"])
    nothing = temperature_metrics(np.zeros(0), np.zeros(0))
    assert nothing.keys() == cold.keys() and nothing["rows"] == 0
    assert all(math.isnan(value) for name, value in nothing.items() if name != "rows")
    assert math.isnan(temperature_metrics(np.array([300.0]), np.array([250.0]))["r2"]), "of one value, not minus infinity"


def test_a_row_is_calibrated_by_all_folds_but_its_own() -> None:
    """In one fold the logit is turned round, in both others it is right: of one fold of either kind nothing can be learned."""
    logit = np.random.default_rng(0).normal(size=ROWS)
    truth = ((logit > 0) == (FOLD > 0)).astype(float)
    crossed = crossed_order(logit, truth, FOLD)
    assert ((crossed > 0.9) == (logit > 0))[FOLD == 0].mean() > 0.95
    assert np.abs(crossed[FOLD > 0] - 0.5).max() < 0.15
    agreeing = crossed_order(logit, (logit > 0).astype(float), FOLD)
    assert ((agreeing > 0.5) == (logit > 0)).mean() > 0.95


def test_an_interval_is_that_of_all_folds_but_its_own() -> None:
    """One fold errs by 1 K, both others by 100 K, evenly. Its intervals reach to 90 K. Those of the others come from one fold of
    either kind: a tenth of their errors lies outside, all of it among the large ones, so that they reach to 80 K."""
    rng = np.random.default_rng(1)
    predicted = rng.uniform(310.0, 440.0, ROWS)
    truth = predicted + np.where(FOLD == 0, 1.0, 100.0) * rng.uniform(-1, 1, ROWS)
    found = crossed_coverage(truth, predicted, np.ones(ROWS), FOLD)
    assert found["coverage"] == pytest.approx((1.0 + 0.8 + 0.8) / 3, abs=0.015)
    assert set(found["bins"]) == {"300 to 600 K"}
    row = found["bins"]["300 to 600 K"]
    assert row["rows"] == ROWS and row["coverage"] == found["coverage"]
    assert row["width_K"] == pytest.approx(2 * (90.0 + 80.0 + 80.0) / 3, rel=0.04)


def test_bins_of_coverage_open_at_their_lower_edge() -> None:
    predicted = np.repeat([99.0, 100.0, 300.0, 600.0], ROWS // 4)
    truth = predicted + np.tile([-1.0, 1.0], ROWS // 2)
    bins = crossed_coverage(truth, predicted, np.ones(ROWS), np.arange(ROWS) // 2 % 3)["bins"]
    assert {name: row["rows"] for name, row in bins.items()} == dict.fromkeys(
        ("0 to 100 K", "100 to 300 K", "300 to 600 K", "600 to inf K"), ROWS // 4
    )
    assert all(row["coverage"] == 1.0 for row in bins.values())


def test_each_row_is_in_one_cell_of_parity_and_the_last_cell_holds_all_that_is_hotter() -> None:
    found = parity_counts(np.array([0.0, 49.9, 50.0, 5000.0, 1225.0]), np.array([1300.0, 0.0, 99.9, 60.0, -3.0]))
    counts = np.array(found["counts"])
    assert counts.shape == (25, 25) and counts.sum() == 5 and found["edges_K"] == [50.0 * k for k in range(26)]
    assert sorted(zip(*(axis.tolist() for axis in np.nonzero(counts)), strict=True)) == [
        (0, 0), (0, 24), (1, 1), (24, 0), (24, 1)
    ]  # measured, predicted


def test_f1_of_classes_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(2)
    truth, said = rng.integers(0, 3, 200), rng.integers(0, 3, 200)
    found = class_scores(truth, said, ("a", "b", "c"))
    one_by_one = f1_score(truth, said, average=None)
    assert [found[name] for name in "abc"] == pytest.approx(one_by_one.tolist())
    assert found["macro"] == pytest.approx(f1_score(truth, said, average="macro"))
    absent = class_scores(np.array([0, 1]), np.array([0, 1]), ("a", "b", "c"))
    assert absent == {"a": 1.0, "b": 1.0, "c": 0.0, "macro": pytest.approx(2 / 3)}


@pytest.mark.parametrize(("hits", "rows"), [(0, 10), (3, 10), (45, 50), (20, 20)])
def test_wilson_ends_solve_the_score_equation(hits: int, rows: int) -> None:
    """Both ends p satisfy |share - p| = 1.96 sqrt(p (1 - p) / n), from which the interval is derived."""
    share = hits / rows
    for end in wilson(np.array([share]), np.array([rows])):
        assert abs(share - end[0]) == pytest.approx(1.96 * math.sqrt(max(end[0] * (1 - end[0]), 0.0) / rows), abs=1e-7)
    low, high = (end[0] for end in wilson(np.array([share]), np.array([rows])))
    assert -1e-12 <= low <= share <= high <= 1 + 1e-12 and low < high
