"""A database that changes under a pull, a process that is killed, two writers: one whole snapshot, always."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.context import BaseContext
from typing import Any

import pytest
from pydantic import SecretStr

from data.errors import Unavailable
from data.snapshot import Snapshot, list_snapshots
from data.sources.materials_project.state import DOCUMENTS_FILE, read_documents
from data.store.lock import Busy
from pipeline.ops.ledger import DONE, Ledger
from pipeline.ops.progress import Quiet
from pipeline.refresh.materials_project import refresh_materials_project
from pipeline.settings import Settings
from tests.faults.refreshing.conftest import KEY, Refresh
from tests.faults.refreshing.test_broken_answers import PLACES, asked
from tests.servers.materials_project import Database, Fault, MaterialsProjectServer

Documents = list[dict[str, Any]]
everywhere = pytest.mark.parametrize("place", PLACES)


def release_moved(service: MaterialsProjectServer, document: dict[str, Any], version: str) -> Callable[[], None]:
    """A new release: one material moved."""

    def act() -> None:
        service.database.put({**document, "last_updated": "2026-10-20T00:00:00Z", "energy_above_hull": 0.25})
        service.database.version = version

    return act


@everywhere
@pytest.mark.parametrize("full", [False, True])
def test_a_release_in_the_middle_of_a_pull(
    service: MaterialsProjectServer, refresh: Refresh, where: Settings, materials: Documents, place: str, full: bool
) -> None:
    """Nothing of the old release gets into the new one's snapshot."""
    service.faults[("page", PLACES[place])] = Fault("sound", act=release_moved(service, materials[0], "2026.11.1"))
    snapshot = refresh(full=full).snapshot
    assert snapshot.manifest["origin"]["database_version"] == "2026.11.1"
    assert [s.id for s in list_snapshots(where.snapshots)] == [snapshot.id]
    undisturbed = refresh_materials_project(SecretStr(KEY), where.model_copy(update={"home": where.home / "other"}), Quiet())
    assert undisturbed.snapshot.id == snapshot.id


def test_a_database_that_never_rests(
    service: MaterialsProjectServer, refresh: Refresh, where: Settings, materials: Documents, old: Snapshot
) -> None:
    versions = iter(range(100))
    service.faults[("page", 6)] = Fault("sound", 99, act=lambda: release_moved(service, materials[0], f"2027.{next(versions)}")())
    with pytest.raises(Unavailable, match="a new release came out during the pull, 4 times in a row"):
        refresh(full=True)
    assert [s.id for s in list_snapshots(where.snapshots)] == [old.id]


@pytest.mark.parametrize("vanishing", [None, "mp-2000"])
def test_rows_that_move_from_page_to_page(
    service: MaterialsProjectServer, refresh: Refresh, materials: Documents, vanishing: str | None
) -> None:
    """Without a new release, and, where one material goes as another comes, with the same number of them."""

    def act() -> None:
        service.database.put({**materials[0], "material_id": "mp-10"})  # the first of all: every later row moves by one
        if vanishing:
            service.database.remove(next(d["material_id"] for d in reversed(materials)))

    service.faults[("page", 3)] = Fault("sound", act=act)
    snapshot = refresh().snapshot
    found = snapshot.table(["material_id"]).column(0).to_pylist()
    assert sorted(found) == sorted(service.database.ids())


@everywhere
def test_sigkill(
    service: MaterialsProjectServer, refresh: Refresh, where: Settings, old: Snapshot, fleet: BaseContext, place: str
) -> None:
    """The next refresh asks for what is missing, and publishes what an undisturbed one publishes."""
    process: Any = fleet.Process(target=refresh_in_process, args=(where.model_dump(), True))  # type: ignore[attr-defined]
    service.faults[("page", PLACES[place])] = Fault("silent", act=lambda: os.kill(process.pid, signal.SIGKILL))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert [s.id for s in list_snapshots(where.snapshots)] == [old.id]
    old.verify()
    service.forget()
    new = refresh(full=True).snapshot
    assert asked(service) == list(range(PLACES[place], 7))
    assert new.table().equals(old.table())
    new.verify()


