"""Label noise: planted ones are found, sound ones are left alone, and weights reach the trees."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data.snapshot import open_snapshot
from models.contract import Examples, FitControl
from models.trees.forest import BoostedTrees, ExtraTrees, Forest
from pipeline.ops.progress import Quiet
from pipeline.settings import Settings
from pipeline.training.label_noise import FALSE_MOMENT, FALSE_ZERO, FOLDS, LABEL_NOISE_CODE, WEIGHT, LabelNoise, find_label_noise
from pipeline.training.train import LABEL_NOISE_FILE, TrainSettings, train_ensemble
from tests.contract.crystals import starter_examples

ROWS, SYSTEMS, PLANTED = 800, 40, 8


@lru_cache(maxsize=1)
def planted() -> tuple[Examples, list[str], np.ndarray]:
    """Rows whose moment follows from two descriptors, PLANTED of each kind with the contrary of it."""
    rng = np.random.default_rng(4)
    base = starter_examples()
    examples = base.take(rng.integers(0, len(base), ROWS))
    columns = rng.normal(size=(ROWS, 4)).astype(np.float32)
    truth = np.where(columns[:, 0] > 0, 1.0 + 0.3 * columns[:, 1].clip(-1, 1), 0.0)
    sure = np.abs(columns[:, 0]) > 0.9
    strong, without = (np.flatnonzero(sure & here)[:PLANTED] for here in (truth > 0, truth == 0))
    label = truth.copy()
    label[strong], label[without] = 0.0, 1.5
    systems = [f"s{k}" for k in rng.integers(0, SYSTEMS, ROWS)]
    return replace(examples, descriptors=columns, moment=label), systems, np.concatenate([strong, without])


@lru_cache(maxsize=1)
def found() -> tuple[LabelNoise, list[int]]:
    examples, systems, _ = planted()
    ticks: list[int] = []
    return find_label_noise(examples, systems, 0, 1, ticks.append), ticks


def test_planted_labels_are_found_and_hardly_any_other() -> None:
    noise, ticks = found()
    wrong = planted()[2]
    flagged = np.flatnonzero(noise.reason != "")
    caught = np.isin(wrong, flagged)
    assert caught.mean() >= 0.7 and len(flagged) <= len(wrong) + 5
    wanted = np.repeat([FALSE_ZERO, FALSE_MOMENT], PLANTED)
    np.testing.assert_array_equal(noise.reason[wrong[caught]], wanted[caught])
    assert len(ticks) == FOLDS
    np.testing.assert_array_equal(noise.weight, np.where(noise.reason == "", 1.0, WEIGHT))


def test_the_list_names_them_the_worst_first() -> None:
    noise, _ = found()
    table = noise.table([f"id-{k}" for k in range(ROWS)], ["X"] * ROWS)
    off = (table["moment"] - table["expected"]).abs()
    assert len(table) == (noise.weight < 1).sum() and off.is_monotonic_decreasing
    assert set(table["reason"]) == {FALSE_ZERO, FALSE_MOMENT}


def test_less_weight_for_them_brings_the_trees_nearer_to_the_truth() -> None:
    noise, _ = found()
    examples, _, wrong = planted()
    truth = np.where(examples.descriptors[:, 0] > 0, 1.0 + 0.3 * examples.descriptors[:, 1].clip(-1, 1), 0.0)
    errors = []
    for weight in (None, noise.weight):
        trees = BoostedTrees()
        trees.fit(replace(examples, weight=weight), examples, FitControl(seed=0))
        errors.append(np.abs(trees.predict(examples).moment - truth)[wrong].mean())
    assert errors[1] < 0.8 * errors[0]


@pytest.mark.parametrize("family", [Forest, ExtraTrees, BoostedTrees])
def test_equal_weights_change_nothing_and_others_do(family: type[Forest]) -> None:
    examples = planted()[0].take(np.arange(300))
    said = []
    for weight in (None, np.ones(300), np.where(np.arange(300) % 2, 1.0, 0.1)):
        trees = family()
        trees.fit(replace(examples, weight=weight), examples, FitControl(seed=0))
        said.append(trees.predict(examples).moment)
    if family is not Forest:  # its bootstrap draws otherwise where weights are given
        np.testing.assert_allclose(said[0], said[1], rtol=0, atol=1e-6)
    assert np.abs(said[0] - said[2]).max() > 0.01


def test_weights_follow_their_rows() -> None:
    examples = replace(planted()[0], weight=np.arange(ROWS, dtype=np.float64))
    taken = examples.take(np.array([7, 3]))
    assert taken.weight is not None and taken.weight.tolist() == [7.0, 3.0]


def test_a_training_lists_them_beside_the_model(trained_home: Path, tmp_path: Path) -> None:
    where = Settings(home=tmp_path, workers=1)
    snapshot = open_snapshot(trained_home / "snapshots")
    model = train_ensemble(snapshot, TrainSettings(members=("boosting",), weigh_label_noise=True), where, Quiet())
    assert LABEL_NOISE_FILE in model.manifest["files"] and LABEL_NOISE_CODE in model.manifest["code"]
    listed = pd.read_csv(model.folder / LABEL_NOISE_FILE)
    assert list(listed) == ["material_id", "formula", "moment", "expected", "p_magnetic", "reason"]


def test_networks_know_weights_too() -> None:
    TrainSettings(members=("cgcnn",), weigh_label_noise=True).check()
