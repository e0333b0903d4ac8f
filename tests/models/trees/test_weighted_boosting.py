"""Boosting of weighted rows gives scikit-learn's own trees."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from models.trees.weighted_boosting import bin_edges, fit_boosted

ROWS = 700
SAME = 1e-12


def data(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of a normal, a rounded, a constant and a two-valued column; what is learned; weights, one in ten of them 0."""
    rng = np.random.default_rng(seed)
    rows = np.stack([rng.normal(size=ROWS), rng.normal(size=ROWS).round(1), np.ones(ROWS), rng.random(ROWS) > 0.5], axis=1)
    weight = np.where(rng.random(ROWS) < 0.1, 0.0, rng.random(ROWS))
    return rows.astype(np.float32), rows[:, 0] + rows[:, 1] ** 2 + rows[:, 3] + 0.1 * rng.normal(size=ROWS), weight


@pytest.mark.parametrize("kind", [HistGradientBoostingRegressor, HistGradientBoostingClassifier])
def test_the_trees_are_scikit_learns(kind: type) -> None:
    rows, target, weight = data(0)
    target = target > 1 if kind is HistGradientBoostingClassifier else target
    settings = {"max_iter": 10, "early_stopping": False, "random_state": 1, "max_features": 0.5}
    own = fit_boosted(kind(**settings), rows, target, weight)
    wanted = kind(**settings).fit(rows, target, sample_weight=weight)
    for [ours], [theirs] in zip(own._predictors, wanted._predictors, strict=True):
        for name in ("feature_idx", "left", "right", "is_leaf"):
            np.testing.assert_array_equal(ours.nodes[name], theirs.nodes[name], err_msg=name)
        for name in ("num_threshold", "value"):
            np.testing.assert_allclose(ours.nodes[name], theirs.nodes[name], rtol=0, atol=SAME, err_msg=name)
    fresh = data(1)[0]
    np.testing.assert_allclose(own.predict(fresh), wanted.predict(fresh), rtol=0, atol=SAME)


def test_weights_count() -> None:
    rows, target, weight = data(0)
    settings = {"max_iter": 10, "early_stopping": False, "random_state": 1}
    weighted, equal = (fit_boosted(HistGradientBoostingRegressor(**settings), rows, target, w) for w in (weight, None))
    assert np.abs(weighted.predict(rows) - equal.predict(rows)).max() > 0.01


def test_quantiles_are_of_the_weight() -> None:
    """Of equal weights the quarters of eight values; three quarters of the weight on the last one move all edges to it."""
    values = np.arange(8.0)
    np.testing.assert_array_equal(bin_edges(values, np.ones(8), 4), [1.5, 3.5, 5.5])
    np.testing.assert_array_equal(bin_edges(values, np.where(values == 7, 21.5, 1.0), 4), [7.0])
    np.testing.assert_array_equal(bin_edges(values, np.where(values < 3, 1.0, 0.0), 4), [0.5, 1.5])
    assert len(bin_edges(np.ones(5), np.ones(5), 4)) == 0
