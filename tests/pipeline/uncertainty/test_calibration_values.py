"""Calibration by numbers written out: bins with few rows, the stored distribution, and Platt's two parameters."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from pipeline.evaluation.metrics import MOMENT_BINS
from pipeline.uncertainty.conformal import FLOOR, MIN_ROWS, SMALLEST, STEPS, Calibration
from pipeline.uncertainty.probability_calibration import FEWEST, SURE, Platt

BINS = len(MOMENT_BINS) - 1
MIDDLES = np.array([(a + min(b, a + 0.2)) / 2 for a, b in itertools.pairwise(MOMENT_BINS)])


def rows_of_bins(counts: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """(truth, moment): so many rows in the middle of each bin, every error 0.1 times the number of its bin plus one."""
    k = np.repeat(np.arange(BINS), counts)
    return MIDDLES[k] + 0.1 * (k + 1), MIDDLES[k]


def test_a_full_bin_stands_for_itself_and_a_poor_one_takes_both_neighbours() -> None:
    counts = [MIN_ROWS, MIN_ROWS - 1, 40, 40, 40, 1]
    truth, moment = rows_of_bins(counts)
    found = Calibration.fit(truth, moment, np.zeros(len(truth)))
    assert found.rows == (30, 30 + 29 + 40, 40, 40, 40, 41)
    assert found.floor[0] == pytest.approx(FLOOR * 0.1) and found.floor[2] == pytest.approx(FLOOR * 0.3)


def test_the_first_bin_reaches_up_until_it_has_enough() -> None:
    truth, moment = rows_of_bins([1, 1, 40, 40, 0, 0])
    assert Calibration.fit(truth, moment, np.zeros(len(truth))).rows == (42, 42, 40, 40, 40, 40)


def test_a_perfect_ensemble_still_has_the_smallest_floor() -> None:
    truth, moment = rows_of_bins([30] * BINS)
    found = Calibration.fit(moment, moment, np.zeros(len(truth)))
    assert found.floor == (SMALLEST,) * BINS and found.quantile == (0.0,) * BINS


def test_the_stored_distribution_is_that_of_truth_less_moment() -> None:
    moment = np.full(201, 2.0)
    truth = moment + np.linspace(-1.0, 3.0, 201)
    found = Calibration.fit(truth, moment, np.ones(201))
    floor = FLOOR * np.median(np.abs(truth - moment))
    assert len(found.signed[-1]) == STEPS + 1 == 201
    np.testing.assert_allclose(found.signed[-1], np.linspace(-1.0, 3.0, 201) / np.hypot(1.0, floor))
    assert found.p_above(2.0, np.array([2.0]), np.array([1.0]))[0] == pytest.approx(0.75)


def test_a_moment_below_zero_or_beyond_the_last_edge_has_a_bin() -> None:
    calibration = Calibration((0.0,) * BINS, tuple(float(k) for k in range(BINS)), (1.0,) * BINS, (50,) * BINS)
    high = calibration.interval(np.array([-0.01, 1e9]), np.ones(2))[1]
    assert high[0] == pytest.approx(-0.01) and high[1] - 1e9 == pytest.approx(BINS - 1)


def test_a_calibration_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Calibration((), (), (), ()).floor = (1.0,)  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        Platt().slope = 2.0  # type: ignore[misc]


def test_platt_is_a_line_of_logits() -> None:
    """logit(0.8) = ln 4, so slope 2 and offset -ln 4 give ln 4 again; slope 0.5 and offset 1 give ln 2 + 1."""
    assert Platt(2.0, -np.log(4.0)).of(np.array([0.8]))[0] == pytest.approx(0.8)
    assert Platt(0.5, 1.0).of(np.array([0.8]))[0] == pytest.approx(1 / (1 + np.exp(-(np.log(2.0) + 1.0))))
    assert Platt(1.0, 0.5).of(np.array([0.5]))[0] == pytest.approx(1 / (1 + np.exp(-0.5)))


def test_nothing_is_changed_by_default() -> None:
    assert Platt() == Platt(slope=1.0, offset=0.0) and FEWEST == 20


def test_certainty_is_clipped() -> None:
    found = Platt(1.0, 1e-9).of(np.array([0.0, 1.0]))
    np.testing.assert_allclose(found, [SURE, 1.0 - SURE], rtol=1e-6)
    assert SURE == 1e-6


@pytest.mark.parametrize(("rare", "fits"), [(FEWEST - 1, False), (FEWEST, True)])
@pytest.mark.parametrize("turned", [False, True])
def test_few_rows_of_either_kind_change_nothing(rare: int, fits: bool, turned: bool) -> None:
    happened = np.arange(400) < rare
    p = np.where(happened, 0.6, 0.4) + np.tile(np.linspace(-0.3, 0.3, 20), 20)
    if turned:
        happened, p = ~happened, 1 - p
    assert (Platt.fit(happened, p) != Platt()) is fits


def test_it_finds_the_slope_and_offset_of_votes() -> None:
    """Votes whose logit is x where the truth has 0.5 x - 1."""
    generator = np.random.default_rng(0)
    x = generator.normal(0.0, 2.0, 40_000)
    happened = generator.random(len(x)) < 1 / (1 + np.exp(-(0.5 * x - 1.0)))
    found = Platt.fit(happened, 1 / (1 + np.exp(-x)))
    assert found.slope == pytest.approx(0.5, abs=0.02) and found.offset == pytest.approx(-1.0, abs=0.03)
    assert found.to_json() == {"slope": found.slope, "offset": found.offset, "unpaired": 0.0}


def test_a_slope_that_would_reverse_the_order_is_discarded() -> None:
    """Votes that are slightly wrong: the slope found is between -1 and 0."""
    rng = np.random.default_rng(8)
    p = rng.uniform(0.05, 0.95, 4000)
    happened = rng.random(4000) < 1.0 / (1.0 + np.exp(0.5 * np.log(p / (1.0 - p))))
    assert Platt.fit(happened, p) == Platt()


def test_an_unpaired_electron_adds_to_the_logit() -> None:
    """logit(0.3) = -0.847; 2 of it, 3 times 0.5 and 0.1 more are -0.0946."""
    said = Platt(2.0, 0.1, 3.0).of(np.array([0.3, 0.3]), np.array([0.5, 0.0]))
    assert said == pytest.approx([1 / (1 + np.exp(0.0946)), 1 / (1 + np.exp(1.5946))], abs=1e-4)
