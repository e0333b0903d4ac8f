from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.contract import Prediction
from pipeline.learning.ensemble import choose_weights, combine

ROUNDING = 1e-12
USELESS = 0.05  # the largest weight that a member of pure noise may get


def truth_and_members(seed: int, members: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = np.where(rng.random(rows) < 0.5, 0.0, rng.gamma(2.0, 0.5, rows))
    errors = rng.uniform(0.05, 1.0, (members, 1)) * rng.normal(size=(members, rows))
    return truth, np.abs(truth + errors)


def error(truth: np.ndarray, moments: np.ndarray) -> float:
    return float(np.abs(moments - truth).mean())


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 60))
def test_weights_are_shares_and_never_worse_than_the_best_member(seed: int, members: int, rows: int) -> None:
    truth, moments = truth_and_members(seed, members, rows)
    weights = choose_weights(truth, moments)
    assert weights.shape == (members,)
    assert (weights >= 0).all()
    assert abs(weights.sum() - 1) < ROUNDING
    assert error(truth, weights @ moments) <= min(error(truth, m) for m in moments) + ROUNDING


def test_a_useless_member_gets_next_to_nothing() -> None:
    truth, moments = truth_and_members(0, 2, 2000)
    noise = np.random.default_rng(1).gamma(2.0, 2.0, 2000)
    weights = choose_weights(truth, np.stack([moments[0], noise, moments[1]]))
    assert weights[1] <= USELESS


def test_members_that_err_apart_share_the_vote() -> None:
    rng = np.random.default_rng(2)
    truth = rng.gamma(2.0, 0.5, 4000)
    moments = truth + 0.3 * rng.normal(size=(3, 4000))
    weights = choose_weights(truth, moments)
    assert weights.min() > 0.2
    assert error(truth, weights @ moments) < 0.7 * min(error(truth, m) for m in moments)


def test_the_best_step_is_taken_not_the_last() -> None:
    """Three members whose errors cancel when all count alike, which forty votes cannot do."""
    rng = np.random.default_rng(3)
    truth, a, b = 5 + rng.gamma(2.0, 0.5, 500), rng.normal(size=500), rng.normal(size=500)
    moments = np.stack([truth + a, truth + b, truth - a - b])
    np.testing.assert_allclose(choose_weights(truth, moments), 1 / 3, atol=ROUNDING)


def test_combine_by_hand() -> None:
    one = Prediction(np.array([1.0, 0.0]), np.array([0.9, 0.1]))
    other = Prediction(np.array([3.0, 0.0]), np.array([0.5, 0.3]))
    said = combine([one, other], np.array([0.75, 0.25]))
    np.testing.assert_allclose(said.moment, [1.5, 0.0])
    np.testing.assert_allclose(said.spread, [1.0, 0.0])  # of both members alike
    np.testing.assert_allclose(said.p_magnetic, [0.8, 0.15])


def test_a_member_without_weight_still_counts_in_the_spread() -> None:
    members = [Prediction(np.array([m]), np.array([1.0])) for m in (1.0, 1.0, 4.0)]
    said = combine(members, np.array([0.5, 0.5, 0.0]))
    assert said.moment[0] == 1.0
    np.testing.assert_allclose(said.spread, np.std([1, 1, 4]))
