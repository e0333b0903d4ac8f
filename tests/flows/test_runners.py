"""The same screen by every engine: the same bytes. Dask and Ray where they are installed, two workers each."""

from __future__ import annotations

import importlib.util
import json
import multiprocessing
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import UserError
from data.sources import Shard
from data.sources.starter import StarterSource
from data.store.artifact import file_hash
from flows.engines import Runner
from flows.jobs.engines import predict_by
from flows.runners import SHARES, TASK_S, batches
from pipeline.registry.ensemble import open_model
from pipeline.screening.screen_models import ScreenModels
from pipeline.screening.shards import Work
from tests.pipeline.screening.hostile_source import Hostile
from tests.servers.prefect import PrefectServer, prefect_server

FILES = ("ranking.csv", "ranking.parquet", "rejected.csv")
NEEDED = {"dask": "prefect_dask", "ray": "prefect_ray"}
Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def cifs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tables of crystals, so that there are two shards, and a file that is none."""
    folder = tmp_path_factory.mktemp("cifs")
    source = StarterSource(equilibrium_only=True)
    crystals = [item.crystal for shard in source.shards() for item in source.read(shard)]  # type: ignore[union-attr]
    for k, part in enumerate((crystals[:12], crystals[12:24])):
        (folder / str(k)).mkdir()
        for crystal in part:
            (folder / str(k) / f"{crystal.id}.cif").write_text(crystal.to_pymatgen().to(fmt="cif"))
    (folder / "1" / "broken.cif").write_text("data_x\n")
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """The workers of Dask and Ray talk to it."""
    with prefect_server(tmp_path_factory.mktemp("prefect"), None) as running:
        yield running


@pytest.fixture(scope="module")
def local(ferroscreen: Call, cifs: Path, trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return hashes(ferroscreen, "local", cifs, trained_home, tmp_path_factory.mktemp("local"))


@pytest.mark.parametrize("runner", ["threads", "processes", "dask", "ray"])
def test_the_same_bytes(
    runner: str, fresh: Call, cifs: Path, trained_home: Path, local: dict[str, str], server: PrefectServer, tmp_path: Path
) -> None:
    if runner in NEEDED and importlib.util.find_spec(NEEDED[runner]) is None:
        pytest.skip(f"the extra {runner!r} is not installed")
    told = {"PREFECT_API_URL": server.url} if runner in NEEDED else {}
    assert hashes(fresh, runner, cifs, trained_home, tmp_path, **told) == local


def test_a_failed_shard_ends_the_processes_of_the_others(cifs: Path, trained_home: Path, tmp_path: Path) -> None:
    """Python waits for them as it ends, up to minutes for a reader that hangs."""
    (tmp_path / "hangs.cif").write_text("data_x\n")
    full = tmp_path / "no folder"
    full.write_text("")
    work = Work(Hostile(tmp_path), ScreenModels.in_use(open_model(trained_home / "models")), tmp_path, full)
    shards = [shard for folder in (cifs / "0", tmp_path) for shard in Hostile(folder).shards()]
    before = {*multiprocessing.active_children(), *threading.enumerate()}
    with pytest.raises(UserError, match="no folder"):
        list(predict_by(Runner.PROCESSES)(work, list(enumerate(shards)), 2))
    assert {*multiprocessing.active_children(), *threading.enumerate()} <= before


@given(st.lists(st.integers(0, 2000), max_size=60), st.integers(1, 16), st.floats(0, 1.0))
def test_batches_hold_every_shard_once_and_shrink(sizes: list[int], workers: int, cost: float) -> None:
    todo = [(k, Shard((f"s{k}",), size)) for k, size in enumerate(sizes)]
    parts = list(batches(todo, workers, cost))
    assert [one for part in parts for one in part] == todo and all(parts)
    left = cost * sum(sizes)
    for part in parts:
        own = [cost * shard.size for _, shard in part]
        assert sum(own[:-1]) < max(min(TASK_S, left / (SHARES * workers)), 1e-9) or left < 1e-6, "no shard too many"
        left -= sum(own)


def test_few_tasks_for_many_shards() -> None:
    """What is left is halved among the workers; no task is longer than TASK_S."""
    equal = [(k, Shard((f"s{k}",), 512)) for k in range(23)]
    assert [len(part) for part in batches(equal, 2, 0.002)] == [6, 5, 3, 3, 2, 1, 1, 1, 1]
    long = [(k, Shard((f"s{k}",), 1000)) for k in range(1000)]
    assert max(len(part) for part in batches(long, 4, 0.02)) == 3  # of 20 s each


def test_dask_and_ray_need_a_server(ferroscreen: Call, cifs: Path, trained_home: Path) -> None:
    done = ferroscreen("screen", str(cifs), "--runner", "dask", FERROSCREEN_HOME=str(trained_home))
    assert done.returncode == 2 and "the workers of dask need a Prefect server" in done.stderr


def test_an_engine_that_is_none(ferroscreen: Call, cifs: Path, trained_home: Path) -> None:
    done = ferroscreen("screen", str(cifs), "--runner", "slurm", FERROSCREEN_HOME=str(trained_home))
    assert done.returncode == 2 and "--runner is local, threads, processes, dask, ray, not 'slurm'" in done.stderr


def hashes(ferroscreen: Call, runner: str, cifs: Path, home: Path, out: Path, **told: str) -> dict[str, str]:
    paths = [str(cifs / "0"), str(cifs / "1")]
    environment = {"FERROSCREEN_HOME": str(home), "FERROSCREEN_WORKERS": "2", **told}
    done = ferroscreen("screen", *paths, "--runner", runner, "--out", str(out), "--json", **environment)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["ranked"], said["rejected"], said["shards_taken_over"]) == (24, 1, 0)
    return {name: file_hash(out / name) for name in FILES}
