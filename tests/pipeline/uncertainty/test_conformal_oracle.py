"""The conformal code against crepes (Boström, PMLR 179, 2022), an independent implementation, and against written-out ranks."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from crepes import ConformalRegressor

from pipeline.evaluation.metrics import MOMENT_BINS
from pipeline.uncertainty.conformal import (
    BLEND,
    FEW_ROWS,
    FLOOR,
    LEVEL,
    MIN_ROWS,
    NEIGHBOUR,
    ONE_SIGMA,
    SMALLEST,
    STEPS,
    Calibration,
)
from tests.pipeline.uncertainty.test_conformal import simulated

SAME = 1e-12  # µB/atom; the same rank of the same scores
ROWS = 3_000


def one_bin(scores: list[float], moment: float = 2.0) -> Calibration:
    """A calibration whose last bin has these errors (µB/atom) and a spread of zero, so that its unit is its floor."""
    return Calibration.fit(moment + np.array(scores), np.full(len(scores), moment), np.zeros(len(scores)))


@pytest.mark.parametrize("n", [9, 10, 18, 19, 20, 29, 30, 99, 100, 101])
@pytest.mark.parametrize(("level", "which"), [(LEVEL, "quantile"), (ONE_SIGMA, "one_sigma")])
def test_the_rank_is_that_of_n_plus_one(n: int, level: float, which: str) -> None:
    """The k-th smallest of n scores with k = ceil((n + 1) level): n + 1, since the new crystal counts (Vovk et al. 2005)."""
    errors = np.arange(1, n + 1) / n
    found = getattr(one_bin(errors.tolist()), which)[-1]
    floor = max(FLOOR * float(np.median(errors)), SMALLEST)
    rank = min(int(np.ceil((n + 1) * level)), n)
    assert found == pytest.approx(errors[rank - 1] / floor, rel=1e-12)


def by_hand(residual: np.ndarray, moment: np.ndarray, sigma: np.ndarray, k: int) -> float:
    """The least score that, with all below it, has the level's share of the weights; the new crystal's 1 is above it."""
    rows = []
    for j, weight in ((k - 1, NEIGHBOUR), (k, 1.0), (k + 1, NEIGHBOUR)):
        if 1 <= j < len(MOMENT_BINS) - 1:
            inside = (moment >= MOMENT_BINS[j]) & (moment < MOMENT_BINS[j + 1])
            rows += [(float(score), weight) for score in np.abs(residual[inside]) / sigma[inside]]
    wanted, passed = LEVEL * (sum(weight for _, weight in rows) + 1), 0.0
    for score, weight in sorted(rows):
        passed += weight
        if passed >= wanted:
            return score
    return max(rows)[0]


def test_the_interval_is_that_of_crepes_in_every_bin() -> None:
    truth, moment, spread = simulated(ROWS, 21)
    calibration = Calibration.fit(truth, moment, spread)
    _, fresh, fresh_spread = simulated(500, 22)
    low, high, _ = calibration.interval(fresh, fresh_spread)
    kinds = set()
    for k, (start, stop) in enumerate(itertools.pairwise(MOMENT_BINS)):
        learned = (moment >= start) & (moment < stop)
        asked = (fresh >= (1 + BLEND) * start) & (fresh <= (1 - BLEND) * stop)  # nothing is mixed there
        if learned.sum() < MIN_ROWS or not asked.any():
            continue
        few = k > 0 and learned.sum() < FEW_ROWS
        if few:
            half = by_hand(truth - moment, moment, np.hypot(spread, calibration.floor[k]), k) * np.hypot(
                fresh_spread[asked], calibration.floor[k]
            )
        else:
            oracle = ConformalRegressor().fit(
                residuals=(truth - moment)[learned], sigmas=np.hypot(spread[learned], calibration.floor[k])
            )
            sigmas = np.hypot(fresh_spread[asked], calibration.floor[k])
            half = oracle.predict_int(fresh[asked], sigmas=sigmas, confidence=LEVEL)[:, 1] - fresh[asked]
        np.testing.assert_allclose(np.maximum(fresh[asked] - half, 0.0), low[asked], atol=SAME)
        np.testing.assert_allclose(fresh[asked] + half, high[asked], atol=SAME)
        kinds.add(bool(few))
    assert kinds == {False, True}  # bins of both kinds were compared


def test_the_unit_is_spread_and_floor_in_squares() -> None:
    calibration = Calibration(floor=(0.3,) * 6, quantile=(2.0,) * 6, one_sigma=(1.0,) * 6, rows=(50,) * 6)
    low, high, std = calibration.interval(np.array([1.7]), np.array([0.4]))
    assert (low[0], high[0], std[0]) == pytest.approx((1.7 - 2 * 0.5, 1.7 + 2 * 0.5, 0.5))


def test_the_least_probability_is_half_a_row() -> None:
    signed = tuple(tuple(np.linspace(-1.0, 1.0, STEPS + 1)) for _ in range(6))
    calibration = Calibration((1.0,) * 6, (1.0,) * 6, (1.0,) * 6, (9,) * 6, signed)
    p = calibration.p_above(5.0, np.array([1.0]), np.array([0.0]))
    assert p[0] == pytest.approx(0.5 / 10)
    assert calibration.p_above(-5.0, np.array([1.0]), np.array([0.0]))[0] == pytest.approx(1 - 0.5 / 10)
    assert calibration.p_above(1.5, np.array([1.0]), np.array([0.0]))[0] == pytest.approx(0.25)
    assert calibration.level(np.array([1.5]), np.array([1.0]), np.array([0.0]))[0] == pytest.approx(0.5)
    assert calibration.level(np.array([1.0]), np.array([1.0]), np.array([0.0]))[0] == pytest.approx(0.0)


def test_one_sigma_is_that_of_a_normal_distribution() -> None:
    assert pytest.approx(math.erf(math.sqrt(0.5)), abs=1e-4) == ONE_SIGMA


def test_what_is_saved_is_the_same_calibration() -> None:
    calibration = Calibration.fit(*simulated(ROWS, 24))
    assert Calibration.from_json(calibration.to_json()) == calibration


@pytest.mark.parametrize("edge", MOMENT_BINS[1:-1])
def test_two_bins_are_mixed_around_their_edge(edge: float) -> None:
    calibration = Calibration((0.0,) * 6, tuple(float(k) for k in range(6)), tuple(2.0 * k for k in range(6)), (50,) * 6)
    k = list(MOMENT_BINS).index(edge)
    moments = edge * np.array([1 - BLEND, 1 - BLEND / 2, 1.0, 1 + BLEND / 2, 1 + BLEND])
    _, high, std = calibration.interval(moments, np.ones(5))
    mixed = k - 1 + np.array([0.0, 0.25, 0.5, 0.75, 1.0])
    np.testing.assert_allclose(high - moments, mixed, atol=1e-12)
    np.testing.assert_allclose(std, 2.0 * mixed, atol=1e-12)


def test_the_probability_is_mixed_in_the_same_way() -> None:
    narrow, wide = (tuple(np.linspace(-half, half, STEPS + 1)) for half in (0.5, 1.0))
    calibration = Calibration((1.0,) * 6, (1.0,) * 6, (1.0,) * 6, (50,) * 6, (*(narrow,) * 5, wide))
    p = calibration.p_above(np.array([1.25, 1.75, 2.25]), np.array([1.0, 1.5, 2.0]), np.zeros(3))
    assert p == pytest.approx([0.25, (0.25 + 0.375) / 2, 0.375])


def test_bounds_are_continuous_in_the_moment() -> None:
    calibration = Calibration.fit(*simulated(ROWS, 23))
    moment = np.arange(0.0, 3.0, 1e-4)
    for bound in (
        *calibration.interval(moment, np.full(len(moment), 0.1)),
        calibration.p_above(1.0, moment, np.full(len(moment), 0.1)),
    ):
        assert np.abs(np.diff(bound)).max() < 0.01
