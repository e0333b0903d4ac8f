"""Facts of a disordered crystal from those of its approximants."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from data.disordered import DisorderedCrystal, Species
from data.symmetry import symmetrise
from models.ordering.order_classifier import ALIGNED
from pipeline.disorder.approximants import Approximants
from pipeline.disorder.averaging import NUMBERS, ApproximantRows, average, is_settled, is_without_moment, spread
from pipeline.magnetism.ferrimagnet import compensation


def averaged(weights: np.ndarray, **facts: np.ndarray) -> ApproximantRows:
    """The mean of approximants that differ in these facts alone."""
    same = {name: np.ones(len(weights)) for name in (*NUMBERS, "order_FM", "order_FiM", "order_AFM")}
    return average(ApproximantRows.of(same | facts), weights, alike(len(weights)))[0]


def alike(n: int) -> np.ndarray:
    """(n,) one stratum."""
    return np.zeros(n, dtype=np.int64)


def shares_of(host: int, guest: int, fraction: float) -> tuple[np.ndarray, np.ndarray]:
    """(approximants,) shares and weights of a bcc alloy."""
    species = (Species(guest, fraction, None), Species(host, 1.0 - fraction, None))
    crystal = DisorderedCrystal("x", 2.87 * np.eye(3), np.array([[0.0] * 3, [0.5] * 3]), np.array([0, 0]), (species,))
    made = Approximants(crystal)
    found = [compensation(symmetrise(one)) for one in made.make(made.most)]
    return np.array([np.nan if one is None else one.share for one in found]), made.weights(len(found))


def test_approximants_of_parallel_moments_count_in_the_share() -> None:
    """Manganese opposes itself where it is near itself; in iron with less of it, and in iron with vanadium, all is parallel."""
    for guest, fraction in ((25, 0.1), (23, 0.02), (23, 0.375)):
        shares, weights = shares_of(26, guest, fraction)
        assert averaged(weights, fim_share=shares).facts["fim_share"][0] == pytest.approx(1.0)
    shares, weights = shares_of(26, 25, 0.5)
    assert np.isfinite(shares).all() and shares.min() < 0.75 < shares.max()
    mixed = np.array([*shares, *np.ones(8)])
    mean = averaged(np.full(16, 1 / 16), fim_share=mixed).facts["fim_share"][0]
    assert mean == pytest.approx(mixed.mean()) and averaged(weights, fim_share=shares).facts["fim_share"][0] < ALIGNED < mean


def test_approximants_without_a_rule_do_not_count_in_the_share() -> None:
    weights = np.array([0.5, 0.3, 0.2])
    assert averaged(weights, fim_share=np.array([np.nan, 1.0, 0.5])).facts["fim_share"][0] == pytest.approx(0.8)
    assert np.isnan(averaged(weights, fim_share=np.full(3, np.nan)).facts["fim_share"][0])


@pytest.mark.parametrize(("words", "expected"), [
    (["", "V against Fe", ""], "V against Fe"), (["b", "a", "a"], "a"), (["", "", ""], ""), (["b", "a", ""], "b"),
])  # fmt: skip
def test_words_are_those_of_the_largest_weight_that_has_any(words: list[str], expected: str) -> None:
    weights = np.array([0.4, 0.3, 0.3])
    assert averaged(weights, fim_words=np.array(words, dtype=object)).facts["fim_words"][0] == expected


def of_moments(moments: list[float], **numbers: list[float]) -> ApproximantRows:
    """Approximants with these predictions; what is not named is the same for all."""
    n = len(moments)
    same = {name: np.ones(n) for name in (*NUMBERS, "order_FM", "order_FiM", "order_AFM", "member_a-0")}
    values = {name: np.array(column) for name, column in numbers.items()}
    return ApproximantRows.of(same | {"moment": np.array(moments)} | values)


def test_alike_approximants_have_the_prediction_of_each() -> None:
    rows = of_moments([1.2] * 3, low=[1.0] * 3, high=[1.5] * 3, std=[0.2] * 3, size=[0.1] * 3)
    mean, away = average(rows, np.array([0.2, 0.3, 0.5]), alike(3))
    assert away == pytest.approx(0.0, abs=1e-12)
    said = mean.predicted
    assert [said.moment[0], said.low[0], said.high[0], said.std[0], said.size[0]] == pytest.approx([1.2, 1.0, 1.5, 0.2, 0.1])


def test_every_number_is_a_weighted_mean_and_errors_add_in_squares() -> None:
    """Of two approximants of one weight the deviation is that of a sample of two: half of the difference times √2."""
    rows = of_moments(
        [1.0, 1.4], low=[0.8, 1.0], high=[1.3, 1.9], std=[0.1, 0.3], size=[0.2, 0.4], p_magnetic=[0.5, 1.0],
        p_moment_above_1=[0.4, 0.8], ood_score=[0.5, 1.5], order_FM=[0.2, 0.6], order_FiM=[0.3, 0.1], order_AFM=[0.5, 0.3],
    )  # fmt: skip
    mean, away = average(rows, np.array([0.5, 0.5]), alike(2))
    assert away == pytest.approx(np.std([1.0, 1.4], ddof=1))
    said = mean.predicted
    assert said.moment[0] == pytest.approx(1.2) and mean.orders[0] == pytest.approx([0.4, 0.2, 0.4])
    assert [said.p_magnetic[0], said.p_moment_above_1[0], said.ood_score[0]] == pytest.approx([0.75, 0.6, 1.0])
    assert said.std[0] == pytest.approx(np.hypot(0.2, away)) and said.size[0] == pytest.approx(np.hypot(0.3, away))
    assert said.low[0] == pytest.approx(1.2 - np.hypot(1.2 - 0.9, norm.ppf(0.95) * away), abs=1e-4)
    assert said.high[0] == pytest.approx(1.2 + np.hypot(1.6 - 1.2, norm.ppf(0.95) * away), abs=1e-4)
    wide, _ = average(of_moments([0.0, 2.0], low=[0.0, 0.1]), np.array([0.5, 0.5]), alike(2))
    assert wide.predicted.low[0] == 0.0


def test_a_single_approximant_has_no_spread_and_keeps_its_interval() -> None:
    mean, away = average(of_moments([1.2], low=[1.0], high=[1.5], std=[0.2], size=[0.1]), np.ones(1), alike(1))
    assert np.isnan(away)
    said = mean.predicted
    assert [said.moment[0], said.low[0], said.high[0], said.std[0], said.size[0]] == pytest.approx([1.2, 1.0, 1.5, 0.2, 0.1])


@pytest.mark.parametrize(
    ("weights", "strata"),
    [
        ([0.6, 0.3, 0.1], [0, 0, 0]), ([0.4, 0.3, 0.2, 0.1], [0, 1, 0, 1]), ([0.25, 0.5, 0.25], [0, 1, 0]),
        ([0.2] * 5, [2, 1, 2, 1, 0]),
    ],
)  # fmt: skip
def test_the_spread_estimates_that_of_the_alloy_for_any_weights_and_strata(weights: list[float], strata: list[int]) -> None:
    """Its square is right on average, however few the approximants are, and whatever the means of the strata."""
    rng, of = np.random.default_rng(0), np.array(strata)
    means = np.array([1.5, 0.2, 2.9])[of]
    squares = [spread(means + 0.2 * rng.normal(size=len(of)), np.array(weights), of) ** 2 for _ in range(20_000)]
    assert np.mean(squares) == pytest.approx(0.2**2, rel=0.03)


def test_where_no_stratum_has_two_approximants_their_differences_are_an_upper_estimate() -> None:
    weights, moments = np.array([0.5, 0.3, 0.2]), np.array([1.0, 1.4, 0.8])
    assert spread(moments, weights, np.arange(3)) == spread(moments, weights, alike(3)) > 0.2
    four = np.array([0.25, 0.3, 0.2, 0.25])
    assert spread(np.array([1.0, 1.4, 0.8, 1.02]), four, np.array([0, 1, 2, 0])) == pytest.approx(0.02 / np.sqrt(2))


@pytest.mark.parametrize(
    ("moments", "settled"),
    [
        ([0.1, 0.1 + 0.0199], True), ([0.1, 0.1 + 0.0201], False),  # standard error: half of the difference
        ([2.0, 2.079], True), ([2.0, 2.083], False),  # 2 % of the mean
        ([2.0], False),  # one approximant says nothing of its error
        ([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.12], True),  # a standard error of 0.12 / 8 = 0.015
    ],
)  # fmt: skip
def test_a_mean_is_settled_when_its_standard_error_is_small(moments: list[float], settled: bool) -> None:
    n = len(moments)
    assert is_settled(np.array(moments), np.full(n, 1 / n), alike(n)) is settled


@pytest.mark.parametrize(
    ("moments", "p_magnetic", "without"),
    [([0.0, 0.009], [0.01, 0.09], True), ([0.0, 0.011], [0.01, 0.09], False), ([0.0, 0.0], [0.01, 0.11], False)],
)
def test_without_a_moment_is_said_of_all_approximants(moments: list[float], p_magnetic: list[float], without: bool) -> None:
    assert is_without_moment(of_moments(moments, p_magnetic=p_magnetic)) is without


def test_of_words_of_one_weight_the_first_of_the_alphabet_counts() -> None:
    """Whatever the order of the approximants, and of a set of texts, which differs from process to process."""
    words = [f"{name} against V" for name in ("Ni", "Fe", "Mn", "Co", "Cr", "Re", "Os", "Ir")]
    for turn in range(8):
        rows = np.array([*words[turn:], *words[:turn]], dtype=object)
        assert averaged(np.full(8, 1 / 8), fim_words=rows).facts["fim_words"][0] == "Co against V"
