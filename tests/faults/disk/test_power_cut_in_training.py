"""A power cut after members were trained: what the system had not yet written of their files is gone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from data.snapshot import Snapshot, open_snapshot, publish_snapshot
from data.sources.starter import StarterSource
from pipeline.ops.progress import Quiet, Tick
from pipeline.settings import Settings
from pipeline.training.train import TrainSettings, train_ensemble

WANTED = TrainSettings(members=("forest", "cgcnn"), epochs=2)


class PowerCut(Exception):
    """At the end of the last member."""


class UntilWeights:
    """A reporter that ends a training when all members are trained; it notes what was said before."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    @contextmanager
    def bar(self, label: str, total: int) -> Iterator[Tick]:
        yield lambda n: None

    def say(self, line: str) -> None:
        self.lines.append(line)
        if line.startswith("Weights and calibration"):
            raise PowerCut


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Snapshot]:
    """The id of the model of an undisturbed training, and its snapshot."""
    where = Settings(home=tmp_path_factory.mktemp("home"), workers=1)
    snapshot = publish_snapshot(where.snapshots, StarterSource())
    return train_ensemble(snapshot, WANTED, where, Quiet()).id, snapshot


def lose_the_end(file: Path, zeros: bool) -> None:
    """The last block is missing, or was set aside and never written."""
    size = file.stat().st_size
    os.truncate(file, size - size // 3)
    if zeros:
        os.truncate(file, size)


@pytest.mark.parametrize("zeros", [False, True], ids=["cut short", "zeros"])
@pytest.mark.parametrize("name", ["forest-0", "cgcnn-0"])
def test_a_torn_member_is_trained_again(whole: tuple[str, Snapshot], tmp_path: Path, name: str, zeros: bool) -> None:
    where = Settings(home=tmp_path, workers=1)
    publish_snapshot(where.snapshots, StarterSource())
    with pytest.raises(PowerCut):
        train_ensemble(open_snapshot(where.snapshots), WANTED, where, UntilWeights())
    (file,) = where.work.glob(f"train-*/{name}/model.safetensors")
    lose_the_end(file, zeros)
    notes = UntilWeights()
    with pytest.raises(PowerCut):
        train_ensemble(open_snapshot(where.snapshots), WANTED, where, notes)
    other = {"forest-0": "cgcnn-0", "cgcnn-0": "forest-0"}[name]
    assert [line for line in notes.lines if "by an earlier run" in line] == [f"{other}: trained by an earlier run"]
    assert train_ensemble(open_snapshot(where.snapshots), WANTED, where, Quiet()).id == whole[0]
