from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor

from models.contract import Examples, FitControl, ModelError
from models.trees.decision_trees import flatten
from models.trees.forest import BoostedTrees, ExtraTrees, Forest
from tests.contract.crystals import starter_examples

BOOSTED = 2e-5  # µB/atom, the same for a sum of many float32 leaves
AGREEMENT = 1e-6  # µB/atom, flattened trees against scikit-learn


Predictor = Callable[[np.ndarray], np.ndarray]


def both_forests(rows: np.ndarray, targets: np.ndarray, seed: int) -> tuple[RandomForestRegressor, Predictor]:
    forest = RandomForestRegressor(n_estimators=5, min_samples_leaf=1, random_state=seed, n_jobs=1).fit(rows, targets)
    return forest, flatten([e.tree_ for e in forest.estimators_]).predict


def test_flattened_trees_say_what_scikit_learn_says_on_real_rows() -> None:
    examples = starter_examples()
    targets = np.stack([examples.targets(), examples.targets() > 1.0], axis=1)
    forest, flat = both_forests(examples.descriptors[::2], targets[::2], 0)
    np.testing.assert_allclose(flat(examples.descriptors), forest.predict(examples.descriptors), rtol=0, atol=AGREEMENT)


def test_a_fitted_forest_is_scikit_learns(tmp_path: Path) -> None:
    examples = starter_examples()
    model = Forest()
    model.fit(examples, examples, FitControl(seed=3))
    reference = RandomForestRegressor(n_estimators=100, min_samples_leaf=2, max_features=0.33, random_state=3, n_jobs=1)
    reference.fit(examples.descriptors, np.stack([examples.targets(), examples.targets() > 0.05], axis=1))
    said, wanted = model.predict(examples), reference.predict(examples.descriptors)
    np.testing.assert_allclose(said.moment, wanted[:, 0], rtol=0, atol=AGREEMENT)
    np.testing.assert_allclose(said.p_magnetic, wanted[:, 1], rtol=0, atol=AGREEMENT)


def test_boosted_trees_are_scikit_learns() -> None:
    examples = starter_examples()
    model = BoostedTrees(dataclasses.replace(BoostedTrees.defaults, n_estimators=30))
    model.fit(examples, examples, FitControl(seed=3))
    for said, target in (
        (model.trees.predict(examples.descriptors)[:, 0], examples.targets()),  # type: ignore[union-attr]
        (model.trees.predict(examples.descriptors)[:, 1], examples.targets() > 0.05),  # type: ignore[union-attr]
    ):
        reference = HistGradientBoostingRegressor(
            max_iter=30,
            min_samples_leaf=10,
            early_stopping=False,
            max_leaf_nodes=63,
            learning_rate=0.06,
            max_features=0.33,
            random_state=3,
        ).fit(examples.descriptors, target)
        np.testing.assert_allclose(said, reference.predict(examples.descriptors), rtol=0, atol=BOOSTED)


@pytest.mark.parametrize("kind", [Forest, ExtraTrees, BoostedTrees])
def test_chosen_columns_are_all_that_is_looked_at(kind: type[Forest], tmp_path: Path) -> None:
    examples = starter_examples()
    columns = tuple(range(3, 120, 7))
    model = kind(dataclasses.replace(kind.defaults, n_estimators=10))
    model.fit(examples, examples, FitControl(columns=columns))
    model.save(tmp_path)
    loaded = kind.load(tmp_path)
    assert loaded.settings.columns == columns
    said = loaded.predict(examples).moment
    others = examples.descriptors.copy()
    others[:, np.setdiff1d(np.arange(others.shape[1]), columns)] += 17.0
    np.testing.assert_array_equal(loaded.predict(Examples(examples.graphs, others)).moment, said)
    others[:, columns] = others[::-1, columns]
    assert np.abs(loaded.predict(Examples(examples.graphs, others)).moment - said).max() > 0.1
    header = json.loads((tmp_path / "model.json").read_text())
    header["settings"]["columns"][-1] = 5000
    (tmp_path / "model.json").write_text(json.dumps(header))
    with pytest.raises(ModelError, match="descriptors that there are not"):
        kind.load(tmp_path)


