"""The whole job as a newcomer and as an operator runs it: real processes, a real Prefect server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest

from tests.conftest import STARTER_ROWS
from tests.servers.commands import Command
from tests.servers.prefect import prefect_server

Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Prefect server on this machine; its address."""
    with prefect_server(tmp_path_factory.mktemp("server"), None) as running:
        yield running.url


@pytest.fixture(scope="module")
def job(fresh: Call, server: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The summary of one `ferroscreen run` against the server."""
    done = fresh("run", "--out", str(tmp_path_factory.mktemp("job") / "out"), "--json", PREFECT_API_URL=server)
    assert done.returncode == 0, done.stderr
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


def test_the_whole_job_on_a_real_server(job: dict[str, Any], server: str) -> None:
    result, out = job, Path(job["screen"]["folder"])
    table = pd.read_csv(out / "ranking.csv")
    assert len(table) == result["screen"]["ranked"] >= 15
    dft = table["moment_dft"]
    assert dft.notna().all()
    magnetic = table.loc[dft > 0.5, "rank"].mean()
    assert magnetic < table.loc[dft <= 0.5, "rank"].mean(), "magnets stand above the others"
    assert result["model"]["metrics"]["ensemble"]["mae"] < 0.5 * result["model"]["metrics"]["ensemble"]["mae_of_zero"]
    page = (out / "report.html").read_text()
    HTMLParser().feed(page)
    assert str(table["candidate_id"][0]) in page

    names = {f["name"] for f in httpx.post(f"{server}/flows/filter", json={}).json()}
    assert "run" in names
    tasks = {run["name"].rpartition("-")[0] for run in httpx.post(f"{server}/task_runs/filter", json={}).json()}
    assert {"train ensemble", "rank candidates", "write report"} <= tasks
    query = {"flow_runs": {"state": {"type": {"any_": ["FAILED", "CRASHED"]}}}}
    assert httpx.post(f"{server}/flow_runs/filter", json=query).json() == []
    keys = {a["key"] for a in httpx.post(f"{server}/artifacts/filter", json={}).json()}
    assert {"ranking", "report", "test-metrics", "snapshot"} <= keys


def test_interrupted_training_goes_on(
    ferroscreen: Call, environment: dict[str, str], job: dict[str, Any], tmp_path: Path, server: str
) -> None:
    home = {"FERROSCREEN_HOME": str(tmp_path / "home"), "PREFECT_API_URL": server, "FERROSCREEN_QUALITY": "false"}
    snapshot = json.loads(ferroscreen("refresh", "--json", **home).stdout)["id"]
    train = ["train", "--snapshot", snapshot, "--members", "forest,cgcnn,megnet", "--epochs", "5", "--json"]
    process = Command(*train, env={**environment, **home})
    checkpoints = tmp_path / "home" / "work"
    deadline = time.monotonic() + 120
    while not list(checkpoints.glob("train-*/cgcnn-0/*")) and time.monotonic() < deadline:
        time.sleep(0.01)  # two networks are still to be trained, some seconds of work
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "interrupted" in errors
    assert os.path.exists(next(checkpoints.glob("train-*/forest-0/done.json")))
    resumed = ferroscreen(*train, **home)
    assert resumed.returncode == 0, resumed.stderr
    assert job["snapshot"]["id"] == snapshot, "the other home has the same one"
    uninterrupted = ferroscreen(*train, PREFECT_API_URL=server)
    assert json.loads(resumed.stdout)["id"] == json.loads(uninterrupted.stdout)["id"]


def test_lists_and_evaluate_after_a_run(ferroscreen: Call, server: str, job: dict[str, Any]) -> None:
    assert ferroscreen("run", "--json", "--out", "/dev/null/x", PREFECT_API_URL=server).returncode == 2
    assert job["model"]["id"] in {m["id"] for m in json.loads(ferroscreen("models", "--json").stdout)}
    scores = json.loads(ferroscreen("evaluate", "--model", job["model"]["id"], "--split", "val").stdout)
    assert scores["seen_in_training"] is True
    assert scores["ensemble"]["mae"] > 0
    assert json.loads(ferroscreen("snapshots", "--json").stdout)[0]["crystals"] == STARTER_ROWS
    known = {r["id"]: r["folder"] for r in json.loads(ferroscreen("runs", "--json").stdout)}
    report = Path(known[job["screen"]["id"]]) / "report.html"
    before = report.read_bytes()
    report.unlink()
    assert ferroscreen("report", job["screen"]["id"], PREFECT_API_URL=server).returncode == 0
    assert report.read_bytes() == before, "the same run gives the same page"


def test_compare_and_export_after_a_run(ferroscreen: Call, job: dict[str, Any], tmp_path: Path) -> None:
    run, folder = job["screen"]["id"], tmp_path / "two"
    done = ferroscreen("export", run[:10], "--top", "2", "--format", "vasp,qe,bibtex", "--out", str(folder), "--json")
    assert done.returncode == 0, done.stderr
    for candidate in json.loads(done.stdout)["candidates"]:
        assert "fm" in candidate["orderings"]
        for name in candidate["orderings"]:
            assert (folder / candidate["folder"] / "vasp" / name / "INCAR").is_file()
            assert (folder / candidate["folder"] / "qe" / name / "pw.in").is_file()
    again = ferroscreen("export", run, "--out", str(folder))
    assert again.returncode == 2 and "not an empty folder" in again.stderr
    compared = json.loads(ferroscreen("compare", run, job["screen"]["folder"], "--json").stdout)
    assert compared["changes"] == compared["differences"] == [] and compared["counts"]["unmoved"] == job["screen"]["ranked"]
    assert (Path(compared["folder"]) / "comparison.html").is_file()
