"""The ensemble of forests and networks: it learns, rows stand for themselves, files hold numbers only."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.contract import ModelError
from models.experiment.composition_network import NetworkSettings
from models.experiment.model import ExperimentModel, Formulas
from models.experiment.tree_members import ForestSettings
from pipeline.features.formulas import described_formulas
from pipeline.training.experiment import ExperimentSettings, train_experiment
from pipeline.training.experiment_rows import FOLDS, ExperimentRows
from tests.models.damage import spoil

ROWS = 400
FEW = ForestSettings(n_estimators=8)
SMALL = ExperimentSettings(1, FEW, FEW, NetworkSettings(width=16, hidden=32, epochs=3))
SAME_K = 0.02  # a row's place in a batch moves float32 sums


def made_up() -> ExperimentRows:
    """Iron compounds order above room temperature, nickel oxides antiparallel: rows that anything learns."""
    rng = np.random.default_rng(0)
    metals, others = rng.choice([25, 26, 27, 28], ROWS), rng.choice([8, 13, 14, 39], ROWS)
    amounts = [{int(m): float(a), int(o): 1.0} for m, o, a in zip(metals, others, rng.uniform(1, 5, ROWS), strict=True)]
    share = np.array([next(iter(a.values())) for a in amounts])
    antiparallel = others == 8
    temperature = 100.0 * (metals - 24) + 60.0 * share
    table = pd.DataFrame(
        {
            "key": [f"k{k}" for k in range(ROWS)], "formula": "x",
            "chemsys": [f"{m}-{o}" for m, o in zip(metals, others, strict=True)],
            "tc": np.where(antiparallel, np.nan, temperature), "tn": np.where(antiparallel, temperature, np.nan),
            "order": np.where(antiparallel, 0.0, 1.0), "weight_tc": 1.0, "weight_tn": 1.0, "weight_order": 1.0,
        }
    )  # fmt: skip
    return ExperimentRows(table, described_formulas(amounts), np.arange(ROWS) % FOLDS)


@pytest.fixture(scope="module")
def rows() -> ExperimentRows:
    return made_up()


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def model(rows: ExperimentRows, work: Path) -> ExperimentModel:
    return train_experiment(rows, SMALL, work, lambda text: None)[0]


def test_it_learns(model: ExperimentModel, rows: ExperimentRows) -> None:
    said = model.predict(rows.formulas)
    truth = rows.table["order"].to_numpy()
    assert ((said.p_fm_or_fim > 0.5) == truth).mean() > 0.98
    known, temperature, _ = rows.target("tc")
    assert np.abs(said.tc.value_K[known] - temperature).mean() < 60
    low, high = said.tc.interval()
    assert ((low <= said.tc.value_K) & (said.tc.value_K <= high)).all()


def test_each_row_stands_for_itself(model: ExperimentModel, rows: ExperimentRows) -> None:
    whole = model.predict(rows.formulas)
    some = np.array([7, 300, 7, 41])
    part = model.predict(rows.formulas.take(some))
    np.testing.assert_allclose(part.tc.value_K, whole.tc.value_K[some], atol=SAME_K)
    np.testing.assert_allclose(part.p_fm_or_fim, whole.p_fm_or_fim[some], atol=1e-4)


def test_saved_and_loaded(model: ExperimentModel, rows: ExperimentRows, tmp_path: Path) -> None:
    model.save(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.json", "model.safetensors"]
    loaded = ExperimentModel.load(tmp_path)
    np.testing.assert_array_equal(loaded.predict(rows.formulas).tc.value_K, model.predict(rows.formulas).tc.value_K)
    assert loaded.facts == model.facts


@pytest.mark.parametrize("damage", ["header", "weights", "family"])
def test_damage_is_found(model: ExperimentModel, tmp_path: Path, damage: str) -> None:
    model.save(tmp_path)
    spoil(tmp_path, damage)
    with pytest.raises(ModelError):
        ExperimentModel.load(tmp_path)


def test_numbers_that_cannot_be(model: ExperimentModel, tmp_path: Path) -> None:
    standard = replace(model.members.standard, mean=np.full_like(model.members.standard.mean, np.nan))
    replace(model, members=replace(model.members, standard=standard)).save(tmp_path)
    with pytest.raises(ModelError, match="cannot be"):
        ExperimentModel.load(tmp_path)


def test_other_columns(model: ExperimentModel, rows: ExperimentRows) -> None:
    given = rows.formulas
    with pytest.raises(ModelError, match="columns"):
        model.predict(Formulas(given.columns[:, :5], given.numbers, given.fractions, given.start))


def test_a_killed_training_goes_on(rows: ExperimentRows, model: ExperimentModel, work: Path) -> None:
    """What is there is not learned again, and what is missing is: the outcome is the same."""
    folder = next(work.iterdir())
    (folder / "2" / "network-0.pt").unlink()
    (folder / "said-2.npz").unlink()
    told: list[str] = []
    again, _ = train_experiment(rows, SMALL, work, told.append)
    assert told == ["2: network-0"]
    np.testing.assert_allclose(again.predict(rows.formulas).tc.value_K, model.predict(rows.formulas).tc.value_K, rtol=1e-6)
