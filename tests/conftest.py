"""What every test may use: fixed seeds, the shared data where they are, a home of its own, a small trained ensemble."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

NEEDED_BYTES = 4 * 2**30  # twenty times what a whole run writes

os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
if "PYTEST_XDIST_WORKER" in os.environ:  # before torch is imported: workers with as many threads as cores wait for each other
    os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.pop("FERROSCREEN_HOME", None)  # tests never touch a person's own home


def temporary_files_in_memory() -> None:
    """Tests write thousands of small files to stay, each with an fsync: 11 ms on a disk, 0.02 ms in memory."""
    memory = Path("/dev/shm")
    if "TMPDIR" in os.environ or not os.access(memory, os.W_OK):
        return
    place = os.statvfs(memory)
    if place.f_bavail * place.f_frsize >= NEEDED_BYTES and not place.f_flag & os.ST_NOEXEC:  # some write programs and run them
        os.environ["TMPDIR"] = str(memory)
        tempfile.tempdir = None  # pytest has looked it up already


temporary_files_in_memory()

settings.register_profile(
    "ferroscreen", derandomize=True, deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ferroscreen")

TESTS = Path(__file__).resolve().parent
INTEGRATION = {"benchmarks", "browser", "contract", "deployments", "docs", "flows", "upgrades"}  # folders below tests/
WHOLE_PARTS = {"trained_home", "ensemble", "ferroscreen"}  # fixtures that train, or run a command
SLOW = {"benchmarks", "browser", "deployments", "docs", "flows", "upgrades"}  # processes, servers, browsers
KINDS = ("unit", "integration", "faults")

STARTER_ROWS = sum(1 for _ in (TESTS.parent / "data" / "starter" / "starter.jsonl").open())
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test one of the markers KINDS, and `slow` to folders of slow ones, where the test does not say it itself."""
    for item in items:
        folder = item.path.resolve().relative_to(TESTS).parts[0]
        if not any(item.get_closest_marker(kind) for kind in KINDS):
            item.add_marker(_kind(folder, set(getattr(item, "fixturenames", ()))))
        if folder in SLOW:
            item.add_marker("slow")


def _kind(folder: str, fixtures: set[str]) -> str:
    if folder == "faults":
        return "faults"
    return "integration" if folder in INTEGRATION or WHOLE_PARTS & fixtures else "unit"


@pytest.fixture(autouse=True)
def settings_read_anew() -> Iterator[None]:
    """No test sees the settings that another one's environment gave."""
    yield
    if "pipeline.settings" in sys.modules:
        sys.modules["pipeline.settings"].settings.cache_clear()


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Path of a shared data file; the test is skipped where it is not there."""

    def find(name: str) -> Path:
        if not (SHARED / name).is_file():
            pytest.skip(f"needs ../shared/data/{name}")
        return SHARED / name

    return find


@pytest.fixture(scope="session")
def trained_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the starter snapshot and an ensemble trained on it for a few epochs."""
    from data.snapshot import publish_snapshot
    from data.sources.starter import StarterSource
    from pipeline.ops.progress import Quiet
    from pipeline.settings import Settings
    from pipeline.training.train import TrainSettings, train_ensemble

    where = Settings(home=tmp_path_factory.mktemp("home"), workers=1)
    snapshot = publish_snapshot(where.snapshots, StarterSource())
    train_ensemble(snapshot, TrainSettings(epochs=3), where, Quiet())
    return where.home