def test_pages_of_another_service_are_not_taken_up(
    service: MaterialsProjectServer, refresh: Refresh, where: Settings, materials: Documents
) -> None:
    """Of the same release and as many materials, such as a mirror; or pages that another version of this program narrowed."""
    service.faults[("page", 4)] = Fault(500, 9)
    with pytest.raises(Unavailable):
        refresh()
    others = [{**told, "energy_above_hull": 0.125} for told in materials]
    with MaterialsProjectServer(Database(others), KEY).running() as other:
        mirror = where.model_copy(update={"mp_endpoint": other.endpoint})
        snapshot = refresh_materials_project(SecretStr(KEY), mirror, Quiet()).snapshot
    documents = read_documents(snapshot.folder / DOCUMENTS_FILE)
    assert {document.content["energy_above_hull"] for document in documents} == {0.125}


@pytest.mark.parametrize("moment", ["documents", "crystals", "manifest"])
def test_sigkill_while_publishing(
    service: MaterialsProjectServer, refresh: Refresh, where: Settings, old: Snapshot, fleet: BaseContext, moment: str
) -> None:
    process: Any = fleet.Process(target=die_on_file, args=(where.model_dump(), moment))  # type: ignore[attr-defined]
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert [s.id for s in list_snapshots(where.snapshots)] == [old.id]
    service.forget()
    new = refresh(full=True).snapshot
    assert asked(service) == [], "all pages were there"
    assert new.table().equals(old.table())
    folders = [path.name for path in where.snapshots.iterdir() if path.is_dir()]
    assert sorted(folders) == sorted([old.id, new.id]), "what the dead one left is gone"


def test_one_writer_wins_and_the_other_says_so(
    service: MaterialsProjectServer, refresh: Refresh, where: Settings, old: Snapshot, fleet: BaseContext
) -> None:
    reached, go = threading.Event(), threading.Event()
    service.faults[("page", 3)] = Fault("sound", act=lambda: (reached.set(), go.wait(30)))
    process: Any = fleet.Process(target=refresh_in_process, args=(where.model_dump(), True))  # type: ignore[attr-defined]
    process.start()
    try:
        assert reached.wait(60)
        with pytest.raises(Busy, match=f"another refresh is writing .process {process.pid}, since .*this one changed nothing"):
            refresh(full=True)
        assert [s.id for s in list_snapshots(where.snapshots)] == [old.id]
        old.verify()
    finally:
        go.set()
        process.join(60)
    assert process.exitcode == 0
    assert len(list_snapshots(where.snapshots)) == 2


def test_a_dead_writer_loses_its_lease(
    service: MaterialsProjectServer, refresh: Refresh, where: Settings, expected: str, fleet: BaseContext
) -> None:
    reached = threading.Event()
    service.faults[("page", 3)] = Fault("sound", act=lambda: (reached.set(), threading.Event().wait(2)))
    process: Any = fleet.Process(target=refresh_in_process, args=(where.model_dump(), True))  # type: ignore[attr-defined]
    process.start()
    assert reached.wait(60)
    process.kill()
    process.join(60)
    assert refresh().snapshot.id == expected


def test_what_moved_is_all_that_comes(
    service: MaterialsProjectServer, refresh: Refresh, where: Settings, materials: Documents, old: Snapshot
) -> None:
    """A date that moved, a label that moved without its date, one more, one less: the same as a full pull, to the byte."""
    service.database.put({**materials[3], "last_updated": "2026-10-20T00:00:00Z", "theoretical": True})
    relabelled = {n: 0.5 * materials[9][n] for n in materials[9] if n.startswith("total_magnetization")}
    service.database.put({**materials[9], **relabelled})
    service.database.put({**materials[0], "material_id": "mp-10"})
    service.forget()
    new = refresh().snapshot
    assert new.manifest["pull"] | {"requests": 0, "bytes": 0} == {
        "kind": "incremental", "base": old.id, "documents": 39, "fetched": 3, "tombstones": 0, "requests": 0, "bytes": 0,
    }  # fmt: skip
    assert asked(service) == [], "a short list of ids, no page"
    elsewhere = refresh_materials_project(SecretStr(KEY), where.model_copy(update={"home": where.home / "other"}), Quiet())
    assert elsewhere.snapshot.id == new.id and elsewhere.snapshot.manifest["pull"]["kind"] == "full"


