"""`verify` with several damaged snapshots."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from data.snapshot import publish_snapshot
from data.sources.literature.snapshot import publish_literature
from data.sources.starter import StarterSource
from flows.cli import app
from pipeline.settings import settings


def test_each_snapshot_is_checked_though_the_first_is_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERROSCREEN_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    try:
        where = settings()
        crystals = [publish_snapshot(where.snapshots, StarterSource(equilibrium_only=only)) for only in (True, False)]
        (tmp_path / "mine.csv").write_text("formula,kind,value_K,ref\nFe,Tc,1044,a\n")
        measured = publish_literature(where.literature, tmp_path)
        for snapshot in (crystals[0], measured):
            (snapshot.folder / "quarantine.parquet").write_bytes(b"broken")
        done = CliRunner().invoke(app, ["verify"])
        assert done.stdout == f"{crystals[1].id} is sound\n"
        assert all(f"{one.id}: quarantine.parquet is damaged" in str(done.exception) for one in (crystals[0], measured))
    finally:
        settings.cache_clear()
