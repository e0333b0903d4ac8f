"""Models that learned nothing, answer by the company a crystal keeps, or were tampered with: never put to use."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from data.errors import UserError
from data.labels import Label
from data.rejection import Rejection
from data.snapshot import publish_snapshot
from data.sources import Record, Shard
from data.sources.starter import StarterSource
from data.store.artifact import file_hash, write_json
from models.contract import Examples, Model, Prediction
from pipeline.ops.progress import Quiet
from pipeline.registry.ensemble import Ensemble, open_model
from pipeline.registry.ensemble_gates import gates
from pipeline.registry.promotion import promote
from pipeline.registry.published import CURRENT_FILE, published_models
from pipeline.settings import Settings
from pipeline.training.train import TrainSettings, train_ensemble


@dataclass(frozen=True)
class Mislabelled:
    """The starter set with other labels: one moment for all, or moments that have nothing to do with the crystals."""

    random: bool

    @property
    def description(self) -> str:
        return f"mislabelled, random: {self.random}"

    def identity(self) -> str:
        return self.description

    def shards(self) -> Iterator[Shard]:
        return StarterSource().shards()

    def singles(self, shard: Shard) -> Iterator[tuple[Shard, Rejection]]:
        return StarterSource().singles(shard)

    def read(self, shard: Shard) -> Iterator[Record | Rejection]:
        draw = np.random.default_rng(3)
        for item in StarterSource().read(shard):
            assert isinstance(item, Record)
            moment = draw.uniform(0, 2) if self.random else 0.5
            yield replace(item, label=Label(moment * item.crystal.n_sites))


@pytest.fixture
def where(trained_home: Path, tmp_path: Path) -> Settings:
    """A home whose one model is in use."""
    home = tmp_path / "home"
    shutil.copytree(trained_home, home)
    write_json(home / "models" / CURRENT_FILE, {"promoted": [open_model(home / "models").id]})
    return Settings(home=home, workers=1)


def test_a_training_that_learned_nothing_fails_and_the_old_model_stays(where: Settings) -> None:
    (old,), current = published_models(where.models, Ensemble), (where.models / CURRENT_FILE).read_bytes()
    snapshot = publish_snapshot(where.snapshots, Mislabelled(random=False))
    with pytest.raises(UserError, match="nothing can be learned"):
        train_ensemble(snapshot, TrainSettings(members=("forest",)), where, Quiet())
    assert [model.id for model in published_models(where.models, Ensemble)] == [old.id]
    assert (where.models / CURRENT_FILE).read_bytes() == current


def test_a_model_of_labels_without_meaning_is_not_put_to_use(where: Settings) -> None:
    (old,), current = published_models(where.models, Ensemble), (where.models / CURRENT_FILE).read_bytes()
    snapshot = publish_snapshot(where.snapshots, Mislabelled(random=True))
    model = train_ensemble(snapshot, TrainSettings(members=("forest",)), where, Quiet())
    decision = promote(where.models, model.id)
    assert not decision.promoted
    assert "none of its members is better than a constant with confidence" in decision.reasons
    assert (where.models / CURRENT_FILE).read_bytes() == current
    assert open_model(where.models).id == old.id


@dataclass(frozen=True)
class Sociable:
    """Says of each crystal something of all the others in the batch, as a network does that was left in training mode."""

    inner: Model

    def predict(self, examples: Examples) -> Prediction:
        said = self.inner.predict(examples)
        return Prediction(said.moment + 0.01 * said.moment.mean(), said.p_magnetic)


def test_a_model_whose_answers_depend_on_the_batch_is_refused(trained_home: Path) -> None:
    sound, faulty = open_model(trained_home / "models"), open_model(trained_home / "models")
    faulty.__dict__["members"] = {name: Sociable(model) for name, model in faulty.members.items()}
    words = "a crystal alone and among others differ"
    assert not [fault for fault in gates(sound) if words in fault]
    assert [fault for fault in gates(faulty) if words in fault]


class Payload:
    """Unpickled, it leaves a file behind."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.marker),)


def tampered(trained_home: Path, folder: Path) -> Ensemble:
    shutil.copytree(open_model(trained_home / "models").folder, folder)
    return Ensemble(folder)


def restate(ensemble: Ensemble) -> Ensemble:
    """The hashes put right, as somebody does who knows of them."""
    path = ensemble.folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"] = {name: file_hash(ensemble.folder / name) for name in manifest["files"]}
    path.write_text(json.dumps(manifest))
    return Ensemble(ensemble.folder)


def test_a_pickle_in_any_file_of_a_published_model_never_runs(trained_home: Path, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    content = pickle.dumps(Payload(marker))
    pickle.loads(content)
    marker.rmdir()  # the payload works
    stated = tampered(trained_home, tmp_path / "m").manifest["files"]
    names = [name for name in stated if name.endswith((".safetensors", ".json"))]
    assert len(names) >= 4, names
    for k, name in enumerate(names):
        ensemble = tampered(trained_home, tmp_path / f"m{k}")
        (ensemble.folder / name).write_bytes(content)
        with pytest.raises(UserError, match="cannot be loaded"):
            _ = restate(ensemble).members, Ensemble(ensemble.folder).error_model
        assert not marker.exists(), name


@pytest.mark.parametrize("word", ["os.system", "../forest", "models.trees.forest:Forest", ""])
def test_a_family_that_is_none_is_not_imported(trained_home: Path, tmp_path: Path, word: str) -> None:
    ensemble = tampered(trained_home, tmp_path / "m")
    path = ensemble.folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["members"][0]["family"] = word
    path.write_text(json.dumps(manifest))
    with pytest.raises(UserError, match="there is no model family"):
        _ = Ensemble(ensemble.folder).members
