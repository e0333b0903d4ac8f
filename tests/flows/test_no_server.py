"""No Prefect where no server is named, one line where the named one is dead, and homes that cannot be written."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from data.sources.starter import StarterSource
from tests.servers.prefect import reserved_port

ROOT = Path(__file__).resolve().parents[2]
Call = Callable[..., subprocess.CompletedProcess[str]]
LATE = ("prefect", "torch_geometric", "torch._dynamo", "scipy.stats", "sklearn")  # seconds of CPU each
WITHOUT = (
    "import atexit, sys; sys.argv[1:] = {arguments!r}; "
    "atexit.register(lambda: print([m for m in {late} if m in sys.modules])); "
)


@pytest.fixture(scope="module")
def cif(tmp_path_factory: pytest.TempPathFactory) -> Path:
    (shard, *_) = StarterSource(equilibrium_only=True).shards()
    crystal = next(iter(StarterSource(equilibrium_only=True).read(shard))).crystal  # type: ignore[union-attr]
    path = tmp_path_factory.mktemp("cif") / f"{crystal.id}.cif"
    path.write_text(crystal.to_pymatgen().to(fmt="cif"))
    return path


@pytest.fixture
def dead() -> Iterator[str]:
    """The address of a server that is not there."""
    with reserved_port() as port:
        yield f"http://127.0.0.1:{port}/api"


def test_a_screen_imports_nothing_that_it_does_not_need(environment: dict[str, str], cif: Path, tmp_path: Path) -> None:
    code = WITHOUT.format(arguments=["screen", str(cif), "--json"], late=LATE) + "from flows.cli import main; main()"
    home = {"FERROSCREEN_HOME": str(tmp_path / "home"), "HOME": "/nonexistent"}
    clean = {k: v for k, v in environment.items() if k != "PREFECT_HOME"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={**clean, **home}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
    assert not (tmp_path / "home" / "prefect").exists()


@pytest.mark.parametrize("command", [["refresh"], ["run"], ["serve"]])
def test_a_dead_server_is_named(ferroscreen: Call, dead: str, command: list[str], tmp_path: Path) -> None:
    more = ["--out", str(tmp_path / "out")] if command == ["run"] else []
    done = ferroscreen(*command, *more, PREFECT_API_URL=dead)
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert dead in line and "does not answer" in line and "unset PREFECT_API_URL" in line


def test_a_dead_server_before_a_screen(ferroscreen: Call, cif: Path, dead: str) -> None:
    done = ferroscreen("screen", str(cif), PREFECT_API_URL=dead)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1, done.stderr


@pytest.mark.parametrize("command", [["screen"], ["refresh"]])
def test_a_home_that_cannot_be_made(ferroscreen: Call, cif: Path, command: list[str]) -> None:
    more = [str(cif)] if command == ["screen"] else []
    done = ferroscreen(*command, *more, FERROSCREEN_HOME="/dev/null/home")
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert "cannot create the folder /dev/null/home" in line


def test_prefect_home_is_below_ours_unless_it_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from flows.server import place_prefect_home
    from pipeline.settings import settings

    monkeypatch.setenv("FERROSCREEN_HOME", str(tmp_path))
    monkeypatch.delenv("PREFECT_HOME", raising=False)
    settings.cache_clear()
    place_prefect_home()
    assert os.environ["PREFECT_HOME"] == str(tmp_path / "prefect")
    monkeypatch.setenv("PREFECT_HOME", "/elsewhere")
    place_prefect_home()
    assert os.environ["PREFECT_HOME"] == "/elsewhere"
    settings.cache_clear()


def test_predict_writes_nothing(ferroscreen: Call, cif: Path, tmp_path: Path) -> None:
    done = ferroscreen("predict", str(cif), FERROSCREEN_HOME=str(tmp_path / "home"))
    assert done.returncode == 0, done.stderr
    assert cif.stem in done.stdout and "moment_muB_per_atom" in done.stdout
    assert not (tmp_path / "home").exists()
    header = set(done.stdout.splitlines()[1].split())
    assert {"score", "exclusion_reason"} <= header, "what orders the rows"
    assert {"order_basis", "tc_K", "tc_basis", "saturation_300K_T"} <= header, "what the score is made of"
    (tmp_path / "bad.cif").write_text("data_x\n")
    bad = ferroscreen("predict", str(tmp_path / "bad.cif"))
    assert bad.returncode == 2 and "bad.cif: rejected" in bad.stderr
