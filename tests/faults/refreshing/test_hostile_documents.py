"""One document of whatever content is one row in quarantine, never the end of a refresh."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from data.rejection import Rejection
from data.sources.materials_project.documents import narrow
from data.sources.materials_project.source import read_document
from tests.faults.refreshing.conftest import Refresh
from tests.servers.materials_project import MaterialsProjectServer

Documents = list[dict[str, Any]]


def oxygen(base: dict[str, Any], atoms: int) -> dict[str, Any]:
    """A row of oxygen atoms, 2.2 Å apart, with 1.5 µB each: the service counts per O2."""
    site = {"species": [{"element": "O", "occu": 1}], "properties": {}, "label": "O"}
    made = copy.deepcopy(base) | {
        "material_id": "mp-7654321", "nsites": atoms, "total_magnetization": 1.5 * atoms, "ordering": "FM", "is_magnetic": True,
        "num_magnetic_sites": atoms, "total_magnetization_normalized_vol": 1.5 / 2.2**3,
        "total_magnetization_normalized_formula_units": 3.0,
    }  # fmt: skip
    made["structure"]["lattice"]["matrix"] = [[2.2 * atoms, 0, 0], [0, 2.2, 0], [0, 0, 2.2]]
    made["structure"]["sites"] = [{**site, "abc": [k / atoms, 0, 0], "xyz": [2.2 * k, 0, 0]} for k in range(atoms)]
    return made


@pytest.mark.parametrize("atoms", [1, 2, 3])
def test_half_a_formula_unit(service: MaterialsProjectServer, refresh: Refresh, materials: Documents, atoms: int) -> None:
    service.database.add(oxygen(materials[0], atoms))
    snapshot = refresh().snapshot
    assert snapshot.manifest["quarantined"] == 0 and snapshot.manifest["crystals"] == len(materials) + 1


@pytest.mark.parametrize("shift", [0.0, 0.04])
def test_atoms_on_each_other(service: MaterialsProjectServer, refresh: Refresh, materials: Documents, shift: float) -> None:
    twice = copy.deepcopy(materials[0])
    twin = copy.deepcopy(twice["structure"]["sites"][0])
    twin["abc"] = [x + shift for x in twin["abc"]]
    twice["structure"]["sites"].append(twin)
    service.database.put(twice)
    assert refresh().snapshot.manifest["quarantined_by_reason"] == {"overlapping_sites": 1}


@pytest.mark.parametrize(
    "change",
    [
        {"structure": {"lattice": {"matrix": [[1e200, 0, 0], [0, 1e200, 0], [0, 0, 1e200]]}, "sites": []}},
        {"nsites": {"a": 1}},
        {"structure": {"lattice": {"matrix": [[9000, 0, 0], [0, 9000, 0], [0, 0, 9000]]}, "sites": "abc"}},
    ],
    ids=["huge cell", "nsites an object", "sites a text"],
)
def test_whatever_a_document_holds(
    service: MaterialsProjectServer, refresh: Refresh, materials: Documents, change: dict[str, Any]
) -> None:
    service.database.put({**materials[5], **change})
    snapshot = refresh().snapshot
    assert snapshot.manifest["crystals"] == len(materials) - 1
    (row,) = snapshot.quarantine().to_pylist()
    assert row["reason"] and row["detail"]


@pytest.mark.parametrize(
    "raw", [None, 3, [], "text", {"material_id": "mp-1", "structure": "\ud800"}, {"material_id": {1: 2}, 3: 4}]
)
def test_what_cannot_be_narrowed_is_a_rejection(raw: Any) -> None:
    found = read_document(narrow(raw))
    assert isinstance(found, Rejection) and found.candidate_id and found.detail
    found.candidate_id.encode()
