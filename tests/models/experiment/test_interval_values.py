"""Intervals and probabilities of a transition temperature by numbers written out, and the ensemble's mean and deviation."""

from __future__ import annotations

import numpy as np
import pytest

from models.experiment.calibration import KNOTS, SURE, Calibration
from models.experiment.composition_network import to_root
from models.experiment.domain import CompositionDomain
from models.experiment.intervals import EDGES_K, STEPS, BinnedResiduals, scale
from models.experiment.model import Transition, combine, temperatures

BINS = len(EDGES_K) - 1
MIDDLES = np.array([15.0, 65.0, 150.0, 250.0, 375.0, 525.0, 900.0])
ROWS = 99


def even(number: int = ROWS) -> BinnedResiduals:
    """In each bin the scores are even from -1 to 3."""
    return BinnedResiduals((tuple(np.linspace(-1.0, 3.0, STEPS + 1)),) * BINS, (number,) * BINS)


def test_the_unit_adds_spread_a_tenth_and_two_kelvins_in_squares() -> None:
    assert scale(np.array([300.0]), np.array([40.0]))[0] == pytest.approx(np.sqrt(40**2 + 30**2 + 2**2))
    assert scale(np.array([0.0]), np.array([0.0]))[0] == 2.0


def test_quantiles_are_the_prediction_and_scores_in_that_unit() -> None:
    predicted, spread = np.array([300.0, 500.0, 1.0]), np.array([40.0, 0.0, 0.0])
    unit = scale(predicted, spread)
    found = even().quantile(np.array([0.25, 0.9, 0.0]), predicted, spread)
    assert found[:2] == pytest.approx((predicted + np.array([0.0, 2.6, -1.0]) * unit)[:2]) and found[2] == 0.0, "never below 0 K"


@pytest.mark.parametrize(("number", "level"), [(ROWS, 4 / 98), (9, 0.0), (19, 0.0), (40, 1.05 / 39)])
def test_the_interval_ends_at_the_residuals_that_hold_a_further_one(number: int, level: float) -> None:
    """The (n + 1) / 20-th smallest and largest one of n: the fifth of 99 has the level 4 / 98."""
    predicted, spread = np.array([300.0]), np.array([40.0])
    low, high = even(number).interval(predicted, spread)
    unit = scale(predicted, spread)
    assert low[0] == pytest.approx(300.0 + (-1.0 + 4.0 * level) * unit[0])
    assert high[0] == pytest.approx(300.0 + (3.0 - 4.0 * level) * unit[0])


@pytest.mark.parametrize("number", [19, 40, 115])
def test_nine_of_ten_further_residuals_lie_in_the_interval(number: int) -> None:
    """3,000 samples of residuals at one temperature, and a further truth for each; three standard errors are 1.6 %."""
    rng, held = np.random.default_rng(number), 0
    predicted, spread = np.full(number, 300.0), np.full(number, 40.0)
    for _ in range(3000):
        drawn = rng.normal(size=number + 1) * 50.0 + 300.0
        low, high = BinnedResiduals.fit(drawn[1:], predicted, spread).interval(predicted[:1], spread[:1])
        held += int(low[0] <= drawn[0] <= high[0])
    assert held / 3000 == pytest.approx(0.9, abs=0.017)


def test_probabilities_of_a_threshold_and_of_what_was_never_seen() -> None:
    predicted, spread = np.array([300.0]), np.array([40.0])
    unit = scale(predicted, spread)[0]
    assert even().p_above(300.0 + 2.0 * unit, predicted, spread)[0] == pytest.approx(0.25)
    assert even().p_above(300.0 - 0.5 * unit, predicted, spread)[0] == pytest.approx(1 - 0.125)
    assert even().p_above(1e5, predicted, spread)[0] == pytest.approx(0.5 / 100)
    assert even().p_above(0.0, predicted, spread)[0] == pytest.approx(1 - 0.5 / 100)


def test_each_temperature_asks_its_own_bin() -> None:
    flat = tuple((float(k),) * (STEPS + 1) for k in range(BINS))
    residuals = BinnedResiduals(flat, (ROWS,) * BINS)
    below, edges = np.array([29.9, 99.9, 199.9, 299.9, 449.9, 599.9]), np.array([30.0, 100.0, 200.0, 300.0, 450.0, 600.0])
    predicted = np.array([*MIDDLES, *below, *edges, 0.0, 1e6])
    expected = np.array([*range(BINS), *range(BINS - 1), *range(1, BINS), 0, BINS - 1])
    none = np.zeros(len(predicted))
    steps = (residuals.quantile(0.5, predicted, none) - predicted) / scale(predicted, none)
    np.testing.assert_allclose(steps, expected, atol=1e-6)
    p = residuals.p_above(300.0, np.array([250.0, 350.0]), np.array([10.0, 10.0]))  # the scores of these bins are 3 and 4
    assert p == pytest.approx([1 - 0.5 / 100] * 2)


def test_what_is_fitted_are_the_quantiles_of_the_scores_of_a_bin() -> None:
    rng = np.random.default_rng(0)
    predicted = np.repeat(MIDDLES, 60)
    spread, score = rng.uniform(0, 30, len(predicted)), rng.normal(size=len(predicted)) + np.repeat(np.arange(BINS), 60)
    found = BinnedResiduals.fit(predicted + score * scale(predicted, spread), predicted, spread)
    assert found.rows == (60,) * BINS
    for k, quantiles in enumerate(found.quantiles):
        np.testing.assert_allclose(quantiles, np.quantile(score[60 * k : 60 * (k + 1)], np.arange(STEPS + 1) / STEPS))


