"""Ctrl-C, SIGTERM and SIGKILL in the middle of each job: it ends at once, leaves no process, and the same command goes on."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from data.sources.starter import StarterSource
from tests.faults.stopped.conftest import Stage
from tests.servers.__main__ import database
from tests.servers.commands import Command
from tests.servers.materials_project import Fault, MaterialsProjectServer

WITHIN_S = 5.0
GONE_S = 10.0
FINISHED_SHARD = "work/screen-*/??????.parquet"  # the table that is written last
COPIES = 20  # of each starter crystal: some seconds of work
KEY = "canary7kanarienvogel7canari7kana"


@pytest.fixture(scope="module")
def cifs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cifs")
    source = StarterSource(equilibrium_only=True)
    for crystal in [item.crystal for shard in source.shards() for item in source.read(shard)]:  # type: ignore[union-attr]
        text = crystal.to_pymatgen().to(fmt="cif")
        for k in range(COPIES):
            (folder / f"{crystal.id}-{k}.cif").write_text(text)
    return folder


def begun(stage: Stage, pattern: str) -> Callable[[], bool]:
    return lambda: any(stage.home.glob(pattern))


@pytest.mark.parametrize("to_group", [False, True], ids=["process", "terminal"])
def test_ctrl_c_in_a_screen(stage: Stage, cifs: Path, to_group: bool) -> None:
    """A terminal sends Ctrl-C to all processes of the command, workers among them."""
    process = stage.start("screen", str(cifs), "--json")
    stage.once(process, begun(stage, FINISHED_SHARD))
    errors = stopped(stage, process, signal.SIGINT, to_group)
    assert "the same command goes on where this one stopped" in errors
    states = [(e["job"], e["state"]) for e in json.loads(stage.call("jobs", "--json").stdout)]
    assert states == [("screen", "interrupted")]
    if not to_group:
        return
    again = stage.call("screen", str(cifs), "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["shards_taken_over"] >= 1


def test_ctrl_c_before_the_first_shard(stage: Stage, cifs: Path) -> None:
    process = stage.start("screen", str(cifs), "--json")
    stage.once(process, begun(stage, "ledger.sqlite"))
    stopped(stage, process, signal.SIGINT, True)


def test_a_stopped_training_goes_on(stage: Stage) -> None:
    """By SIGTERM, as an operator stops it; `tests/flows/test_whole_job.py` stops one by Ctrl-C."""
    stage.more = {"FERROSCREEN_QUALITY": "false"}
    assert stage.call("refresh").returncode == 0
    command = ["train", "--members", "forest,cgcnn", "--epochs", "12", "--json"]
    process = stage.start(*command)
    stage.once(process, begun(stage, "work/train-*/cgcnn-0/*"))
    stopped(stage, process, signal.SIGTERM, True)
    assert any(stage.home.glob("work/train-*/forest-0/done.json"))
    again = stage.call(*command)
    assert again.returncode == 0, again.stderr
    assert [e["state"] for e in json.loads(stage.call("jobs", "--json").stdout)] == ["done", "interrupted", "done"]


def test_ctrl_c_in_the_whole_job(stage: Stage, tmp_path: Path) -> None:
    stage.more = {"FERROSCREEN_QUALITY": "false"}
    process = stage.start("run", "--out", str(tmp_path / "report"), "--json")
    stage.once(process, begun(stage, "work/train-*/*-0/*"))
    stopped(stage, process, signal.SIGINT, True)


def test_ctrl_c_while_the_materials_project_is_silent(stage: Stage) -> None:
    with MaterialsProjectServer(database(StarterSource(equilibrium_only=True)), KEY).running() as server:
        server.faults[("page", 1)] = Fault("silent", seconds=60)
        stage.more = {"FERROSCREEN_MP_ENDPOINT": server.endpoint, "MP_API_KEY": KEY}
        process = stage.start("refresh", "--source", "mp")
        stage.once(process, lambda: any(stage.home.glob("ledger.sqlite")))
        time.sleep(1.0)  # the question is on its way
        stopped(stage, process, signal.SIGINT, True)


def test_a_killed_screen_leaves_nothing(stage: Stage, cifs: Path) -> None:
    """That it goes on is tested in `tests/pipeline/screening/test_screen.py`."""
    process = stage.start("screen", str(cifs), "--json")
    stage.once(process, begun(stage, FINISHED_SHARD))
    process.kill()
    process.communicate()
    assert stage.left_behind(GONE_S) == []


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "killed"])
def test_a_stopped_export_begins_again(stage: Stage, tmp_path: Path, which: signal.Signals) -> None:
    source, out = StarterSource(equilibrium_only=True), tmp_path / "export"
    (tmp_path / "in").mkdir()
    for crystal in [item.crystal for shard in source.shards() for item in source.read(shard)]:  # type: ignore[union-attr]
        (tmp_path / "in" / f"{crystal.id}.cif").write_text(crystal.to_pymatgen().to(fmt="cif"))
    assert stage.call("screen", str(tmp_path / "in")).returncode == 0
    process = stage.start("export", "--out", str(out), "--top", "12", "--format", "vasp,mcif", "--json")
    stage.once(process, lambda: any(out.glob("**/mcif/*.mcif")))
    if which == signal.SIGINT:
        stopped(stage, process, which, True)
        assert not list(out.iterdir())
    else:
        process.kill()
        process.communicate()
    again = stage.call("export", "--out", str(out), "--top", "1", "--format", "vasp", "--json")
    assert again.returncode == 0, again.stderr
    folders = [one["folder"] for one in json.loads(again.stdout)["candidates"]]
    assert {path.name for path in out.iterdir()} == {*folders, "README.md", "export.json"}


@pytest.mark.parametrize("runner", ["threads", "processes"])
def test_ctrl_c_with_other_runners(stage: Stage, cifs: Path, runner: str) -> None:
    process = stage.start("screen", str(cifs), "--runner", runner, "--json")
    stage.once(process, begun(stage, "work/screen-*"))
    time.sleep(1.0)
    stopped(stage, process, signal.SIGINT, True)


def stopped(stage: Stage, process: Command, which: signal.Signals, to_group: bool) -> str:
    """Stop the command; it must end in time, with 130 and one line, and leave no process. Returns its error stream."""
    began = time.monotonic()
    (os.killpg if to_group else os.kill)(process.pid, which)
    process.wait(timeout=60)  # when the prompt comes back
    took = time.monotonic() - began
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert took < WITHIN_S, f"{took:.1f} s"
    assert [line for line in errors.splitlines() if line.strip()] == [
        "ferroscreen: interrupted; the same command goes on where this one stopped"
    ]
    assert out == ""
    assert stage.left_behind(GONE_S) == []
    return str(errors)
