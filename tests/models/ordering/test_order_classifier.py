"""The classes of magnetic orderings: what counts as one, trees as arrays, files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier

from models.contract import ModelError
from models.ordering.order_classifier import CLASSES, OrderClassifierTrees, alignment_class
from models.trees.decision_trees import flatten_classifier
from tests.models.damage import spoil

ROWS, COLUMNS = 600, 6
SAME = 1e-5  # of a logit: the leaves are kept in single precision


def data() -> tuple[np.ndarray, np.ndarray]:
    rows = np.random.default_rng(3).normal(size=(ROWS, COLUMNS)).astype(np.float32)
    return rows, np.digitize(rows[:, 0] + 0.5 * rows[:, 1], [-0.4, 0.5]).astype(np.int64)


@pytest.fixture(scope="module")
def grown() -> OrderClassifierTrees:
    rows, classes = data()
    return OrderClassifierTrees.fit(rows, classes, {"data": "made up"})


def test_the_arrays_say_what_scikit_learn_says() -> None:
    rows, classes = data()
    model = HistGradientBoostingClassifier(max_iter=40, early_stopping=False, random_state=0).fit(rows, classes)
    said = flatten_classifier(model).predict(rows)
    np.testing.assert_allclose(said, model._raw_predict(rows), rtol=0, atol=SAME)


def test_it_learns_and_its_probabilities_sum_to_one(grown: OrderClassifierTrees) -> None:
    rows, classes = data()
    said = grown.predict(rows)
    assert said.shape == (ROWS, len(CLASSES)) and (said >= 0).all()
    np.testing.assert_allclose(said.sum(axis=1), 1.0)
    assert (said.argmax(axis=1) == classes).mean() > 0.95


def test_each_row_stands_for_itself_and_a_missing_descriptor_is_the_median(grown: OrderClassifierTrees) -> None:
    rows, _ = data()
    np.testing.assert_array_equal(grown.predict(rows[5:6])[0], grown.predict(rows)[5])
    holes = rows[:20].copy()
    holes[:, 1] = np.nan
    known = np.where(np.isnan(holes), grown.median, holes)
    np.testing.assert_array_equal(grown.predict(holes), grown.predict(known))


def test_saved_and_loaded(grown: OrderClassifierTrees, tmp_path: Path) -> None:
    grown.save(tmp_path)
    loaded = OrderClassifierTrees.load(tmp_path)
    np.testing.assert_array_equal(loaded.predict(data()[0]), grown.predict(data()[0]))
    assert loaded.facts == {"data": "made up"}


@pytest.mark.parametrize("damage", ["header", "weights", "family", "columns"])
def test_anything_else_is_refused(grown: OrderClassifierTrees, tmp_path: Path, damage: str) -> None:
    grown.save(tmp_path)
    if damage == "columns":
        OrderClassifierTrees(grown.trees, grown.median[:1], {}).save(tmp_path)
    else:
        spoil(tmp_path, damage)
    with pytest.raises(ModelError):
        OrderClassifierTrees.load(tmp_path)


def test_another_number_of_descriptors(grown: OrderClassifierTrees) -> None:
    with pytest.raises(ModelError, match="6 descriptors, not 5"):
        grown.predict(data()[0][:, :5])


@pytest.mark.parametrize(
    ("moments", "name"),
    [
        ([2.2], "FM"), ([1.5] * 5 + [-0.3], "FM"), ([-2.0, -2.0], "FM"), ([4.0, 4.0, -4.2], "FiM"), ([5.0, -5.0], "AFM"),
        ([5.0, -4.9, 0.01], "AFM"), ([9.0, -1.0], "FM"), ([9.0, -1.01], "FiM"), ([5.5, -4.5], "AFM"), ([5.51, -4.49], "FiM"),
    ],
)  # fmt: skip
def test_the_class_of_moments(moments: list[float], name: str) -> None:
    assert CLASSES[alignment_class(np.array(moments))] == name


@given(st.lists(st.floats(0.5, 5).flatmap(lambda m: st.sampled_from([m, -m])), min_size=1, max_size=8), st.randoms())
def test_neither_time_reversal_nor_the_order_of_sites_nor_a_supercell_matters(moments: list[float], chance: object) -> None:
    shuffled = list(moments)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    wanted = alignment_class(np.array(moments))
    aligned = abs(sum(moments)) / sum(map(abs, moments))
    if min(abs(aligned - 0.8), abs(aligned - 0.1)) > 1e-9:
        assert {alignment_class(np.array(m)) for m in (shuffled, [-x for x in moments], 2 * moments)} == {wanted}
