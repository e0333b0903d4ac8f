"""A Prefect of the tests' own: an empty database, and no server but the one a test starts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.settings import settings
from tests.servers.commands import call

ROOT = Path(__file__).resolve().parents[2]
LONGEST_S = 600  # Ray starts a cluster of its own, which has taken five minutes on a busy machine


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment of a fresh machine."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "FERROSCREEN_", "MP_API", "ICSD_"))}
    return {
        **clean,
        "FERROSCREEN_HOME": str(tmp_path_factory.mktemp("cli-home")),
        "PREFECT_HOME": str(tmp_path_factory.mktemp("prefect")),
        "FERROSCREEN_WORKERS": "1",
        "COLUMNS": "160",
    }


@pytest.fixture(scope="session")
def ferroscreen(environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the command in a process of its own, which was forked from one with all libraries loaded."""

    def forked(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return call(*arguments, env={**environment, **more})

    return forked


@pytest.fixture(scope="session")
def fresh(environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the command as a person does: a fresh Python."""

    def started(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "flows", *arguments]
        return subprocess.run(command, cwd=ROOT, env={**environment, **more}, capture_output=True, text=True, timeout=LONGEST_S)

    return started


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of its own, for commands that run in this process; no Prefect server."""
    monkeypatch.setenv("FERROSCREEN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FERROSCREEN_WORKERS", "1")
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    settings.cache_clear()
    yield tmp_path / "home"
    settings.cache_clear()


@pytest.fixture
def home(empty_home: Path, trained_home: Path) -> Path:
    """The same with the small model."""
    shutil.copytree(trained_home, empty_home)
    return empty_home
