"""What a job tells of a screen that differs from the one before, and of a model that is not promoted: once, when it is new."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest

from data.sources.starter import StarterSource
from flows import console
from flows.jobs.outlet import InProcess
from flows.jobs.refreshing import RefreshJob, refresh
from flows.jobs.screening import ScreenJob, screen
from flows.jobs.training import TrainJob, train
from pipeline.ops.progress import Quiet
from pipeline.settings import settings
from tests.data.cif_texts import cif_text

R = TypeVar("R")


@dataclass(frozen=True)
class Told(InProcess):
    """Keeps what a server would send."""

    bodies: list[str] = field(default_factory=list)

    def notify(self, subject: str, body: str) -> None:
        self.bodies.append(body)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("FERROSCREEN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FERROSCREEN_WORKERS", "1")
    monkeypatch.setattr(console, "_current", Quiet())
    settings.cache_clear()
    yield tmp_path / "home"
    settings.cache_clear()


def test_a_model_that_is_not_promoted_is_told_once(home: Path) -> None:
    """A weekly training without new data ends with the same model."""
    told = Told()
    snapshot = refresh(RefreshJob("starter"), told)
    job = TrainJob(snapshot["id"], members=["forest"])
    promoted = [train(job, told)["promotion"]["promoted"] for _ in range(2)]
    assert promoted == [False, False], "the shipped model is better"
    assert len(told.bodies) == 1 and "is not promoted" in told.bodies[0]


@dataclass(frozen=True)
class Emptied(InProcess):
    """Where a folder is gone when a step has ended."""

    folder: Path = Path()

    def step(self, name: str, function: Callable[..., R], *arguments: Any) -> R:
        result = super().step(name, function, *arguments)
        shutil.rmtree(self.folder)
        return result


def test_crystals_that_are_gone_when_a_training_ends_cost_nothing(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "crystals"
    folder.mkdir()
    (folder / "iron.cif").write_text(cif_text())
    snapshot = refresh(RefreshJob("starter"), InProcess())
    job = TrainJob(snapshot["id"], members=["mpnn"], epochs=1, pretrain_on=[str(folder)])
    assert train(job, Emptied(folder=folder))["known_before"] == ""


def test_a_screen_that_is_taken_as_it_is_needs_no_second_look(home: Path, tmp_path: Path) -> None:
    source, folder = StarterSource(equilibrium_only=True), tmp_path / "cifs"
    folder.mkdir()
    crystals = [item.crystal for shard in source.shards() for item in source.read(shard)][:4]  # type: ignore[union-attr]
    for crystal in crystals:
        (folder / f"{crystal.id}.cif").write_text(crystal.to_pymatgen().to(fmt="cif"))  # type: ignore[union-attr]
    told, job = Told(), ScreenJob([str(folder)])
    screen(job, told)
    assert not told.bodies
    next(iter(folder.iterdir())).unlink()
    screen(job, told)
    assert len(told.bodies) == 1 and "gone from the candidates" in told.bodies[0]
    screen(job, told)
    assert len(told.bodies) == 1, "nothing is new"
