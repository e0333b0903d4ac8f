"""A disk that became read-only, as the system makes one after an error: what is there is read, what would write says so."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from data.errors import UserError
from data.snapshot import open_snapshot
from data.sources.starter import StarterSource
from pipeline.ops.progress import Quiet
from pipeline.refresh.publish import publish_source
from pipeline.registry.ensemble import open_model
from pipeline.screening.screen import screen
from pipeline.settings import Settings
from pipeline.training.train import TrainSettings, train_ensemble
from tests.faults.disk.conftest import Mount


def test_a_read_only_home_is_read_and_every_job_says_so(disk: tuple[Path, Mount], trained_home: Path) -> None:
    folder, mount = disk
    where = Settings(home=folder / "home", workers=1)
    shutil.copytree(trained_home, where.home)
    before = sorted(path.relative_to(folder) for path in folder.rglob("*"))
    mount("ro")
    snapshot, model = open_snapshot(where.snapshots), open_model(where.models)
    snapshot.verify()
    assert len(model.members) == len(model.manifest["members"])
    jobs = (
        lambda: publish_source(StarterSource(equilibrium_only=True), where, Quiet()),
        lambda: train_ensemble(snapshot, TrainSettings(members=("forest",)), where, Quiet()),
        lambda: screen(StarterSource(), model, None, where, Quiet()),
    )
    for job in jobs:
        with pytest.raises(UserError, match=r"cannot (write|create)"):
            job()
    assert sorted(path.relative_to(folder) for path in folder.rglob("*")) == before