def test_a_forest_of_before_the_kinds_is_random(saved: Path, tmp_path: Path) -> None:
    for path in saved.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    header = json.loads((tmp_path / "model.json").read_text())
    header["settings"] = {name: header["settings"][name] for name in ("n_estimators", "min_samples_leaf", "max_features")}
    (tmp_path / "model.json").write_text(json.dumps(header))
    examples = starter_examples()
    np.testing.assert_array_equal(Forest.load(tmp_path).predict(examples).moment, Forest.load(saved).predict(examples).moment)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.sampled_from([1.0, 1e-3, 16777216.0, -1e7, 0.1]))
def test_thresholds_between_neighbouring_float32_values(seed: int, near: float) -> None:
    """Columns whose values are next to one another in float32: the midpoint is no float32, and rounding it up would send
    a row to the wrong side."""
    rng = np.random.default_rng(seed)
    ladder = [np.float32(near)]
    for _ in range(5):
        ladder.append(np.nextafter(ladder[-1], np.float32(np.inf)))
    rows = np.array(ladder, dtype=np.float32)[rng.integers(0, 6, (30, 3))]
    forest, flat = both_forests(rows, rng.normal(size=(30, 2)), seed)
    np.testing.assert_allclose(flat(rows), forest.predict(rows), rtol=0, atol=AGREEMENT)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(2, 60), st.integers(1, 5))
