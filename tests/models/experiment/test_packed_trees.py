"""Packed trees predict the same numbers, and quantiles over trees are those of the trees one by one."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor

from models.contract import ModelError
from models.experiment.packed_trees import LARGEST, PARTS, pack, rounded, unpack
from models.trees.decision_trees import MANY_ROWS, Trees, flatten, single_leaf

LEVELS = (0.16, 0.5, 0.84)
SAME = 1e-6  # values are kept as float32


def grown(rows: int = 300) -> tuple[ExtraTreesRegressor, Trees, np.ndarray]:
    rng = np.random.default_rng(0)
    given = rng.normal(size=(rows, 6)).astype(np.float32)
    forest = ExtraTreesRegressor(7, random_state=0).fit(given, given[:, 0] ** 2 + rng.normal(size=rows))
    return forest, flatten([e.tree_ for e in forest.estimators_]), rng.normal(size=(2 * MANY_ROWS, 6)).astype(np.float32)


def test_quantiles() -> None:
    forest, trees, asked = grown()
    each = np.stack([tree.predict(asked) for tree in forest.estimators_])
    for n in (len(asked), 50):  # compiled, and numpy
        np.testing.assert_allclose(trees.quantiles(asked[:n], LEVELS), np.quantile(each[:, :n], LEVELS, axis=0), rtol=SAME)
    assert trees.quantiles(asked[:0], LEVELS).shape == (3, 0)


@pytest.mark.parametrize("rows", [300, 20_000])
def test_packed_and_unpacked(rows: int) -> None:
    """A tree of 20,000 rows has steps that need more than 16 bits."""
    _, full, asked = grown(rows)
    trees = rounded(full)
    packed = pack(trees)
    assert packed["step"].dtype == (np.int16 if rows == 300 else np.int32)
    again = unpack(packed)
    again.check(6, 1)
    np.testing.assert_array_equal(again.predict(asked), trees.predict(asked))
    assert sum(v.nbytes for v in packed.values()) < 0.3 * sum(v.nbytes for v in vars(trees).values())


def test_one_leaf() -> None:
    assert unpack(pack(single_leaf(3.5))).predict(np.zeros((2, 1), np.float32)).tolist() == [[3.5], [3.5]]


def test_rounded_trees_predict_nearly_the_same() -> None:
    full = grown()[1]
    trees = rounded(full)
    kept = full.value > 0
    leaf = full.left == np.arange(len(full.left))
    assert np.abs(trees.value - full.value)[kept & leaf[:, None]].max() <= 0.5 / PARTS
    assert (trees.value[~leaf] == 0).all() and trees.value.max() <= LARGEST
    np.testing.assert_allclose(trees.threshold[~leaf], full.threshold[~leaf], rtol=1e-3, atol=1e-7)
    np.testing.assert_array_equal(rounded(trees).value, trees.value)


def test_what_is_not_rounded_is_refused() -> None:
    with pytest.raises(ValueError, match="rounded"):
        pack(grown()[1])


def test_arrays_that_do_not_fit() -> None:
    packed = pack(rounded(grown()[1]))
    shorter = [packed | {name: packed[name][1:]} for name in ("leaf", "threshold", "feature", "step", "value")]
    for damaged in (*shorter, {k: v for k, v in packed.items() if k != "step"}):
        with pytest.raises(ModelError):
            unpack(damaged)
    with pytest.raises(ModelError):
        unpack(packed | {"step": packed["step"] * np.int16(-1)}).check(6, 1)


def test_trees_in_another_order_are_refused() -> None:
    trees = rounded(grown()[1])
    with pytest.raises(ValueError, match="depth first"):
        pack(Trees(trees.root, trees.right, trees.left, trees.feature, trees.threshold, trees.value))
