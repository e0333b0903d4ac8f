"""Every way in which an answer can be broken, at every place: the new snapshot is complete, or the old one stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from data.errors import Refused, Unavailable
from data.snapshot import Snapshot, list_snapshots
from pipeline.settings import Settings
from tests.faults.refreshing.conftest import PAGE_SIZE, Refresh
from tests.servers.materials_project import Fault, MaterialsProjectServer

PLACES = {"first": 1, "middle": 3, "last": 6}
FAULTS: dict[str, Callable[[], Fault]] = {
    "429": lambda: Fault(429),
    "429 with Retry-After": lambda: Fault(429, headers={"Retry-After": "0.1"}),
    "500": lambda: Fault(500),
    "502": lambda: Fault(502),
    "503": lambda: Fault(503),
    "504": lambda: Fault(504),
    "time-out": lambda: Fault("silent", seconds=0.6),
    "cut connection": lambda: Fault("cut"),
    "truncated JSON": lambda: Fault("truncated"),
    "HTML": lambda: Fault("html"),
    "a row too few": lambda: Fault("fewer rows"),
    "wrong total": lambda: Fault("wrong total"),
    "no data": lambda: Fault("no data"),
    "rows that are none": lambda: Fault("other rows"),
}
both = pytest.mark.parametrize("fault", FAULTS)
everywhere = pytest.mark.parametrize("place", PLACES)


def asked(service: MaterialsProjectServer) -> list[int]:
    """Numbers of the document pages that were asked for."""
    return [int(query["_page"]) for _, query in service.log if "structure" in query.get("_fields", "") and "_page" in query]


@both
@everywhere
def test_a_passing_fault_costs_nothing(
    service: MaterialsProjectServer, refresh: Refresh, expected: str, fault: str, place: str
) -> None:
    service.faults[("page", PLACES[place])] = FAULTS[fault]()
    assert refresh().snapshot.id == expected
    pages = list(range(1, 7))
    assert asked(service) == sorted([*pages, PLACES[place]]), "the broken page twice, every other one once"


@both
@everywhere
def test_a_lasting_fault_leaves_the_old_snapshot(
    service: MaterialsProjectServer, where: Settings, refresh: Refresh, old: Snapshot, fault: str, place: str
) -> None:
    """And the next refresh asks only for the pages that are missing."""
    service.faults[("page", PLACES[place])] = lasting = FAULTS[fault]()
    lasting.times = 99
    with pytest.raises(Unavailable, match="Materials Project, page"):
        refresh(full=True)
    assert [s.id for s in list_snapshots(where.snapshots)] == [old.id]
    old.verify()
    service.forget()
    new = refresh(full=True).snapshot
    new.verify()
    assert new.id != old.id and new.table().equals(old.table())
    assert asked(service) == list(range(PLACES[place], 7))
    assert sorted(path.name for path in where.snapshots.iterdir() if path.is_dir()) == sorted([old.id, new.id])


@pytest.mark.parametrize("kind", ["heartbeat", "count", "list", "ids"])
@pytest.mark.parametrize("fault", ["429", "time-out", "cut connection", "HTML"])
def test_the_other_questions(
    service: MaterialsProjectServer, refresh: Refresh, where: Settings, old: Snapshot, kind: str, fault: str
) -> None:
    """The release, the number of materials, what moved, and what changed: asked again after a fault, given up after many."""
    moved = service.database.get("mp-1000")
    service.database.put({**moved, "last_updated": "2026-10-20T00:00:00Z"})
    for times in (99, 1):
        service.forget()
        for number in range(1, times + 1):
            service.faults[(kind, 1 if kind == "list" else number)] = FAULTS[fault]()
            service.faults[(kind, 1 if kind == "list" else number)].times = times
        if times > 1:
            with pytest.raises(Unavailable, match="given up after 3 attempts"):
                refresh()
            assert [s.id for s in list_snapshots(where.snapshots)] == [old.id]
    new = refresh().snapshot
    assert new.manifest["pull"]["kind"] == "incremental" and new.manifest["pull"]["fetched"] == 1
    assert new.table().equals(old.table())


@pytest.mark.parametrize("status", [401, 403, 400, 404, 422])
def test_a_refusal_is_not_repeated(service: MaterialsProjectServer, refresh: Refresh, status: int) -> None:
    service.faults[("page", 2)] = Fault(status, times=99)
    with pytest.raises(Refused, match=str(status)):
        refresh()
    assert asked(service) == [1, 2]


def test_a_retry_after_that_is_too_long_ends_it(service: MaterialsProjectServer, refresh: Refresh) -> None:
    service.faults[("page", 2)] = Fault(429, headers={"Retry-After": "3600"}, times=99)
    with pytest.raises(Unavailable, match="asks to come back in 3600 s"):
        refresh()
    assert asked(service) == [1, 2]


def test_a_server_that_sends_a_byte_now_and_then(service: MaterialsProjectServer, refresh: Refresh, expected: str) -> None:
    """It never times out by itself; the attempt as a whole does."""
    service.faults[("page", 2)] = Fault("dripping", seconds=30)
    assert refresh(mp_call_s=1.5).snapshot.id == expected


def test_an_id_that_no_library_knows(service: MaterialsProjectServer, refresh: Refresh, materials: list[dict[str, Any]]) -> None:
    """It stays as it is, and does not stop a refresh that cannot ask for it."""
    service.database.put({**materials[0], "material_id": "agm_OLD#7"})
    first = refresh().snapshot
    service.database.version = "2026.11.1"
    service.database.remove("agm_OLD#7")
    second = refresh().snapshot
    assert "agm_OLD#7" in first.table(["material_id"]).column(0).to_pylist()
    assert second.manifest["crystals"] == len(materials) and second.manifest["pull"]["tombstones"] == 1


def test_pages_are_as_long_as_they_should_be(materials: list[dict[str, Any]]) -> None:
    assert (len(materials), PAGE_SIZE, max(PLACES.values())) == (38, 7, 6)
