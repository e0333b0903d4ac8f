from __future__ import annotations

import dataclasses
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from data.errors import UserError
from data.snapshot import Snapshot, publish_snapshot
from data.sources.starter import StarterSource
from data.store.artifact import file_hash
from models.contract import FitControl, ModelError, Prediction
from models.networks.cgcnn import CGCNN
from pipeline.ops.ledger import DONE, LOST, Ledger
from pipeline.ops.progress import Quiet, Tick
from pipeline.registry.ensemble import Ensemble, open_model
from pipeline.registry.published import artefact_files, artefact_id, published_models
from pipeline.settings import Settings
from pipeline.training.member_selection import select_members
from pipeline.training.members import _gate
from pipeline.training.train import TrainSettings, train_ensemble
from tests.conftest import STARTER_ROWS
from tests.contract.crystals import starter_examples
from tests.servers.commands import call

EPOCHS = 3
WANTED = TrainSettings(epochs=EPOCHS)
LOADED = 1e-6  # µB/atom: a published model against what it said when it was trained
ROOT = Path(__file__).parents[3]


class Notes:
    """A reporter that writes everything down."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.ticks: dict[str, list[int]] = {}

    @contextmanager
    def bar(self, label: str, total: int) -> Iterator[Tick]:
        yield self.ticks.setdefault(label, []).append

    def say(self, line: str) -> None:
        self.lines.append(line)


def home_with_snapshot(home: Path) -> tuple[Settings, Snapshot]:
    where = Settings(home=home, workers=1)
    return where, publish_snapshot(where.snapshots, StarterSource())


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ensemble, Settings, Snapshot]:
    where, snapshot = home_with_snapshot(tmp_path_factory.mktemp("home"))
    return train_ensemble(snapshot, WANTED, where, Quiet()), where, snapshot


Trained = tuple[Ensemble, Settings, Snapshot]


def test_an_ensemble_is_published_under_the_hash_of_its_files(trained: Trained) -> None:
    ensemble, where, snapshot = trained
    manifest = ensemble.manifest
    assert ensemble.folder.parent == where.models
    files = {n: h for n, h in artefact_files(ensemble.folder).items() if n not in ("manifest.json", "CARD.md")}
    assert files == manifest["files"]
    assert ensemble.id == manifest["id"] == artefact_id(files)
    names = [m["name"] for m in manifest["members"]]
    assert names and sorted(names + [m["name"] for m in manifest["left_out"]]) == sorted(f"{m}-0" for m in WANTED.members)
    assert sorted(files) == sorted(
        [
            "held_out.parquet",
            "domain/model.json",
            "domain/model.safetensors",
            "integer_moments/model.json",
            "integer_moments/model.safetensors",
            *(f"{m}/{f}" for m in names for f in ("model.json", "model.safetensors")),
        ]
    )
    assert manifest["snapshot"] == snapshot.id
    assert sum(manifest["rows"].values()) == STARTER_ROWS
    assert sum(m["weight"] for m in manifest["members"]) == pytest.approx(1.0)
    assert all(len(m["training"]) == (1 if m["family"] == "forest" else EPOCHS) for m in manifest["members"])
    assert list(where.work.iterdir()) == [], "the unfinished work is still there"
    assert open_model(where.models).id == open_model(where.models, ensemble.id[:6]).id == ensemble.id


def test_held_out_rows_are_what_the_loaded_model_says(trained: Trained) -> None:
    from pipeline.training.dataset import labelled_examples
    from pipeline.training.splits import split_rows

    ensemble, where, snapshot = trained
    data = labelled_examples(snapshot, WANTED.graph, WANTED.descriptor_set, False, where, Quiet())
    rows = split_rows(data.table).test
    said, held_out = ensemble.predict(data.examples.take(rows)), ensemble.held_out()
    assert held_out["material_id"].tolist() == [data.table.column("material_id").to_pylist()[k] for k in rows]
    for column, values in (("moment_muB_per_atom", said.moment), ("moment_low", said.low), ("moment_high", said.high)):
        np.testing.assert_allclose(held_out[column], values, rtol=0, atol=LOADED, err_msg=column)
    error = np.abs(held_out["moment_muB_per_atom"] - held_out["moment_dft"]).mean()
    assert ensemble.manifest["metrics"]["ensemble"]["mae"] == pytest.approx(error)


def test_the_same_inputs_give_the_same_id_and_bytes(trained: Trained, tmp_path: Path) -> None:
    ensemble, _, _ = trained
    where, snapshot = home_with_snapshot(tmp_path)
    again = train_ensemble(snapshot, WANTED, where, Quiet())
    assert again.id == ensemble.id
    assert artefact_files(again.folder).keys() == artefact_files(ensemble.folder).keys()
    assert again.manifest["files"] == ensemble.manifest["files"]
    for name, digest in ensemble.manifest["files"].items():
        assert file_hash(again.folder / name) == digest
    assert train_ensemble(snapshot, WANTED, where, Quiet()).id == again.id, "publishing twice is no error"
    assert len(published_models(where.models, Ensemble)) == 1


def test_another_seed_is_another_model(trained: Trained) -> None:
    ensemble, where, snapshot = trained
    one = train_ensemble(snapshot, TrainSettings(members=("forest",), first_seed=1), where, Quiet())
    two = train_ensemble(snapshot, TrainSettings(members=("forest",), first_seed=2, seeds=2), where, Quiet())
    assert len({ensemble.id, one.id, two.id}) == 3
    assert list(two.members) == ["forest-2", "forest-3"]


@pytest.mark.parametrize(
    ("label", "epoch", "finished", "resumed_at"),
    [
        ("Training megnet-0", 2, ["forest-0", "cgcnn-0"], 3),
        ("Weights and calibration", 0, ["forest-0", "cgcnn-0", "megnet-0"], None),
    ],
)
def test_a_killed_run_goes_on_to_the_same_model(
    trained: Trained, tmp_path: Path, label: str, epoch: int, finished: list[str], resumed_at: int | None
) -> None:
    where, snapshot = home_with_snapshot(tmp_path)
    code = "import runpy; runpy.run_module('tests.pipeline.training.kill_in_training', run_name='__main__')"
    ended = call(str(tmp_path), str(EPOCHS), label, str(epoch), code=code)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert not where.models.exists() or published_models(where.models, Ensemble) == []
    notes = Notes()
    ensemble = train_ensemble(snapshot, WANTED, where, notes)
    assert [line.split(":")[0] for line in notes.lines if "by an earlier run" in line] == finished
    assert not [label for label in notes.ticks if any(name in label for name in finished)], "a finished member was trained again"
    if resumed_at is not None:
        assert notes.ticks[label][0] == resumed_at, "finished epochs were trained again"
    assert ensemble.id == trained[0].id
    killed, resumed = Ledger(where.home).entries()
    assert (killed.state, resumed.state, resumed.takes_over) == (LOST, DONE, killed.id)
    parts = [(step, part) for step, part, _ in Ledger(where.home).parts(killed.key)]
    assert len(parts) == len(set(parts)) == 2 * EPOCHS + 3 + 1, "every epoch, member and publication once"


def test_what_is_trained_is_not_trained_again(tmp_path: Path) -> None:
    """Nor is it by a run that was killed when all was done but the tidying up; a damaged model is."""
    where, snapshot = home_with_snapshot(tmp_path)
    wanted = TrainSettings(members=("forest",))
    first = train_ensemble(snapshot, wanted, where, Notes())
    key = Ledger(where.home).entries()[-1].key
    (where.work / key).mkdir(parents=True)
    again = Notes()
    assert train_ensemble(snapshot, wanted, where, again).id == first.id
    assert again.lines == [f"model {first.id} was trained from this snapshot with these settings already"]
    assert not (where.work / key).exists()
    assert len(Ledger(where.home).parts(key)) == 2, "the forest and its publication, once"
    (first.folder / "forest-0" / "model.safetensors").unlink()
    mended = Notes()
    assert train_ensemble(snapshot, wanted, where, mended).id == first.id
    assert "Training forest-0" in mended.ticks
    assert first.members


@pytest.mark.parametrize("name", ["forest-0/model.safetensors", "forest-0/model.json", "held_out.parquet"])
@pytest.mark.parametrize("damage", ["a flipped bit", "missing"])
def test_a_damaged_file_is_refused(trained: Trained, tmp_path: Path, name: str, damage: str) -> None:
    import shutil

    folder = tmp_path / trained[0].id
    shutil.copytree(trained[0].folder, folder)
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).unlink()
    if damage != "missing":
        (folder / name).write_bytes(content)
    with pytest.raises(UserError, match=f"{name} is damaged or missing"):
        _ = Ensemble(folder).members


@pytest.mark.parametrize("outside", ["../elsewhere", "/etc/hostname"])
def test_a_manifest_that_points_elsewhere_is_refused(trained: Trained, tmp_path: Path, outside: str) -> None:
    import json
    import shutil

    folder = tmp_path / trained[0].id
    shutil.copytree(trained[0].folder, folder)
    (tmp_path / "elsewhere").write_text("x")
    manifest = json.loads((folder / "manifest.json").read_text())
    path = folder / outside
    manifest["files"][outside] = file_hash(path) if path.is_file() else "0"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UserError, match="damaged or missing"):
        _ = Ensemble(folder).members


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"members": ("forest", "oracle")}, r"oracle; there are forest, .*cgcnn, megnet"),
        ({"members": ()}, "none given"),
        ({"members": ("forest", "forest")}, "named twice"),
        ({"seeds": 0}, "above zero"),
        ({"epochs": 0}, "above zero"),
        ({"max_minutes": 0.0}, "above zero"),
        ({"max_minutes": float("nan")}, "above zero"),
    ],
)
def test_settings_that_cannot_be_meant(trained: Trained, settings: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        train_ensemble(trained[2], TrainSettings(**settings), trained[1], Quiet())


# ---- members that learned nothing ----


def test_a_member_that_is_not_finite_stops_the_run() -> None:
    for said in (Prediction(np.array([0.1, np.nan]), np.ones(2)), Prediction(np.array([0.1, 0.2]), np.array([1.0, np.inf]))):
        with pytest.raises(ModelError, match="not finite"):
            _gate("member", said)


class Still(CGCNN):
    training = dataclasses.replace(CGCNN.training, learning_rate=0.0, weight_decay=0.0)


def test_a_member_with_a_learning_rate_of_zero_is_not_let_in() -> None:
    """Its predictions vary, as those of any untrained network, and know nothing."""
    examples = starter_examples()
    model = Still()
    model.fit(examples, examples, FitControl(epochs=2))
    said, truth = model.predict(examples), examples.targets()
    assert np.ptp(said.moment) > 1e-6
    verdict = select_members(truth, truth, [str(k) for k in range(len(truth))], {"still": said})["still"]
    assert not verdict.admitted
    assert "not better than" in verdict.reason


def test_a_member_that_knows_nothing_is_left_out_of_the_ensemble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where, snapshot = home_with_snapshot(tmp_path)
    monkeypatch.setattr(CGCNN, "training", Still.training)
    notes = Notes()
    ensemble = train_ensemble(snapshot, TrainSettings(members=("forest", "cgcnn"), epochs=1), where, notes)
    assert list(ensemble.members) == ["forest-0"]
    (left_out,) = ensemble.manifest["left_out"]
    assert left_out["name"] == "cgcnn-0" and left_out["gain"]["low"] <= 0
    assert [line for line in notes.lines if "cgcnn-0 is left out" in line]
    assert ensemble.manifest["gate_passed"] is True
    assert "left out: cgcnn-0" in (ensemble.folder / "CARD.md").read_text()
    assert not (ensemble.folder / "cgcnn-0").exists()


def test_where_no_member_passes_the_run_goes_on_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where, snapshot = home_with_snapshot(tmp_path)
    monkeypatch.setattr(CGCNN, "training", Still.training)
    notes = Notes()
    ensemble = train_ensemble(snapshot, TrainSettings(members=("cgcnn",), epochs=1), where, notes)
    assert list(ensemble.members) == ["cgcnn-0"]
    assert ensemble.manifest["gate_passed"] is False
    assert [line for line in notes.lines if line.startswith("No member passes the gate")]
    assert "No member was better than a constant" in (ensemble.folder / "CARD.md").read_text()
