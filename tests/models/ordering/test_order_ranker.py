"""Trees of orders: they learn, an order's place does not hang on the others' sequence, files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.contract import ModelError
from models.ordering.order_ranker import ORDER_BOOSTING, ORDER_COLUMNS, OrderRankerTrees
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
