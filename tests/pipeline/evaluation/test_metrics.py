from __future__ import annotations

import json

import numpy as np
import pytest

from pipeline.evaluation.metrics import (
    MOMENT_BINS,
    coverage_by_bin,
    miscalibration_area,
    regression_metrics,
    reliability,
    spread_metrics,
)

TRUTH = np.array([0.0, 0.0, 0.5, 1.5, 2.0, 0.05])  # the last is exactly at the threshold: not magnetic
MOMENT = np.array([0.0, 0.6, 0.5, 1.0, 2.5, 0.05])
P = np.array([0.1, 0.7, 0.6, 0.9, 0.8, 0.2])


def test_errors_by_hand() -> None:
    m = regression_metrics(TRUTH, MOMENT, P)
    assert m["n"] == 6
    assert m["mae"] == pytest.approx(1.6 / 6)
    assert m["rmse"] == pytest.approx(np.sqrt((0.36 + 0.25 + 0.25) / 6))
    assert m["r2"] == pytest.approx(1 - 0.86 / ((TRUTH - 0.675) ** 2).sum())
    assert m["mae_magnetic"] == pytest.approx(1.0 / 3)
    assert m["mae_of_zero"] == pytest.approx(4.05 / 6)
    assert m["auroc"] == pytest.approx(8 / 9)  # of 3 x 3 pairs one is the wrong way round (0.6 below 0.7)
    assert m["average_precision"] == pytest.approx((1 / 1 + 2 / 2 + 3 / 4) / 3)
    assert m["k"] == 5
    assert m["precision_at_k"] == pytest.approx(2 / 5)


def test_the_size_of_a_label_counts_whatever_its_sign() -> None:
    assert regression_metrics(np.array([-1.0, 1.0]), np.zeros(2), np.zeros(2))["mae_of_zero"] == 1.0


@pytest.mark.parametrize(("rows", "k"), [(1, 1), (4, 4), (100, 5), (250, 10), (5000, 200), (10_000, 250)])
def test_the_head_of_the_list_grows_with_it(rows: int, k: int) -> None:
    moment = np.linspace(0, 3, rows)
    m = regression_metrics(moment, moment, moment / 3)
    assert m["k"] == k
    assert m["precision_at_k"] == pytest.approx((np.sort(moment)[::-1][:k] > 1.0).mean())


@pytest.mark.parametrize("truth", [np.zeros(7), np.full(7, 0.1), np.full(7, 2.3), np.array([1.7])])
def test_equal_truths_have_no_r2_and_no_ranking(truth: np.ndarray) -> None:
    m = regression_metrics(truth, truth + 0.1, np.linspace(0, 1, len(truth)))
    assert m["r2"] is None
    assert m["auroc"] is None and m["average_precision"] is None
    assert m["mae"] == pytest.approx(0.1)
    assert (m["mae_magnetic"] is None) == (truth[0] <= 0.05)


def test_all_zero_and_all_magnetic_are_json() -> None:
    for truth in (np.zeros(20), np.linspace(0.5, 2.0, 20), np.array([0.0]), np.array([1.0, 2.0])):
        n = len(truth)
        for moment in (truth, np.zeros(n), np.linspace(0, 3, n)):
            spread = spread_metrics(truth, moment, np.full(n, 0.1), moment - 0.2, moment + 0.2, np.full(n, 0.5))
            json.dumps(regression_metrics(truth, moment, np.full(n, 0.5)) | spread, allow_nan=False)


def test_coverage_by_bin_by_hand() -> None:
    low, high = MOMENT - 0.5, MOMENT + 0.5
    rows = coverage_by_bin(TRUTH, MOMENT, low, high)
    assert [row["low"] for row in rows] == list(MOMENT_BINS[:-1])
    assert rows[-1]["high"] is None
    assert [row["n"] for row in rows] == [1, 1, 0, 2, 1, 1]  # 0.05 and 0.5 and 1.0 open their bins
    assert [row["coverage"] for row in rows] == [1.0, 1.0, None, 0.5, 1.0, 1.0]
    assert rows[0]["half_width"] == pytest.approx(0.5)
    assert rows[2]["half_width"] is None


