from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.contract import Prediction
from pipeline.registry.member_combination import Rule, combine
from pipeline.training.member_weights import MEDIAN, WAYS, choose_weights, greedy, least_squares, system_folds

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
    weights = greedy(truth, moments)
    assert weights.shape == (members,)
    assert (weights >= 0).all()
    assert abs(weights.sum() - 1) < ROUNDING
    assert error(truth, weights @ moments) <= min(error(truth, m) for m in moments) + ROUNDING


def test_a_useless_member_gets_next_to_nothing() -> None:
    truth, moments = truth_and_members(0, 2, 2000)
    noise = np.random.default_rng(1).gamma(2.0, 2.0, 2000)
    weights = greedy(truth, np.stack([moments[0], noise, moments[1]]))
    assert weights[1] <= USELESS


def test_members_that_err_apart_share_the_vote() -> None:
    rng = np.random.default_rng(2)
    truth = rng.gamma(2.0, 0.5, 4000)
    moments = truth + 0.3 * rng.normal(size=(3, 4000))
    weights = greedy(truth, moments)
    assert weights.min() > 0.2
    assert error(truth, weights @ moments) < 0.7 * min(error(truth, m) for m in moments)


def test_the_best_step_is_taken_not_the_last() -> None:
    """Three members whose errors cancel when all count alike, which forty votes cannot do."""
    rng = np.random.default_rng(3)
    truth, a, b = 5 + rng.gamma(2.0, 0.5, 500), rng.normal(size=500), rng.normal(size=500)
    moments = np.stack([truth + a, truth + b, truth - a - b])
    np.testing.assert_allclose(greedy(truth, moments), 1 / 3, atol=ROUNDING)


def test_combine_by_hand() -> None:
    one = Prediction(np.array([1.0, 0.0]), np.array([0.9, 0.1]))
    other = Prediction(np.array([3.0, 0.0]), np.array([0.5, 0.3]))
    said = combine([one, other], np.array([0.75, 0.25]))
    np.testing.assert_allclose(said.moment, [1.5, 0.0])
    np.testing.assert_allclose(said.spread, [1.0, 0.0])  # of both members alike
    np.testing.assert_allclose(said.p_magnetic, [0.8, 0.15])


def test_the_median_does_not_follow_a_member_that_errs_far_off() -> None:
    members = [Prediction(np.array([m]), np.array([p])) for m, p in ((1.0, 0.9), (1.2, 0.8), (9.0, 0.1))]
    said = combine(members, np.full(3, 1 / 3), Rule.MEDIAN)
    assert said.moment[0] == 1.2
    np.testing.assert_allclose(said.p_magnetic, 0.6)
    np.testing.assert_allclose(said.spread, np.std([1.0, 1.2, 9.0]))


def test_a_member_without_weight_still_counts_in_the_spread() -> None:
    members = [Prediction(np.array([m]), np.array([1.0])) for m in (1.0, 1.0, 4.0)]
    said = combine(members, np.array([0.5, 0.5, 0.0]))
    assert said.moment[0] == 1.0
    np.testing.assert_allclose(said.spread, np.std([1, 1, 4]))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 60), st.integers(1, 12))
def test_both_ways_give_shares(seed: int, members: int, rows: int, systems: int) -> None:
    truth, moments = truth_and_members(seed, members, rows)
    for weights in (
        least_squares(truth, moments),
        choose_weights(truth, moments, [f"S{k % systems}" for k in range(rows)]).weights,
    ):
        assert weights.shape == (members,)
        assert (weights >= 0).all() and abs(weights.sum() - 1) < ROUNDING


def test_members_without_a_word_share_alike() -> None:
    np.testing.assert_allclose(least_squares(np.ones(4), np.zeros((2, 4))), 0.5)


def test_the_way_that_is_better_on_other_systems_is_taken() -> None:
    """Large errors in few rows pull least squares off; errors that are normal are what it is best at."""
    rng = np.random.default_rng(4)
    truth, systems = rng.gamma(2.0, 0.5, 3000), [f"S{k // 3}" for k in range(3000)]
    tame, wild = truth + 0.15 * rng.normal(size=3000), truth + 0.02 * rng.normal(size=3000)
    wild[::100] += 3.0
    chosen = choose_weights(truth, np.stack([tame, wild]), systems)
    assert chosen.way == "greedy selection"
    assert set(chosen.error) == {*WAYS, MEDIAN} and chosen.error["greedy selection"] < chosen.error["least squares"]
    assert chosen.weights[1] > 0.8 > least_squares(truth, np.stack([tame, wild]))[1]
    even = choose_weights(truth, truth + np.array([[0.1], [0.23]]) * rng.normal(size=(2, 3000)), systems)
    assert even.error[even.way] == min(even.error.values())
    assert chosen.rule is Rule.MEAN


def test_the_median_is_taken_where_each_member_errs_far_off_now_and_then() -> None:
    rng = np.random.default_rng(5)
    truth, systems = rng.gamma(2.0, 0.5, 3000), [f"S{k // 3}" for k in range(3000)]
    moments = truth + 0.02 * rng.normal(size=(5, 3000)) + 2.0 * (rng.random((5, 3000)) < 0.1)
    chosen = choose_weights(truth, moments, systems)
    assert chosen.rule is Rule.MEDIAN and chosen.way == MEDIAN
    np.testing.assert_allclose(chosen.weights, 0.2)
    assert chosen.error[MEDIAN] == np.abs(np.median(moments, axis=0) - truth).mean()


def test_folds_keep_systems_whole() -> None:
    systems = [f"S{k % 11}" for k in range(50)]
    names = np.array(systems)
    folds = system_folds(systems, 5)
    assert sorted(np.concatenate([left_out for _, left_out in folds]).tolist()) == list(range(50))
    for others, left_out in folds:
        assert not set(names[others]) & set(names[left_out])
    (everything,) = system_folds(["A", "A", "B"], 5)
    assert everything[0].tolist() == everything[1].tolist() == [0, 1, 2]