@pytest.mark.parametrize("damage", ["a number", "a fall", "no rows", "a short row", "a bin less", "rows of a bin less"])
def test_damage_of_one_bin_is_refused(damage: str) -> None:
    content = {"quantiles": [list(row) for row in even().quantiles], "rows": [ROWS] * BINS}
    assert BinnedResiduals.from_json(content) == even()
    one = content["quantiles"][3]
    if damage == "a number":
        one[7] = float("nan")
    elif damage == "a fall":
        one[7], one[8] = one[8], one[7]
    elif damage == "no rows":
        content["rows"][3] = 0
    elif damage == "a short row":
        del one[7]
    else:
        del content["quantiles" if damage == "a bin less" else "rows"][3]
    with pytest.raises(ValueError, match="the residuals"):
        BinnedResiduals.from_json(content)


@pytest.mark.parametrize(
    ("counts", "behind"),
    [
        ([40, 39, 40, 40, 40, 40, 40], (40, 119, 40, 40, 40, 40, 40)),
        ([1, 1, 50, 50, 50, 50, 1], (52, 52, 50, 50, 50, 50, 51)),
        ([5, 0, 0, 0, 0, 0, 0], (5,) * BINS),  # too few in all
    ],
)
def test_a_bin_takes_neighbours_on_both_sides_until_it_has_forty(counts: list[int], behind: tuple[int, ...]) -> None:
    predicted = np.repeat(MIDDLES, counts)
    assert BinnedResiduals.fit(predicted + 1.0, predicted, np.zeros(len(predicted))).rows == behind


def test_an_interval_holds_its_value() -> None:
    """Residuals that are all above the prediction, or all below it."""
    for one in (1.0, -0.5):
        shifted = BinnedResiduals(((one,) * (STEPS + 1),) * BINS, (ROWS,) * BINS)
        low, high = Transition(np.array([300.0]), np.array([0.0]), shifted).interval()
        ends = sorted([300.0, 300.0 + one * scale(np.array([300.0]), np.zeros(1))[0]])
        assert [low[0], high[0]] == pytest.approx(ends)


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_mean_and_deviation_are_those_of_the_mixture(weight: float) -> None:
    """The forest stands for two values, its mean less and plus its spread; the networks share the rest of the weight."""
    forest, spread, networks = 2.0, 0.5, [1.0, 1.5, 3.0]
    mean, deviation = combine(np.array([[forest], [spread], *([n] for n in networks)]), weight)
    values = np.array([forest - spread, forest + spread, *networks])
    share = np.array([weight / 2, weight / 2, *[(1 - weight) / 3] * 3])
    assert mean[0] == pytest.approx(share @ values)
    assert deviation[0] == pytest.approx(np.sqrt(share @ (values - share @ values) ** 2))


def test_kelvins_are_the_square_of_a_root() -> None:
    """Roots of 400 and 100 K, with one deviation that reaches from 225 to 625 K and one that reaches below zero, to 484 K."""
    root = to_root(np.array([400.0, 100.0, 0.0]))
    deviation = to_root(np.array([625.0, 484.0, 0.0])) - root
    value, spread = temperatures(root, deviation)
    assert value == pytest.approx([400.0, 100.0, 0.0])
    assert spread == pytest.approx([(625.0 - 225.0) / 2, 484.0 / 2, 0.0])


def test_the_knots_of_a_calibration_are_means_of_equally_many_rows() -> None:
    logit = np.random.default_rng(1).permutation(np.arange(48.0))
    found = Calibration.fit(logit, (logit >= 24).astype(float))
    assert found.logit == pytest.approx(np.arange(0.5, 48, 2)) and len(found.logit) == KNOTS
    assert found.probability == pytest.approx([SURE] * 12 + [1 - SURE] * 12)
    assert found.predict(np.array([-9.0, 23.5, 99.0])) == pytest.approx([SURE, 0.5, 1 - SURE])


def test_a_share_that_falls_is_the_weighted_mean_of_its_rows() -> None:
    """Isotonic: two bins in the wrong order have their common share, and fewer rows than knots are bins of one."""
    found = Calibration.fit(np.array([0.0, 1.0, 2.0]), np.array([1.0, 0.0, 1.0]))
    assert found.logit == (0.0, 1.0, 2.0) and found.probability == pytest.approx([0.5, 0.5, 1 - SURE])


def test_the_score_is_the_distance_to_the_nearest_centre() -> None:
    """In deviations of a column, at most six of them, over the unit; 2 at least with an element that was never seen."""
    seen = np.zeros(119, dtype=bool)
    seen[[8, 26]] = True
    mean, deviation = np.array([1.0, 0.0, 5.0], np.float32), np.array([2.0, 1.0, np.inf], np.float32)
    axes, centres = np.eye(3, dtype=np.float32)[:2], np.array([[0, 0], [6, 0]], np.float32)
    domain = CompositionDomain(mean, deviation, axes, centres, seen, unit=2.0)
    columns = np.array([[1, 0, 5], [1, 3, 9], [11, 2, 5], [99, 0, 5], [1, 0, 5], [1, 30, 5]], np.float32)
    numbers, start = np.array([26, 26, 8, 26, 26, 8, 27, 26]), np.array([0, 1, 3, 4, 5, 7])
    assert domain.score(columns, numbers, start) == pytest.approx([0.0, 1.5, np.sqrt(1 + 4) / 2, 0.0, 2.0, 3.0])
