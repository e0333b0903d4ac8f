from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.evaluation.metrics import MOMENT_BINS, coverage_by_bin, miscalibration_area, reliability
from pipeline.uncertainty.conformal import Calibration

BAND = (0.87, 0.93)  # coverage of the 90 % interval on fresh rows, in every bin of predicted moments
ROWS = 24_000
RELIABLE = 0.03  # between stated and found shares; the scores of a bin are not quite alike
ENOUGH = 400  # rows a bin needs before its coverage is tested; at 400 the band is two standard deviations wide


def simulated(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(truth, moment, spread): mostly zeros, errors that grow with the moment, members that know only part of it."""
    rng = np.random.default_rng(seed)
    size = np.where(rng.random(rows) < 0.6, 0.0, rng.gamma(2.0, 0.4, rows))
    trouble = (0.004 + 0.12 * size) * rng.lognormal(0.0, 0.5, rows)  # each crystal's own difficulty
    moment = np.abs(size + trouble * rng.standard_t(4, rows))
    missed = rng.random(rows) < 0.02  # zeros called magnetic and the other way round
    moment[missed] = rng.gamma(2.0, 0.4, missed.sum())
    spread = trouble * rng.lognormal(-0.5, 0.4, rows)  # too small, as members' spreads are
    return size, moment, spread


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_interval_covers_what_it_says_in_every_bin(seed: int) -> None:
    calibration = Calibration.fit(*simulated(ROWS, seed))
    truth, moment, spread = simulated(ROWS, 1000 + seed)
    low, high, _ = calibration.interval(moment, spread)
    checked = [row for row in coverage_by_bin(truth, moment, low, high) if row["n"] >= ENOUGH]
    assert len(checked) == len(MOMENT_BINS) - 1
    for row in checked:
        assert BAND[0] <= row["coverage"] <= BAND[1], row


def test_the_standard_deviation_holds_two_thirds() -> None:
    calibration = Calibration.fit(*simulated(ROWS, 5))
    truth, moment, spread = simulated(ROWS, 6)
    std = calibration.interval(moment, spread)[2]
    assert (np.abs(truth - moment) <= std).mean() == pytest.approx(0.6827, abs=0.02)


def test_one_quantile_for_all_would_miss_the_large_moments() -> None:
    """The reason for bins, and a check that the simulation can tell: without them the band is left."""
    truth, moment, _ = simulated(ROWS, 7)
    half = np.quantile(np.abs(truth - moment), 0.9)
    rows = coverage_by_bin(truth, moment, moment - half, moment + half)
    assert min(row["coverage"] for row in rows) < BAND[0]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 80), st.integers(0, 10**6), st.sampled_from(["mixed", "all zero", "perfect", "all large"]))
def test_few_rows_never_crash(rows: int, seed: int, kind: str) -> None:
    truth, moment, spread = simulated(rows, seed)
    if kind == "all zero":
        truth, moment, spread = np.zeros(rows), np.zeros(rows), np.zeros(rows)
    elif kind == "perfect":
        moment = truth.copy()
    elif kind == "all large":
        truth, moment = truth + 3, moment + 3
    calibration = Calibration.fit(truth, moment, spread)
    fresh = np.array([0.0, 0.049, 0.05, 0.3, 0.99, 1.0, 1.49, 1.5, 20.0])
    low, high, std = calibration.interval(fresh, np.linspace(0, 1, len(fresh)))
    assert np.isfinite(low).all() and np.isfinite(high).all() and np.isfinite(std).all()
    assert (low >= 0).all() and (low <= fresh).all() and (high >= fresh).all() and (std >= 0).all()


def test_more_spread_is_a_wider_interval() -> None:
    calibration = Calibration.fit(*simulated(ROWS, 8))
    for moment in (0.01, 0.2, 0.4, 0.8, 1.2, 2.0):
        spread = np.array([0.0, 0.01, 0.1, 0.5, 2.0])
        low, high, std = calibration.interval(np.full(5, moment), spread)
        assert (np.diff(high) > 0).all() and (np.diff(low) <= 0).all() and (np.diff(std) > 0).all()
        assert high[0] > moment, "agreeing members can all be wrong"


def test_a_bin_with_few_rows_borrows_from_its_neighbours() -> None:
    truth, moment, spread = simulated(ROWS, 9)
    few = moment < 1.5
    few[np.flatnonzero(~few)[:3]] = True
    calibration = Calibration.fit(truth[few], moment[few], spread[few])
    assert calibration.rows[-1] >= 30
    assert calibration.rows[-1] == int((moment[few] >= 1.0).sum())


def test_it_survives_json() -> None:
    calibration = Calibration.fit(*simulated(500, 10))
    assert Calibration.from_json(json.loads(json.dumps(calibration.to_json()))) == calibration


def test_the_probability_of_exceeding_a_threshold_comes_true() -> None:
    calibration = Calibration.fit(*simulated(ROWS, 11))
    truth, moment, spread = simulated(ROWS, 12)
    for threshold in (0.25, 0.5, 1.0, 1.5):
        p = calibration.p_above(threshold, moment, spread)
        assert ((p > 0) & (p < 1)).all()
        assert reliability(truth > threshold, p)["calibration_error"] < RELIABLE
    assert (calibration.p_above(0.5, moment, spread) >= calibration.p_above(1.0, moment, spread)).all()
    assert miscalibration_area(calibration.level(truth, moment, spread)) < 0.02


def test_a_calibration_of_before_states_no_distribution() -> None:
    content = Calibration.fit(*simulated(500, 13)).to_json()
    del content["signed"]
    old = Calibration.from_json(json.loads(json.dumps(content)))
    assert np.isnan(old.p_above(1.0, np.ones(3), np.ones(3))).all()
    assert np.isfinite(old.interval(np.ones(3), np.ones(3))[0]).all()


def test_a_large_chemical_system_does_not_decide_the_width() -> None:
    """Of 600 rows 100 are of one system and are 5 times as far off; it counts as 10 of 510, not as 100 of 600."""
    moment, spread = np.full(600, 0.8), np.full(600, 0.1)
    step = np.concatenate([np.linspace(0.0, 0.1, 500), np.full(100, 0.5)])
    systems = [f"S{k}" for k in range(500)] + ["large"] * 100
    apart, together = (Calibration.fit(moment + step, moment, spread, names) for names in (None, systems))
    assert together.interval(moment[:1], spread[:1])[1][0] < 0.91 < 1.2 < apart.interval(moment[:1], spread[:1])[1][0]
    alone = Calibration.fit(moment + step, moment, spread, [f"S{k}" for k in range(600)])
    assert alone == apart, "systems of one row each are rows"
