"""Sound answers with odd content: what cannot be used is counted and named, too much of it stops everything."""

from __future__ import annotations

import json
from typing import Any

import pytest

from data.errors import UserError
from data.snapshot import Snapshot, list_snapshots
from data.sources.materials_project.state import ALIASES_FILE, DOCUMENTS_FILE, TOMBSTONES_FILE, read_documents, read_tombstones
from pipeline.settings import Settings
from tests.faults.refreshing.conftest import Refresh
from tests.servers.materials_project import MaterialsProjectServer, number_of

PLACES = {"first": 2, "middle": 17, "last": 36}  # of 38 materials, on pages 1, 3 and 6
everywhere = pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
Documents = list[dict[str, Any]]


def without(document: dict[str, Any], name: str) -> dict[str, Any]:
    return {k: v for k, v in document.items() if k != name}


def spoilt(document: dict[str, Any], change: str) -> dict[str, Any]:
    """A document as a service sends it whose schema moved, or whose calculation went wrong."""
    structure, total = document["structure"], document["total_magnetization"]
    site = structure["sites"][0]
    match change:
        case "moment missing":
            return without(document, "total_magnetization")
        case "moment renamed":
            return {**without(document, "total_magnetization"), "_unasked": {"magnetization_total": total}}
        case "moment as text":
            return {**document, "total_magnetization": f"{total} muB"}
        case "no structure":
            return {**document, "structure": None}
        case "structure of another kind":
            return {**document, "structure": "Fe2O3"}
        case "no lattice":
            return {**document, "structure": without(structure, "lattice")}
        case "flat lattice":
            return {**document, "structure": {**structure, "lattice": {"matrix": [[1, 0, 0], [0, 1, 0], [1, 1, 0]]}}}
        case "shared site":
            shared = {**site, "species": [{"element": "Fe", "occu": 0.5}, {"element": "Co", "occu": 0.5}]}
            return {**document, "structure": {**structure, "sites": [shared, *structure["sites"][1:]]}}
        case "dummy element":
            dummy = {**site, "species": [{"element": "Xx", "occu": 1}]}
            return {**document, "structure": {**structure, "sites": [dummy, *structure["sites"][1:]]}}
        case "another cell's moment":
            return {**document, "total_magnetization": 2 * total + 5}
        case "non-magnetic with a moment":
            n = document["nsites"]
            volume = structure["lattice"]["volume"]
            scaled = {"total_magnetization": 2.0 * n, "total_magnetization_normalized_vol": 2.0 * n / volume}
            return {
                **document,
                **scaled,
                "total_magnetization_normalized_formula_units": None,
                "ordering": "NM",
            }
        case "site moments of another calculation":
            sites = [{**s, "properties": {"magmom": 4.0}} for s in structure["sites"]]
            zero = dict.fromkeys([n for n in document if n.startswith("total_magnetization")], 0.0)
            return {
                **document,
                **zero,
                "is_magnetic": None,
                "num_magnetic_sites": None,
                "structure": {**structure, "sites": sites},
            }
    raise ValueError(change)


REASONS = {
    "moment missing": "missing_value",
    "moment renamed": "missing_value",
    "moment as text": "bad_label",
    "no structure": "missing_value",
    "structure of another kind": "bad_coordinates",
    "no lattice": "bad_coordinates",
    "flat lattice": "no_cell",
    "shared site": "bad_coordinates",
    "dummy element": "bad_coordinates",
    "another cell's moment": "contradictory_label",
    "non-magnetic with a moment": "contradictory_label",
    "site moments of another calculation": "contradictory_label",
}


@everywhere
@pytest.mark.parametrize("change", REASONS)
def test_one_odd_document_is_quarantined(
    service: MaterialsProjectServer, refresh: Refresh, materials: Documents, change: str, place: int
) -> None:
    service.database.put(spoilt(materials[place], change))
    snapshot = refresh().snapshot
    (row,) = snapshot.quarantine().to_pylist()
    assert (row["candidate_id"], row["reason"]) == (materials[place]["material_id"], REASONS[change])
    assert row["detail"]
    assert snapshot.manifest["quarantined_by_reason"] == {REASONS[change]: 1}
    assert snapshot.manifest["crystals"] == len(materials) - 1


@pytest.mark.parametrize("change", ["moment renamed", "no lattice"])
def test_a_schema_that_moved_stops_everything(
    service: MaterialsProjectServer, refresh: Refresh, where: Settings, materials: Documents, old: Snapshot, change: str
) -> None:
    for document in materials[::4]:
        service.database.put({**spoilt(document, change), "last_updated": "2026-10-20T00:00:00Z"})
    with pytest.raises(UserError, match=r"10 of 38 records .* cannot be used .* the old snapshot stays"):
        refresh()
    assert [s.id for s in list_snapshots(where.snapshots)] == [old.id]
    allowed = refresh(max_quarantine=0.5).snapshot
    assert allowed.manifest["quarantined"] == 10


