"""Trees walked by scikit-learn's compiled code and by numpy: the same leaves, whatever is asked."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor

from models.contract import ModelError
from models.trees.decision_trees import MANY_ROWS, Trees, flatten, flatten_boosted, single_leaf

COLUMNS = 7
ROWS = 2 * MANY_ROWS


def rows(count: int, seed: int) -> np.ndarray:
    """Numbers with ties, missing values and infinities among them."""
    random = np.random.default_rng(seed)
    made = random.normal(size=(count, COLUMNS)).round(1).astype(np.float32)
    made[random.random(made.shape) < 0.05] = np.nan
    made[random.random(made.shape) < 0.02] = np.inf
    made[random.random(made.shape) < 0.02] = -np.inf
    return made


def grown(kind: str) -> Trees:
    known = np.nan_to_num(rows(400, 0), posinf=9.0, neginf=-9.0)
    target = np.sin(known[:, 0]) + known[:, 1] * (known[:, 2] > 0)
    if kind == "boosted":
        return flatten_boosted(
            [HistGradientBoostingRegressor(max_iter=20, random_state=k).fit(known, target + k) for k in range(2)]
        )
    return flatten(
        [t.tree_ for t in ExtraTreesRegressor(9, random_state=0).fit(known, np.stack([target, -target], 1)).estimators_]
    )


@pytest.mark.parametrize("kind", ["boosted", "extra"])
def test_many_rows_say_bit_for_bit_what_each_says_alone(kind: str) -> None:
    trees, asked = grown(kind), rows(ROWS, 1)
    together = trees.predict(asked)
    np.testing.assert_array_equal(together, np.concatenate([trees.predict(asked[k : k + 1]) for k in range(ROWS)]))
    np.testing.assert_array_equal(together, trees.predict(np.asfortranarray(asked)))
    assert together.shape == (ROWS, 2) and len(np.unique(together[:, 0])) > 100


def test_a_single_leaf_and_no_rows() -> None:
    assert single_leaf(2.5).predict(rows(ROWS, 2)).tolist() == [[2.5]] * ROWS
    assert grown("extra").predict(rows(0, 0)).shape == (0, 2)


def test_trees_that_lead_into_one_another_are_refused() -> None:
    trees = grown("extra")
    trees.check(COLUMNS, 2)
    left = trees.left.copy()
    left[int(np.flatnonzero(left != np.arange(len(left)))[0])] = len(left) - 1  # from the first tree into the last
    with pytest.raises(ModelError, match="another"):
        dataclasses.replace(trees, left=left).check(COLUMNS, 2)
    with pytest.raises(ModelError, match="do not describe"):
        dataclasses.replace(trees, root=trees.root[::-1].copy()).check(COLUMNS, 2)
