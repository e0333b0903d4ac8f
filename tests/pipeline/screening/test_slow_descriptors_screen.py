"""Training, evaluating and screening with the slow descriptors, on a part of the starter set."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from data.errors import UserError
from data.snapshot import Snapshot, publish_snapshot
from data.sources.opening import candidate_source
from data.sources.parquet import Columns
from data.sources.selected import Selected
from data.sources.starter import StarterSource
from pipeline.evaluation.evaluate import evaluate
from pipeline.features.descriptor_sets import DescriptorSet
from pipeline.features.descriptors import descriptor_names
from pipeline.features.slow_descriptors import SLOW_DESCRIPTOR_CODE, slow_descriptor_names
from pipeline.ops.progress import Quiet
from pipeline.registry.ensemble import Ensemble
from pipeline.screening import screen as screening
from pipeline.screening.crystal_facts import WITHOUT_SLOW_DESCRIPTORS
from pipeline.screening.screen import screen
from pipeline.screening.slow_descriptors import prepare
from pipeline.settings import Settings
from pipeline.training.train import TrainSettings, train_ensemble
from tests.contract import crystals as made

CRYSTALS = 30
SAME_PREDICTION = 1e-4  # µB/atom: from the snapshot's numbers, and from the CIF's digits
Trained = tuple[Ensemble, Settings, Snapshot]


class Lines(Quiet):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    where = Settings(home=tmp_path_factory.mktemp("slow-home"), workers=1)
    source = StarterSource(equilibrium_only=True)
    ids = [record.crystal.id for shard in source.shards() for record in source.read(shard)]
    snapshot = publish_snapshot(where.snapshots, Selected(source, frozenset(ids[:CRYSTALS])))
    lines = Lines()
    ensemble = train_ensemble(snapshot, TrainSettings(members=("forest",), descriptor_set=DescriptorSet.FULL), where, lines)
    assert f"Slow descriptors: {CRYSTALS} computed, 0 from the cache, 0 crystals without" in lines.lines
    return ensemble, where, snapshot


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """CIF files of three metals, and of the layer that has no slow descriptors."""
    made_here = tmp_path / "cifs"
    made_here.mkdir()
    for name in ("Fe", "Ni", "MnO", "CrI3 layer"):
        (made_here / f"{name}.cif").write_text(made.hand_built()[name].to_pymatgen().to(fmt="cif"))
    return made_here


def test_the_model_says_what_it_learned_from(trained: Trained, trained_home: Path) -> None:
    ensemble, _, _ = trained
    assert ensemble.descriptor_set is DescriptorSet.FULL
    assert SLOW_DESCRIPTOR_CODE in ensemble.manifest["code"]
    header = json.loads((ensemble.folder / "forest-0" / "model.json").read_text())
    assert header["columns"] == len(descriptor_names()) + len(slow_descriptor_names())


def test_a_model_older_than_the_choice_is_fast(trained: Trained, tmp_path: Path) -> None:
    manifest = json.loads((trained[0].folder / "manifest.json").read_text())
    del manifest["settings"]["descriptor_set"]
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    assert Ensemble(tmp_path).descriptor_set is DescriptorSet.FAST


def test_evaluating_takes_the_rows_from_the_cache(trained: Trained) -> None:
    ensemble, where, snapshot = trained
    lines = Lines()
    scores = evaluate(ensemble, snapshot, "test", where, lines)
    assert lines.lines == [f"Slow descriptors: 0 computed, {CRYSTALS} from the cache, 0 crystals without"]
    assert scores["ensemble"]["mae"] == pytest.approx(ensemble.manifest["metrics"]["ensemble"]["mae"])


def test_a_screen_with_a_crystal_that_has_none(trained: Trained, folder: Path) -> None:
    ensemble, where, _ = trained
    done = screen(candidate_source([folder], Columns()), ensemble, None, where, Quiet())
    table = done.ranking().set_index("candidate_id")
    assert sorted(table.index) == ["CrI3 layer", "Fe", "MnO", "Ni"]
    assert np.isfinite(table["moment_muB_per_atom"]).all()
    assert [name for name in table.index if WITHOUT_SLOW_DESCRIPTORS in table["note"][name]] == ["CrI3 layer"]
    assert done.manifest["without_slow_descriptors"] == 1
    assert SLOW_DESCRIPTOR_CODE in done.manifest["code"]
    source = candidate_source([folder], Columns())
    assert prepare(source, 0.01, where.descriptors, list(source.shards()), 1, lambda n: None) == 0, "computed twice"


def test_a_screen_says_of_a_training_crystal_what_training_said(trained: Trained, tmp_path: Path) -> None:
    ensemble, where, snapshot = trained
    said = ensemble.held_out().set_index("material_id")["moment_muB_per_atom"]
    cifs = tmp_path / "cifs"
    cifs.mkdir()
    for crystal in snapshot.crystals():
        if crystal.id in said.index:
            (cifs / f"{crystal.id}.cif").write_text(crystal.to_pymatgen().to(fmt="cif"))
    table = screen(candidate_source([cifs], Columns()), ensemble, None, where, Quiet()).ranking()
    again = table.set_index("candidate_id")["moment_muB_per_atom"]
    assert len(again) == len(said) > 3 and np.ptp(said) > 100 * SAME_PREDICTION
    np.testing.assert_allclose(again[said.index], said, rtol=0, atol=SAME_PREDICTION)


def test_a_fast_model_computes_nothing_slow(
    trained_home: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = Settings(home=tmp_path / "home", workers=1)
    ensemble = Ensemble(next((trained_home / "models").glob("[!.]*")))
    screened = screening.screen(candidate_source([folder], Columns()), ensemble, None, where, Quiet())
    assert screened.manifest["without_slow_descriptors"] == 0
    assert not where.descriptors.exists()


def test_without_a_forest_nobody_would_look_at_them() -> None:
    with pytest.raises(UserError, match="only forests learn from descriptors"):
        TrainSettings(members=("cgcnn",), descriptor_set=DescriptorSet.FULL).check()