def test_nothing_new_costs_one_heartbeat(
    service: MaterialsProjectServer, refresh: Refresh, where: Settings, old: Snapshot
) -> None:
    service.database.version = old.manifest["origin"]["database_version"]
    before = len(Ledger(where.home).entries())
    done = refresh()
    assert (done.news, done.snapshot.id) == (False, old.id)
    assert [path for path, _ in service.log] == ["/heartbeat"]
    *earlier, entry = Ledger(where.home).entries()
    assert (len(earlier), entry.job, entry.state) == (before, "refresh", DONE), "an alarm looks for the last good refresh"


def test_a_new_series_of_the_software_pulls_everything(service: MaterialsProjectServer, refresh: Refresh, old: Snapshot) -> None:
    service.database.software = "0.88.0"
    assert refresh().snapshot.manifest["pull"]["kind"] == "full"


def test_a_damaged_snapshot_is_no_base(service: MaterialsProjectServer, refresh: Refresh, where: Settings, old: Snapshot) -> None:
    service.database.version = old.manifest["origin"]["database_version"]
    crystals = where.snapshots / old.id / "crystals.parquet"
    crystals.write_bytes(crystals.read_bytes()[:-1])
    done = refresh()
    assert done.news and done.snapshot.id == old.id
    done.snapshot.verify()


def test_a_damaged_checkpoint_is_fetched_again(
    service: MaterialsProjectServer, refresh: Refresh, where: Settings, expected: str
) -> None:
    service.faults[("page", 6)] = Fault(503, times=99)
    with pytest.raises(Unavailable):
        refresh()
    page = where.work / "materials-project" / "page" / "page-00002.json.gz"
    content = bytearray(page.read_bytes())
    content[len(content) // 2] ^= 1
    page.write_bytes(content)
    service.forget()
    assert refresh().snapshot.id == expected
    assert asked(service) == [2, 6]


def test_a_stopped_pull_of_what_moved_goes_on_where_most_has_moved(
    service: MaterialsProjectServer, refresh: Refresh, materials: Documents, old: Snapshot
) -> None:
    """Then whole pages come, after a listing that the next refresh begins with again."""
    for document in materials:
        service.database.put({**document, "last_updated": "2026-10-20T00:00:00Z"})
    service.faults[("page", 5)] = Fault(503, times=99)
    with pytest.raises(Unavailable, match="page 5"):
        refresh()
    service.forget()
    assert refresh().snapshot.manifest["pull"]["kind"] == "full"
    assert asked(service) == [5, 6], "the pages of before are there"


@pytest.fixture(scope="module")
def fleet() -> BaseContext:
    """Processes that start at once, since their parent has loaded the libraries."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["mp_api.client.routes.materials.summary", "tests.faults.refreshing.test_interrupted"])
    return context


def refresh_in_process(where: dict[str, Any], full: bool) -> None:
    refresh_materials_project(SecretStr(KEY), Settings(**where), Quiet(), full)


def die_on_file(where: dict[str, Any], moment: str) -> None:
    """Refresh, and be killed as soon as a file of that name is opened in the folder of the coming snapshot."""
    import sys

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and ".building-" in str(arguments[0]) and moment in str(arguments[0]):
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    refresh_materials_project(SecretStr(KEY), Settings(**where), Quiet(), True)


def test_the_database_counts_what_it_holds(materials: Documents) -> None:
    assert len(Database(materials)) == len(materials)
