"""Two refreshes and a screen at the same time on one home: no torn read, one writer wins, the other says so."""

from __future__ import annotations

import multiprocessing
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from data.snapshot import list_snapshots, open_snapshot
from data.sources.starter import StarterSource
from data.store.lock import Busy
from pipeline.ops.progress import Quiet
from pipeline.refresh.materials_project import refresh_materials_project
from pipeline.refresh.publish import publish_source
from pipeline.registry.ensemble import open_model
from pipeline.screening.screen import screen
from pipeline.settings import Settings
from pipeline.training.snapshots import newest_with_labels
from tests.servers.__main__ import database
from tests.servers.materials_project import Fault, MaterialsProjectServer

KEY = "k" * 32


def refresh(where: dict[str, Any]) -> None:
    refresh_materials_project(SecretStr(KEY), Settings(**where), Quiet())


def test_together(trained_home: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(trained_home, home)
    source = StarterSource(equilibrium_only=True)
    reached, go, read = threading.Event(), threading.Event(), threading.Event()
    with MaterialsProjectServer(database(source), KEY).running() as service:
        where = Settings(home=home, workers=1, mp_endpoint=service.endpoint, mp_page_size=30)
        alone = screen(source, open_model(where.models), tmp_path / "alone", where, Quiet())
        service.faults[("page", 2)] = Fault("sound", act=lambda: (reached.set(), go.wait(60)))
        process = multiprocessing.get_context("forkserver").Process(target=refresh, args=(where.model_dump(),))
        process.start()
        torn: list[str] = []

        def keep_reading() -> None:
            while not read.is_set():
                snapshot = open_snapshot(where.snapshots)
                if not snapshot.is_sound() or snapshot.table().num_rows != snapshot.manifest["crystals"]:
                    torn.append(snapshot.id)

        reader = threading.Thread(target=keep_reading)
        reader.start()
        try:
            assert reached.wait(60), "the first refresh did not get to its second page"
            for other in (lambda: publish_source(source, where, Quiet()), lambda: refresh(where.model_dump())):
                with pytest.raises(Busy, match=f"another refresh is writing .process {process.pid}"):
                    other()
            together = screen(source, open_model(where.models), tmp_path / "together", where, Quiet())
            go.set()
            process.join(120)
        finally:
            go.set()
            read.set()
            reader.join()
            process.join(120)
    assert process.exitcode == 0
    assert torn == []
    assert together.ranking().equals(alone.ranking())
    newest = list_snapshots(where.snapshots)[-1]
    newest.verify()
    assert newest.manifest["pull"]["documents"] == len(service.database)


def test_nothing_new_counts_as_published_again(tmp_path: Path) -> None:
    """A training reads the snapshot that was refreshed last, whether or not the refresh found anything new."""
    with MaterialsProjectServer(database(StarterSource(equilibrium_only=True)), KEY).running() as service:
        where = Settings(home=tmp_path, workers=1, mp_endpoint=service.endpoint, mp_page_size=100, quality=False)
        pulled = refresh_materials_project(SecretStr(KEY), where, Quiet()).snapshot
        other = publish_source(StarterSource(), where, Quiet())
        assert newest_with_labels(where) == other
        again = refresh_materials_project(SecretStr(KEY), where, Quiet())
    assert not again.news and again.snapshot == pulled
    assert newest_with_labels(where) == open_snapshot(where.snapshots) == pulled
