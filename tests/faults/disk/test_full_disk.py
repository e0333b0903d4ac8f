"""A disk that fills up under a job: a word to the user, nothing half done in sight, and the same result once there is room."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from data.errors import UserError
from data.snapshot import list_snapshots, publish_snapshot
from data.sources.starter import StarterSource
from pipeline.export.export import export
from pipeline.ops.ledger import Ledger
from pipeline.ops.progress import Quiet
from pipeline.refresh.publish import publish_source
from pipeline.registry.ensemble import Ensemble, open_model
from pipeline.registry.published import published_models
from pipeline.screening.screen import FILES, screen
from pipeline.settings import Settings
from pipeline.training.train import TrainSettings, train_ensemble
from tests.conftest import STARTER_ROWS
from tests.faults.disk.conftest import Mount

Disk = tuple[Path, Mount]
BALLAST_BYTES = 4096


def fill(folder: Path, left_bytes: int = 0) -> Path:
    """A file that takes all the room there is, but for a little."""
    ballast = folder / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as handle:
        while True:
            handle.write(bytes(BALLAST_BYTES))
    os.truncate(ballast, ballast.stat().st_size - left_bytes)
    return ballast


@pytest.mark.parametrize(
    ("member", "room"),
    [("forest", "240k"), ("forest", "480k"), ("cgcnn", "800k"), ("cgcnn", "1500k")],
    ids=["while a forest is saved", "while it is published", "at the first checkpoint", "at a later one"],
)
def test_a_training_that_finds_the_disk_full_goes_on_later(disk: Disk, tmp_path: Path, member: str, room: str) -> None:
    folder, mount = disk
    wanted = TrainSettings(members=(member,), epochs=2)
    elsewhere = Settings(home=tmp_path / "elsewhere", workers=1)
    undisturbed = train_ensemble(publish_snapshot(elsewhere.snapshots, StarterSource()), wanted, elsewhere, Quiet())
    where = Settings(home=folder / "home", workers=1)
    snapshot = publish_snapshot(where.snapshots, StarterSource())
    mount(f"size={room}")
    with pytest.raises(UserError, match=r"[Nn]o space left"):
        train_ensemble(snapshot, wanted, where, Quiet())
    assert published_models(where.models, Ensemble) == []
    snapshot.verify()
    mount("size=100m")
    assert train_ensemble(snapshot, wanted, where, Quiet()).id == undisturbed.id
    assert list(where.home.rglob("*.part")) + list(where.home.rglob(".building-*")) == []
    assert Ledger(where.home).entries()[-1].state == "done"


@pytest.mark.parametrize("left_bytes", [0, 36_864, 73_728], ids=["at once", "among its shards", "while it writes the ranking"])
def test_a_screen_that_finds_the_disk_full_goes_on_later(disk: Disk, trained_home: Path, tmp_path: Path, left_bytes: int) -> None:
    folder, _ = disk
    source, elsewhere = StarterSource(equilibrium_only=True), Settings(home=tmp_path / "elsewhere", workers=1)
    shutil.copytree(trained_home, elsewhere.home)
    undisturbed = screen(source, open_model(elsewhere.models), None, elsewhere, Quiet())
    where = Settings(home=folder / "home", workers=1)
    shutil.copytree(trained_home, where.home)
    ballast = fill(folder, left_bytes)
    with pytest.raises(UserError, match=r"[Nn]o space left"):
        screen(source, open_model(where.models), None, where, Quiet())
    assert not list(where.runs.glob("*.json")), "a run that is not whole is listed"
    ballast.unlink()
    done = screen(source, open_model(where.models), None, where, Quiet())
    for name in FILES:
        assert (done.folder / name).read_bytes() == (undisturbed.folder / name).read_bytes()


def test_an_export_that_finds_the_disk_full_leaves_the_old_one(disk: Disk, trained_home: Path, tmp_path: Path) -> None:
    folder, _ = disk
    where = Settings(home=tmp_path / "home", workers=1)
    shutil.copytree(trained_home, where.home)
    run = screen(StarterSource(equilibrium_only=True), open_model(where.models), None, where, Quiet())
    before = export(run, 2, [], ["cif"], folder / "e", Quiet())
    ballast = fill(folder, 65_536)
    with pytest.raises(UserError, match=r"[Nn]o space left"):
        export(run, 10, [], ["vasp"], folder / "e", Quiet(), force=True)
    here = {path.name for path in (folder / "e").iterdir()}
    assert here == {*(one["folder"] for one in before["candidates"]), "README.md", "export.json"}
    ballast.unlink()
    assert len(export(run, 3, [], ["vasp"], folder / "e", Quiet(), force=True)["candidates"]) == 3
    assert len(list((folder / "e").iterdir())) == 5


def test_a_refresh_that_finds_the_disk_full_leaves_the_old_snapshot(disk: Disk) -> None:
    folder, _ = disk
    where = Settings(home=folder / "home", workers=1, quality=False)
    old = publish_source(StarterSource(equilibrium_only=True), where, Quiet())
    ballast = fill(folder)
    with pytest.raises(UserError, match=r"[Nn]o space left"):
        publish_source(StarterSource(), where, Quiet())
    assert [snapshot.id for snapshot in list_snapshots(where.snapshots)] == [old.id]
    old.verify()
    ballast.unlink()
    assert publish_source(StarterSource(), where, Quiet()).manifest["crystals"] == STARTER_ROWS
