"""Facts of a disordered crystal from those of its approximants."""

from __future__ import annotations

import numpy as np
import pytest

from data.disordered import DisorderedCrystal, Species
from data.symmetry import symmetrise
from models.ordering.order_classifier import ALIGNED
from pipeline.disorder.approximants import Approximants
from pipeline.disorder.averaging import NUMBERS, ApproximantRows, average
from pipeline.magnetism.ferrimagnet import compensation


def averaged(weights: np.ndarray, **facts: np.ndarray) -> ApproximantRows:
    """The mean of approximants that differ in these facts alone."""
    same = {name: np.ones(len(weights)) for name in (*NUMBERS, "order_FM", "order_FiM", "order_AFM")}
    return average(ApproximantRows.of(same | facts), weights)[0]


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
    assert np.isfinite(shares).all() and shares.min() < 0.7 < shares.max()
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
