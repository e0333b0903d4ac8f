"""Crystals without labels: which are read, and what a training makes of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from data.errors import UserError
from data.snapshot import publish_snapshot
from data.sources.starter import StarterSource
from pipeline.features.neighbours import GraphSettings
from pipeline.ops.progress import Quiet
from pipeline.registry.published import CARD_FILE
from pipeline.settings import Settings
from pipeline.training.train import TrainSettings, train_ensemble
from pipeline.training.unlabelled import Unlabelled, chemical_systems
from tests.pipeline.training.test_site_moment_rows import CRYSTALS, cif


class Told(Quiet):
    """Keeps the lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "crystals"
    made.mkdir()
    for name, (cell, sites, _) in CRYSTALS.items():
        (made / f"{name}.cif").write_text(cif(cell, sites))
    return made


def test_closed_systems_and_unreadable_files_are_left_out(folder: Path) -> None:
    (folder / "broken.cif").write_text("data_x\n")
    told = Told()
    graphs = Unlabelled.of([folder]).graphs({"Mn-Pt", "Ni"}, GraphSettings(), 1, told)
    assert sorted(chemical_systems(graphs)) == ["Co-Fe", "Cr", "Fe"]
    assert told.lines == ["3 crystals without labels are learned from"]


def test_nothing_left_is_said(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="all 4 crystals without labels are of chemical systems of validation and test rows"):
        Unlabelled.of([folder]).graphs({"Mn-Pt", "Cr", "Fe", "Co-Fe"}, GraphSettings(), 1, Quiet())
    (tmp_path / "broken.cif").write_text("data_x\n")
    with pytest.raises(UserError, match=r"no crystal can be read in .*broken\.cif"):
        Unlabelled.of([tmp_path / "broken.cif"]).graphs(set(), GraphSettings(), 1, Quiet())
    with pytest.raises(UserError, match="missing"):
        Unlabelled.of([tmp_path / "missing"])


def test_a_training_learns_from_them_first_and_is_another_one(folder: Path, tmp_path: Path) -> None:
    where = Settings(home=tmp_path / "home", workers=1)
    snapshot = publish_snapshot(where.snapshots, StarterSource())
    wanted = TrainSettings(members=("mpnn",), epochs=1)
    plain = train_ensemble(snapshot, wanted, where, Quiet())
    told = Told()
    first = TrainSettings(members=("mpnn",), epochs=1, pretrain_on=Unlabelled.of([folder]))
    taught = train_ensemble(snapshot, first, where, told)
    assert taught.id != plain.id
    assert taught.manifest["settings"]["pretrain_on"] == Unlabelled.of([folder]).identity
    read = taught.manifest["unlabelled_crystals"]
    assert f"{read} crystals without labels are learned from" in told.lines
    assert f"learned the structures of {read} crystals without labels first" in (taught.folder / CARD_FILE).read_text()
    assert "pretrain_on" not in plain.manifest["settings"], "a training without keeps the identity that it had"
    assert train_ensemble(snapshot, first, where, Quiet()).id == taught.id
    json.dumps(first.to_json())


def test_members_that_cannot_learn_from_them_are_refused(folder: Path) -> None:
    with pytest.raises(UserError, match="none of the members learns from crystals without labels; `mpnn` does"):
        TrainSettings(members=("cgcnn", "forest"), pretrain_on=Unlabelled.of([folder])).check()
