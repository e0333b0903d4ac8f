"""Forests answer with the median of trees whose leaves hold one row: a wrong value stays where it is."""

from __future__ import annotations

import numpy as np
import pytest

from models.experiment.composition_network import from_root
from models.experiment.model import combine
from models.experiment.tree_members import ForestSettings, grow_forest, predict_forest

SETTINGS = ForestSettings(n_estimators=25)
SAME_K = 0.05  # leaves are rounded to a thousandth of the root of a temperature


def columns(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(size=(n, 4)).astype(np.float32)


def test_one_wrong_value_moves_few_answers() -> None:
    learned, asked = columns(200, 0), columns(100, 1)
    truth = np.full(200, 300.0)
    truth[7] = 1200.0
    trees = grow_forest(learned, truth, np.ones(200), "tc", SETTINGS, 0)
    value = from_root(predict_forest(trees, asked, "tc")[0])
    assert (np.abs(value - 300) < SAME_K).mean() > 0.97
    assert (np.abs(from_root(trees.predict(asked)[:, 0]) - 300) > 1).any(), "the mean of the trees does move"


def test_the_spread_is_wide_where_the_values_disagree() -> None:
    learned, rng = columns(400, 0), np.random.default_rng(2)
    noisy = learned[:, 0] > 0.5
    truth = np.where(noisy, rng.uniform(100, 900, 400), 300.0)
    trees = grow_forest(learned, truth, np.ones(400), "tc", SETTINGS, 0)
    asked = columns(200, 1)
    value, spread = predict_forest(trees, asked, "tc")
    quiet = asked[:, 0] < 0.45
    assert spread[quiet].max() < 0.05 < np.median(spread[asked[:, 0] > 0.55])
    agreeing = np.stack([value, spread, value, value])
    np.testing.assert_allclose(combine(agreeing, 1.0)[1], spread)
    np.testing.assert_allclose(combine(agreeing, 0.25)[1], spread / 2)
    np.testing.assert_allclose(combine(agreeing, 0.25)[0], value)


def test_order_is_the_share_of_trees() -> None:
    learned = columns(300, 0)
    truth = (learned[:, 0] > 0.5).astype(float)
    trees = grow_forest(learned, truth, np.ones(300), "order", SETTINGS, 0)
    logit, spread = predict_forest(trees, columns(100, 1), "order")
    assert ((logit > 0) == (columns(100, 1)[:, 0] > 0.5)).mean() > 0.95
    assert not spread.any()


def test_no_such_task() -> None:
    with pytest.raises(ValueError, match="no task"):
        grow_forest(columns(5, 0), np.ones(5), np.ones(5), "tm", SETTINGS, 0)