def test_any_table(seed: int, n: int, columns: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.choice([0.0, 1.0, rng.normal(), 1e6 * rng.normal()], (n, columns)).astype(np.float32)
    targets = np.abs(rng.normal(size=(n, 2)))
    forest, flat = both_forests(rows, targets, seed)
    fresh = rng.normal(size=(20, columns)).astype(np.float32)
    for table in (rows, fresh):
        np.testing.assert_allclose(flat(table), forest.predict(table), rtol=0, atol=AGREEMENT)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("forest")
    examples = starter_examples().take(np.arange(80))
    model = Forest()
    model.fit(examples, examples, FitControl())
    model.save(folder)
    return folder


def _set(name: str, where: int, value: float) -> Callable[[dict[str, np.ndarray]], None]:
    def change(arrays: dict[str, np.ndarray]) -> None:
        arrays[name][where] = value

    return change


def _replace(name: str, new: Callable[[np.ndarray], np.ndarray]) -> Callable[[dict[str, np.ndarray]], None]:
    def change(arrays: dict[str, np.ndarray]) -> None:
        arrays[name] = new(arrays[name])

    return change


DAMAGES: dict[str, Callable[[dict[str, np.ndarray]], None]] = {
    "a child is its own grandparent": _set("left", 1, 0),
    "child beyond the end": _set("right", 0, 2**30),
    "child before the start": _set("left", 0, -1),
    "half a leaf": _replace("left", lambda left: np.where(np.arange(len(left)) == 0, 0, left)),
    "root beyond the end": _set("root", 0, 2**30),
    "root before the start": _set("root", 0, -3),
    "no tree": _replace("root", lambda root: root[:0]),
    "roots as a table": _replace("root", lambda root: root[:, None]),
    "column beyond the last": _set("feature", 0, 9999),
    "negative column": _set("feature", 0, -1),
    "thresholds cut short": _replace("threshold", lambda t: t[:-1]),
    "values of one part": _replace("value", lambda v: v[:, :1]),
    "values infinite": _set("value", 0, np.inf),
    "children as floats": _replace("left", lambda left: left.astype(np.float32)),
    "columns as floats": _replace("feature", lambda f: f.astype(np.float32)),
    "children as a table": _replace("right", lambda right: np.stack([right] * len(right[:1]))),
    "thresholds as a table": _replace("threshold", lambda t: t[:, None]),
    "an array too many": lambda arrays: arrays.update(surprise=np.zeros(3)),
    "children cut short": _replace("right", lambda right: right[:-1]),
    "thresholds not numbers": _set("threshold", 0, np.nan),
    "one median too few": _replace("median", lambda m: m[:-1]),
    "a median that is no number": _set("median", 3, np.nan),
    "medians as whole numbers": _replace("median", lambda m: m.astype(np.int32)),
    "an array missing": lambda arrays: arrays.__delitem__("threshold"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_arrays_that_are_no_trees_are_refused(saved: Path, tmp_path: Path, damage: str) -> None:
    arrays = {name: array.copy() for name, array in load_file(saved / "model.safetensors").items()}
    DAMAGES[damage](arrays)
    save_file(arrays, tmp_path / "model.safetensors")
    (tmp_path / "model.json").write_text((saved / "model.json").read_text())
    with pytest.raises(ModelError):
        Forest.load(tmp_path)


def test_other_descriptors_are_refused(saved: Path) -> None:
    examples = starter_examples().take(np.arange(5))
    fewer = Examples(examples.graphs, examples.descriptors[:, :-1])
    with pytest.raises(ModelError, match="descriptors"):
        Forest.load(saved).predict(fewer)


@pytest.mark.parametrize("columns", [10, "many", None, -1])
def test_header_that_does_not_fit_the_arrays(saved: Path, tmp_path: Path, columns: object) -> None:
    header = json.loads((saved / "model.json").read_text()) | {"columns": columns}
    (tmp_path / "model.json").write_text(json.dumps(header))
    (tmp_path / "model.safetensors").write_bytes((saved / "model.safetensors").read_bytes())
    with pytest.raises(ModelError):
        Forest.load(tmp_path)


def test_an_unfitted_forest_says_so(tmp_path: Path) -> None:
    for use in (lambda: Forest().predict(starter_examples()), lambda: Forest().save(tmp_path)):
        with pytest.raises(ModelError, match="not been fitted"):
            use()


def with_gaps(descriptors: np.ndarray) -> np.ndarray:
    """Some values missing, whole rows of a block missing, and one column without any."""
    rows = descriptors.copy()
    rows[np.random.default_rng(0).random(rows.shape) < 0.05] = np.nan
    rows[::7, 40:] = np.nan
    rows[:, 5] = np.nan
    return rows


def test_missing_descriptors_are_the_medians_of_the_training_rows(tmp_path: Path) -> None:
    examples = starter_examples()
    gappy = with_gaps(examples.descriptors)
    train, fresh = Examples(examples.graphs, gappy, examples.moment), Examples(examples.graphs, gappy[::-1].copy())
    model = Forest()
    model.fit(train, train, FitControl(seed=1))
    median = np.array([np.median(c[np.isfinite(c)]) if np.isfinite(c).any() else 0 for c in gappy.T], dtype=np.float32)
    filled = np.where(np.isnan(gappy), median, gappy)
    reference = RandomForestRegressor(n_estimators=100, min_samples_leaf=2, max_features=0.33, random_state=1, n_jobs=1)
    reference.fit(filled, np.stack([examples.targets(), examples.targets() > 0.05], axis=1))
    np.testing.assert_allclose(model.predict(fresh).moment, reference.predict(filled[::-1])[:, 0], rtol=0, atol=AGREEMENT)
    model.save(tmp_path)
    loaded = Forest.load(tmp_path)
    np.testing.assert_array_equal(loaded.predict(fresh).moment, model.predict(fresh).moment)
    alone = Examples(examples.graphs.take(np.array([0])), gappy[:1])
    assert loaded.predict(alone).moment[0] == loaded.predict(train).moment[0], "filled from the training rows, not from the batch"


def test_a_forest_saved_before_descriptors_could_be_missing(saved: Path, tmp_path: Path) -> None:
    arrays = load_file(saved / "model.safetensors")
    del arrays["median"]
    save_file(arrays, tmp_path / "model.safetensors")
    (tmp_path / "model.json").write_text((saved / "model.json").read_text())
    examples = starter_examples()
    np.testing.assert_array_equal(Forest.load(tmp_path).predict(examples).moment, Forest.load(saved).predict(examples).moment)
