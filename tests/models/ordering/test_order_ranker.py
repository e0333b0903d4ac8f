"""Trees of orders: they learn, an order's place does not hang on the others' sequence, files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.contract import ModelError
from models.ordering.configuration_features import COLUMNS
from models.ordering.order_ranker import ORDER_BOOSTING, ORDER_COLUMNS, RIVALS, OrderRankerTrees, drawn
from models.saved import SETTINGS_FILE
from tests.models.damage import spoil

CRYSTALS, ORDERS = 60, 12


def data(seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Column 3 is large in the own order."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(CRYSTALS, ORDERS, ORDER_COLUMNS)).astype(np.float32)
    own = np.arange(ORDERS) == rng.integers(ORDERS, size=(CRYSTALS, 1))
    rows[:, :, 3] += 6 * own
    return list(zip(rows, own, strict=True))


@pytest.fixture(scope="module")
def grown() -> OrderRankerTrees:
    nothing = (np.zeros((3, ORDER_COLUMNS), np.float32), np.zeros(3, bool))
    settings = replace(ORDER_BOOSTING, max_iter=30, max_features=1.0)
    return OrderRankerTrees(OrderRankerTrees.fit([*data(0), nothing], settings).trees, {"data": "made up"})


def test_it_learns(grown: OrderRankerTrees) -> None:
    hits = [own[grown.log_weight(features).argmax()] for features, own in data(1)]
    assert np.mean(hits) > 0.8, "chance is 1/12"


def test_each_order_stands_for_itself(grown: OrderRankerTrees) -> None:
    features = data(2)[0][0]
    shuffled = np.random.default_rng(0).permutation(ORDERS)
    np.testing.assert_array_equal(grown.log_weight(features[shuffled]), grown.log_weight(features)[shuffled])
    assert len(np.unique(grown.log_weight(features))) == ORDERS, "those that the trees do not tell apart are drawn apart"


def test_saved_and_loaded(grown: OrderRankerTrees, tmp_path: Path) -> None:
    grown.save(tmp_path)
    loaded = OrderRankerTrees.load(tmp_path)
    np.testing.assert_array_equal(loaded.log_weight(data(0)[0][0]), grown.log_weight(data(0)[0][0]))
    assert loaded.facts == {"data": "made up"}


@pytest.mark.parametrize("damage", ["header", "weights", "family", "columns", "facts"])
def test_anything_else_is_refused(grown: OrderRankerTrees, tmp_path: Path, damage: str) -> None:
    grown.save(tmp_path)
    if damage == "facts":
        header = json.loads((tmp_path / SETTINGS_FILE).read_text())
        (tmp_path / SETTINGS_FILE).write_text(json.dumps({**header, "facts": 3}))
    elif damage == "columns":
        trees = grown.trees
        far = type(trees)(**{**vars(trees), "feature": trees.feature + np.int16(ORDER_COLUMNS)})
        OrderRankerTrees(far, {}).save(tmp_path)
    else:
        spoil(tmp_path, damage)
    with pytest.raises(ModelError):
        OrderRankerTrees.load(tmp_path)


def test_nothing_to_learn_from() -> None:
    with pytest.raises(ModelError, match="no crystal"):
        OrderRankerTrees.fit([(np.zeros((3, ORDER_COLUMNS), np.float32), np.ones(3, bool))])


def one_column(crystals: int, orders: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Crystals whose orders differ in one column alone, which is 1 for their own orders, the first ones."""
    rng = np.random.default_rng(seed)
    own = np.arange(orders) < 1
    rows = np.zeros((crystals, orders, ORDER_COLUMNS), np.float32)
    rows[:, :, 3] = np.where(own, 1.0, 0.0)
    return [(row, own) for row in rows[rng.permutation(crystals)]]


FEW = replace(ORDER_BOOSTING, max_iter=300, min_samples_leaf=1, max_features=1.0)


def test_of_orders_that_trees_do_not_tell_apart_the_one_of_fewer_cells_comes_first() -> None:
    """Then the features decide; a difference of the trees counts more than all of that."""
    learned = OrderRankerTrees.fit(one_column(40, 4, 0), FEW)
    features = np.zeros((5, ORDER_COLUMNS), np.float32)
    features[:, COLUMNS] = [2, 1, 4, 1, 4]
    features[:, 0] = [0.0, 0.5, 0.0, 0.2, 0.0]
    features[4, 3] = 1.0
    assert np.argsort(-learned.log_weight(features)).tolist() == [4, 3, 1, 0, 2]
    assert np.ptp(learned.log_weight(features)[:4]) < 1e-5


def test_a_crystal_counts_once_however_many_orders_it_has() -> None:
    """Of crystals with 2 orders the own one is at 1, of as many with 40 it is the only one at 0.

    At 1 lie 1/2 (own) and 39/40 (not own) of a crystal, at 0 lie 1/2 (not own) and 1/40 (own). Orders counted one by one would
    have the odds 1:39 and 1:1.
    """
    many = np.arange(40) < 1
    large = (np.where(np.eye(ORDER_COLUMNS)[3] * ~many[:, None] > 0, 1.0, 0.0).astype(np.float32), many)
    settings = replace(FEW, l2_regularization=0.0, max_iter=200, learning_rate=0.3)
    learned = OrderRankerTrees.fit([*one_column(20, 2, 0), *[large] * 20], settings)
    asked = np.zeros((2, ORDER_COLUMNS), np.float32)
    asked[1, 3] = 1.0
    odds = learned.trees.predict(asked)[:, 0]
    assert odds == pytest.approx([np.log((1 / 40) / (1 / 2)), np.log((1 / 2) / (39 / 40))], abs=0.01)


@pytest.mark.parametrize(("own", "rivals", "kept_own", "kept"), [
    (1, 10, 1, 11), (1, 200, 1, RIVALS), (30, 200, RIVALS // 4, RIVALS), (200, 3, RIVALS - 3, RIVALS), (5, 5, 5, 10),
])  # fmt: skip
def test_of_many_orders_some_are_drawn_and_of_these_a_quarter_may_be_its_own(
    own: int, rivals: int, kept_own: int, kept: int
) -> None:
    right = np.random.default_rng(1).permutation(np.arange(own + rivals) < own)
    places = drawn(right, RIVALS, np.random.default_rng(0))
    assert len(set(places.tolist())) == len(places)
    assert (right[places].sum(), len(places)) == (kept_own, kept)