@everywhere
def test_unknown_fields_are_kept_aside(
    service: MaterialsProjectServer, refresh: Refresh, materials: Documents, place: int
) -> None:
    identifier = materials[place]["material_id"]
    service.database.put({**materials[place], "_unasked": {"curie_temperature_K": 300}})
    snapshot = refresh().snapshot
    kept = {d.material_id: json.loads(d.text) for d in read_documents(snapshot.folder / DOCUMENTS_FILE)}
    assert kept[identifier]["other"] == {"curie_temperature_K": 300}
    assert snapshot.manifest["crystals"] == len(materials)


@everywhere
def test_a_repeated_id(
    service: MaterialsProjectServer, refresh: Refresh, materials: Documents, expected: str, place: int
) -> None:
    """The service holds it twice: one is kept, the other counted, and the next refresh sees nothing new in it."""
    service.database.add({**materials[place], "energy_above_hull": 7.0})
    snapshot = refresh().snapshot
    assert snapshot.manifest["crystals"] == len(materials)
    assert snapshot.manifest["quarantined_by_reason"] == {"duplicate_id": 1}
    service.database.version = "2026.11.1"
    assert refresh().snapshot.manifest["pull"]["fetched"] == 0


@everywhere
def test_both_forms_of_an_id(service: MaterialsProjectServer, refresh: Refresh, materials: Documents, place: int) -> None:
    """`mp-149` and `mp-ft` are one material, whichever of them the service sends, or both of them."""
    from emmet.core.mpid import AlphaID

    number = materials[place]["material_id"]
    letters = str(AlphaID(number))
    assert number_of(letters) == number != letters
    service.database.remove(number)
    service.database.put({**materials[place], "material_id": letters})
    first = refresh().snapshot
    assert sorted(first.table(["material_id"]).column(0).to_pylist()) == sorted(d["material_id"] for d in materials)
    import pyarrow.parquet as pq

    aliases = {row["alias"]: row["material_id"] for row in pq.read_table(first.folder / ALIASES_FILE).to_pylist()}
    assert aliases[letters] == number and len(aliases) == len(materials)

    service.database.put(materials[place])  # and now both
    service.database.version = "2026.11.1"
    second = refresh().snapshot
    assert second.manifest["crystals"] == len(materials)
    assert second.manifest["quarantined_by_reason"] == {"duplicate_id": 1}
    service.database.remove(letters)
    service.database.version = "2026.11.2"
    third = refresh().snapshot
    assert third.manifest["quarantined"] == 0 and third.manifest["pull"]["tombstones"] == 0


@everywhere
@pytest.mark.parametrize("hides", [True, False])
def test_deprecated_and_vanished(
    service: MaterialsProjectServer, refresh: Refresh, materials: Documents, old: Snapshot, place: int, hides: bool
) -> None:
    """Whether the service leaves deprecated materials out, as asked, or sends them flagged."""
    service.database.hides_deprecated = hides
    deprecated, vanished = materials[place]["material_id"], materials[place - 1]["material_id"]
    service.database.put({**materials[place], "deprecated": True, "last_updated": "2026-10-20T00:00:00Z"})
    service.database.remove(vanished)
    for version, full in (("2026.11.1", False), ("2026.11.2", True)):
        service.database.version = version
        new = refresh(full=full).snapshot
        assert new.manifest["crystals"] == len(materials) - 2
        buried = {t.material_id: (t.reason, t.database_version) for t in read_tombstones(new.folder / TOMBSTONES_FILE)}
        assert buried == {deprecated: ("deprecated", "2026.11.1"), vanished: ("vanished", "2026.11.1")}
    service.database.put(materials[place])  # it is back
    service.database.version = "2026.11.3"
    last = refresh().snapshot
    assert last.manifest["crystals"] == len(materials) - 1
    assert [t.material_id for t in read_tombstones(last.folder / TOMBSTONES_FILE)] == [vanished]


def test_too_many_gone_at_once(
    service: MaterialsProjectServer, refresh: Refresh, where: Settings, materials: Documents, old: Snapshot
) -> None:
    for document in materials[::4]:
        service.database.remove(document["material_id"])
    with pytest.raises(UserError, match=r"10 of 38 materials are gone .* the old snapshot stays"):
        refresh()
    assert [s.id for s in list_snapshots(where.snapshots)] == [old.id]
    assert refresh(max_withdrawn=0.5).snapshot.manifest["pull"]["tombstones"] == 10
