"""A service on this machine that fails as told, a home of its own for each test, and short waits."""

from __future__ import annotations

import logging
import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from data.snapshot import Snapshot
from data.sources.starter import StarterSource
from pipeline.ops.progress import Quiet
from pipeline.refresh.materials_project import Refreshed, refresh_materials_project
from pipeline.settings import Settings
from tests.servers.documents import document, records
from tests.servers.materials_project import Database, MaterialsProjectServer

KEY = "canary7kanarienvogel7canari7kana"
PAGE_SIZE = 7
MEMORY = "/dev/shm"
RETRIES: dict[str, Any] = {
    "mp_page_size": PAGE_SIZE, "mp_attempts": 3, "mp_first_wait_s": 0.01, "mp_longest_wait_s": 0.02,
    "mp_longest_retry_after_s": 5.0, "mp_read_s": 10.0, "mp_call_s": 20.0, "workers": 1, "quality": False,
}  # fmt: skip
SHORT_READ_S = 0.4  # for the tests of a silent server; others must not time out because the machine is busy
Refresh = Callable[..., Refreshed]


@pytest.fixture(scope="session")
def materials() -> list[dict[str, Any]]:
    """Documents of 38 calculated crystals, in the order of their ids: six pages of seven, the last of three."""
    rows = list(records(StarterSource(equilibrium_only=True)))[:38]
    return sorted((document(r, f"mp-{1000 + 37 * k}") for k, r in enumerate(rows)), key=lambda d: str(d["material_id"]))


@pytest.fixture(scope="session")
def _server() -> Iterator[MaterialsProjectServer]:
    logging.getLogger("mp_api").setLevel(logging.DEBUG)
    with MaterialsProjectServer(Database([]), KEY).running() as server:
        yield server


@pytest.fixture
def service(_server: MaterialsProjectServer, materials: list[dict[str, Any]], undisturbed: Snapshot) -> MaterialsProjectServer:
    """Sound, with all materials."""
    random.seed(7)
    _server.database = Database(materials)
    _server.forget()
    return _server


@pytest.fixture
def where(service: MaterialsProjectServer, tmp_path: Path) -> Iterator[Settings]:
    """A home in memory where there is such a file system: hundreds of refreshes that wait for a disk take minutes."""
    with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else tmp_path) as home:
        yield Settings(home=Path(home), mp_endpoint=service.endpoint, **RETRIES)


@pytest.fixture
def refresh(service: MaterialsProjectServer, where: Settings) -> Refresh:
    def run(full: bool = False, **changed: Any) -> Refreshed:
        silent = any(fault.kind == "silent" for fault in service.faults.values())
        changed = {"mp_read_s": SHORT_READ_S if silent else where.mp_read_s, **changed}
        return refresh_materials_project(SecretStr(KEY), where.model_copy(update=changed), Quiet(), full)

    return run


@pytest.fixture(scope="session")
def undisturbed(
    _server: MaterialsProjectServer, materials: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> Snapshot:
    """The snapshot that a refresh publishes when nothing goes wrong."""
    _server.database = Database(materials)
    _server.forget()
    home = Settings(home=tmp_path_factory.mktemp("undisturbed"), mp_endpoint=_server.endpoint, **RETRIES)
    return refresh_materials_project(SecretStr(KEY), home, Quiet()).snapshot


@pytest.fixture
def expected(undisturbed: Snapshot) -> str:
    """Its id."""
    return undisturbed.id


@pytest.fixture
def old(undisturbed: Snapshot, service: MaterialsProjectServer, where: Settings) -> Snapshot:
    """It, published in this test's home already; the service has a new release."""
    service.database.version = "2026.11.1"
    shutil.copytree(undisturbed.folder, where.snapshots / undisturbed.id)
    return Snapshot(where.snapshots / undisturbed.id)