def test_spread_by_hand() -> None:
    std = np.array([0.0, 0.6, 0.01, 0.4, 0.5, 0.3])
    m = spread_metrics(TRUTH, MOMENT, std, MOMENT - 0.5, MOMENT + 0.5, np.linspace(0, 1, 6))
    assert m["coverage_90"] == pytest.approx(5 / 6)
    assert m["coverage_90_magnetic"] == 1.0
    # predicted magnetic: errors .6 0 .5 .5, spreads .6 .01 .4 .5; ranks 4 1 2.5 2.5 against 4 1 2 3
    assert m["spearman_std_error"] == pytest.approx(np.corrcoef([4, 1, 2.5, 2.5], [4, 1, 2, 3])[0, 1])


def test_shares_and_widths_are_means_over_their_rows() -> None:
    """Four magnetic rows, of which one is not held; 0.05 µB/atom is not magnetic, neither measured nor said."""
    truth, moment = np.array([0.3, 0.3, 0.3, 0.4, 0.05]), np.array([0.3, 0.4, 0.3, 0.3, 0.05])
    half = np.array([0.1, 0.2, 0.3, 0.01, 0.0])
    found = spread_metrics(truth, moment, half, moment - half, moment + half, np.full(5, 0.5))
    assert found["coverage_90"] == pytest.approx(4 / 5) and found["coverage_90_magnetic"] == pytest.approx(3 / 4)
    bins = {row["low"]: row for row in found["coverage_by_bin"]}
    assert bins[0.25]["half_width"] == pytest.approx(0.61 / 4) and bins[0.25]["coverage"] == pytest.approx(3 / 4)
    assert found["spearman_std_error"] == pytest.approx(np.corrcoef([2, 3, 4, 1], [1.5, 3.5, 1.5, 3.5])[0, 1])


def test_a_spread_without_variation_has_no_correlation() -> None:
    assert spread_metrics(TRUTH, MOMENT, np.ones(6), MOMENT, MOMENT, np.ones(6))["spearman_std_error"] is None
    assert spread_metrics(TRUTH, np.zeros(6), np.arange(6.0), MOMENT, MOMENT, np.ones(6))["spearman_std_error"] is None


def test_the_area_between_stated_and_true_shares() -> None:
    even = (np.arange(10_000) + 0.5) / 10_000
    assert miscalibration_area(even) == pytest.approx(0.0, abs=1e-3)
    assert miscalibration_area(np.zeros(100)) == pytest.approx(0.5, abs=0.01)  # every interval is far too wide
    assert miscalibration_area(np.ones(100)) == pytest.approx(0.5, abs=0.01)  # and far too narrow
    assert miscalibration_area(even**2) == pytest.approx(2 / 3 - 1 / 2, abs=1e-3)  # share sqrt(x) inside level x
    assert miscalibration_area(np.array([0.5, np.nan])) is None


def test_reliability_by_hand() -> None:
    p = np.repeat([0.1, 0.9], 10)
    happened = np.array([True] * 3 + [False] * 7 + [True] * 9 + [False])
    found = reliability(happened, p)
    assert found["brier"] == pytest.approx((3 * 0.81 + 7 * 0.01 + 9 * 0.01 + 0.81) / 20)
    assert len(found["bins"]) == 10 and sum(row["n"] for row in found["bins"]) == 20
    assert found["bins"][0] == {"n": 2, "stated": pytest.approx(0.1), "found": 1.0}
    twenty = np.repeat(np.arange(10), 2)  # in each bin of two, 0.1 too much or too little is said
    wrong = reliability(np.tile([True, False], 10), 0.5 + np.where(twenty < 5, -0.1, 0.1) + 1e-6 * twenty)
    assert wrong["calibration_error"] == pytest.approx(0.1, abs=1e-4)
    rng = np.random.default_rng(0)
    said = rng.random(50_000)
    assert reliability(rng.random(50_000) < said, said)["calibration_error"] < 0.01
    assert reliability(rng.random(50_000) < said**2, said)["calibration_error"] > 0.1
