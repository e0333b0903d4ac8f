"""Which rows of an evaluation a model had seen."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from data.snapshot import Snapshot, open_snapshot, publish_snapshot
from pipeline.evaluation.evaluate import evaluate
from pipeline.ops.progress import Quiet
from pipeline.registry.ensemble import open_model
from pipeline.registry.shipped import shipped_model, system_hash, systems_seen
from pipeline.settings import Settings
from pipeline.training.splits import split_rows
from tests.contract.relabelled import Relabelled

# as another release has it: other labels, so that its snapshot has another id
LATER = Relabelled("later", lambda record, label: 1.001 * label.moment_muB_per_cell)


@pytest.fixture
def where(trained_home: Path, tmp_path: Path) -> Settings:
    shutil.copytree(trained_home, tmp_path / "home")
    return Settings(home=tmp_path / "home", workers=1)


def said(where: Settings, snapshot: Snapshot, part: str) -> tuple[Any, Any]:
    found = evaluate(open_model(where.models), snapshot, part, where, Quiet())
    return found["seen_in_training"], found["rows_of_learned_systems"]


def test_rows_of_learned_systems_are_seen_in_whatever_snapshot(where: Settings) -> None:
    mine = open_snapshot(where.snapshots, open_model(where.models).manifest["snapshot"])
    split = split_rows(mine.table(["split", "chemsys"]))
    learned = len(split.train) + len(split.validation)
    assert said(where, mine, "test") == (False, 0)
    assert said(where, mine, "all") == (True, learned)
    later = publish_snapshot(where.snapshots, LATER)
    assert later.id != mine.id
    assert said(where, later, "test") == (False, 0)
    assert said(where, later, "all") == (True, learned)
    shutil.rmtree(mine.folder)
    assert said(where, later, "all") == (None, None), "nobody knows any more"


def test_of_a_shipped_model_the_hashes_tell(where: Settings) -> None:
    shipped, snapshot = shipped_model(), open_snapshot(where.snapshots)
    assert shipped is not None
    table = snapshot.table(["split", "chemsys"])
    systems = table["chemsys"].take(split_rows(table).test).to_pylist()
    known = sum(system_hash(system) in systems_seen(shipped) for system in systems)
    assert 0 < known < len(systems)
    found = evaluate(shipped, snapshot, "test", where, Quiet())
    assert (found["seen_in_training"], found["rows_of_learned_systems"]) == (True, known)
