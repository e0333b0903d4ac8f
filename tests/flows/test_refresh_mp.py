"""`refresh --source mp`, `diff`, `verify` and `prune` as a person runs them, and the key in no output and no database."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from data.sources.starter import StarterSource
from flows.cli import app
from pipeline.settings import settings
from tests.servers.__main__ import database, next_release
from tests.servers.materials_project import Fault, MaterialsProjectServer

KEY = "canary7kanarienvogel7canari7kana"
Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def service() -> Iterator[MaterialsProjectServer]:
    with MaterialsProjectServer(database(StarterSource(equilibrium_only=True)), KEY).running() as server:
        yield server


@pytest.fixture
def home(service: MaterialsProjectServer, tmp_path: Path) -> dict[str, str]:
    """Environment of a person with a key, who wants to see everything."""
    return {
        "FERROSCREEN_HOME": str(tmp_path / "home"),
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_LOGGING_LEVEL": "DEBUG",
        "PREFECT_LOGGING_ROOT_LEVEL": "DEBUG",
        "FERROSCREEN_DEBUG": "1",
        "FERROSCREEN_MP_ENDPOINT": service.endpoint,
        "FERROSCREEN_MP_ATTEMPTS": "2",
        "FERROSCREEN_MP_FIRST_WAIT_S": "0.01",
        "MP_API_KEY": KEY,
    }


def told(*arguments: str) -> str:
    """Standard output of the command in this process."""
    done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
def own_settings() -> Iterator[None]:
    """Settings are read again, and again after the test."""
    yield
    settings.cache_clear()


@pytest.mark.usefixtures("own_settings")
def test_from_the_first_refresh_to_prune(
    ferroscreen: Call, service: MaterialsProjectServer, home: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`refresh` in processes of its own, with all that they log; the others in this one."""
    for name, value in home.items():
        if not name.startswith("PREFECT_"):
            monkeypatch.setenv(name, value)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    settings.cache_clear()
    first = ferroscreen("refresh", "--source", "mp", "--json", **home)
    assert first.returncode == 0, first.stderr
    old = json.loads(first.stdout)
    assert old["news"] and old["pull"]["kind"] == "full" and old["crystals"] == len(service.database)
    assert {"quality.html", "label_noise.csv", "duplicates.parquet"} == set(old["pages"])

    again = ferroscreen("refresh", "--source", "mp", **home)
    assert again.returncode == 0 and "Nothing new" in again.stdout and old["id"] in again.stdout
    (page,) = (line.split(maxsplit=1)[1] for line in again.stdout.splitlines() if line.startswith("quality "))
    assert Path(page).is_file() and Path(page).parent.name == old["id"]

    moved = next_release(service.database, 1)
    new = json.loads(ferroscreen("refresh", "--source", "mp", "--json", **home).stdout)
    assert new["pull"]["kind"] == "incremental" and new["pull"]["base"] == old["id"]
    changes = json.loads(told("diff", old["id"], "--json"))
    assert (changes["before"], changes["after"]) == (old["id"], new["id"])
    assert changes["new"] == changes["withdrawn"] == [] and new["pull"]["fetched"] == moved
    assert 1 <= len(changes["relabelled"]) <= moved, "a moment of zero stays zero"
    assert "relabelled" in told("diff", old["id"], new["id"])
    assert told("verify").count("is sound") == 2

    service.faults[("page", 1)] = Fault(503, times=99)
    failed = ferroscreen("refresh", "--source", "mp", "--full", **home)
    assert failed.returncode == 2 and "page 1: the service answers 503; given up after 2 attempts" in failed.stderr
    assert "Traceback" not in failed.stdout

    kept = json.loads(told("prune", "--keep", "1", "--dry-run", "--json"))
    assert kept["removed"] == [old["id"]]
    told("prune", "--keep", "1")
    assert told("verify").strip() == f"{new['id']} is sound"
    crystals = Path(home["FERROSCREEN_HOME"], "snapshots", new["id"], "crystals.parquet")
    crystals.write_bytes(crystals.read_bytes()[:-1])
    damaged = ferroscreen("verify", **home)
    assert damaged.returncode == 2 and "crystals.parquet is damaged" in damaged.stderr

    said = "".join(done.stdout + done.stderr for done in (first, again, failed))
    kept_files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "ledger.sqlite" for path in kept_files), "what each job was given is among them"
    assert not any(path.is_relative_to(home["PREFECT_HOME"]) for path in kept_files), "no server is named: Prefect has no files"
    assert KEY not in said
    assert not [path for path in kept_files if KEY.encode() in path.read_bytes()]


def test_without_a_key(ferroscreen: Call, home: dict[str, str]) -> None:
    """The message names the next step, before anything is started."""
    done = ferroscreen("refresh", "--source", "mp", **{**home, "MP_API_KEY": ""})
    assert done.returncode == 2, done.stderr
    assert "there is no Materials Project key: get one at https://next-gen.materialsproject.org/api" in done.stderr
    assert "export MP_API_KEY=" in done.stderr
