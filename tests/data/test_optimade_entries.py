"""OPTIMADE structure entries to crystals: the same crystal, or the right reason."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from data.cif.disorder import Disorder
from data.crystal import Crystal
from data.rejection import Reason, Rejection
from data.sources.optimade.entries import read_entry
from data.sources.starter import StarterSource
from tests.servers.optimade import entry_of

SAME_PLACE_A = 1e-9
A = 4.445  # Å
FULL_MN = {"name": "Mn", "chemical_symbols": ["Mn"], "concentration": [1.0]}
FULL_O = {"name": "O", "chemical_symbols": ["O"], "concentration": [1.0]}
MNO: dict[str, Any] = {
    "lattice_vectors": [[A, 0, 0], [0, A, 0], [0, 0, A]],
    "cartesian_site_positions": [[0, 0, 0], [A / 2, A / 2, A / 2]],
    "species": [FULL_MN, FULL_O],
    "species_at_sites": ["Mn", "O"],
    "structure_features": [],
    "assemblies": None,
    "nperiodic_dimensions": 3,
    "nsites": 2,
    "chemical_formula_reduced": "MnO",
}


def entry(**changes: Any) -> dict[str, Any]:
    return {"type": "structures", "id": "x-1", "attributes": copy.deepcopy(MNO) | changes}


def read(disorder: Disorder = Disorder.REJECT, **changes: Any) -> Crystal | Rejection:
    return read_entry(entry(**changes), "page", 0, disorder)


def species(*symbols_and_shares: tuple[str, float], name: str = "Mn") -> list[dict[str, Any]]:
    symbols, shares = zip(*symbols_and_shares, strict=True)
    return [{"name": name, "chemical_symbols": list(symbols), "concentration": list(shares)}, FULL_O]


def starter() -> list[Crystal]:
    source = StarterSource()
    return [item.crystal for shard in source.shards() for item in source.read(shard)]  # type: ignore[union-attr]


def test_every_starter_crystal_comes_back() -> None:
    for crystal in starter():
        found = read_entry(entry_of(crystal), "page", 0, Disorder.REJECT)
        assert isinstance(found, Crystal), found
        assert found.id == crystal.id and found.formula == crystal.formula
        assert found.lattice.tolist() == crystal.lattice.tolist()
        assert found.numbers.tolist() == crystal.numbers.tolist()
        apart = found.frac - crystal.frac
        assert np.abs((apart - np.rint(apart)) @ crystal.lattice).max() < SAME_PLACE_A


def test_a_left_handed_skewed_cell_keeps_its_distances() -> None:
    lattice = np.array([[0.0, A, 0.3], [A, 0.2, 0], [0.1, 0, A]])
    positions = np.array([[0.1, 0.2, 0.3], [0.6, 0.7, 0.9]]) @ lattice
    found = read(lattice_vectors=lattice.tolist(), cartesian_site_positions=positions.tolist())
    assert isinstance(found, Crystal)
    assert np.linalg.det(found.lattice) < 0
    apart = (found.frac @ found.lattice - positions) @ np.linalg.inv(lattice)
    assert np.abs(apart - np.rint(apart)).max() < SAME_PLACE_A


def test_a_species_may_be_listed_twice() -> None:
    assert isinstance(read(species=[FULL_MN, FULL_O, FULL_MN]), Crystal)


def test_species_may_be_left_out_and_deuterium_is_hydrogen() -> None:
    found = read(species=None, species_at_sites=["D", "O"], chemical_formula_reduced="HO")
    assert isinstance(found, Crystal) and found.numbers.tolist() == [1, 8]


REASONS = [
    (Reason.PARTIAL_OCCUPANCY, {"species": species(("Mn", 0.5), ("Fe", 0.5)), "structure_features": ["disorder"]}),
    (Reason.PARTIAL_OCCUPANCY, {"species": species(("Mn", 0.5), ("Fe", 0.5))}),  # not announced, and yet
    (Reason.PARTIAL_OCCUPANCY, {"species": species(("Mn", 0.9), ("vacancy", 0.1)), "structure_features": ["disorder"]}),
    (Reason.PARTIAL_OCCUPANCY, {
        "assemblies": [{"sites_in_groups": [[0], [1]], "group_probabilities": [0.5, 0.5]}],
        "structure_features": ["assemblies"]}),
    (Reason.MISSING_ATOMS, {"structure_features": ["implicit_atoms"]}),
    (Reason.MISSING_ATOMS, {"structure_features": ["site_attachments"]}),
    (Reason.MISSING_ATOMS, {"species": [FULL_MN | {"attached": ["H"], "nattached": [3]}, FULL_O]}),
    (Reason.MISSING_ATOMS, {"chemical_formula_reduced": "HMnO"}),
    (Reason.MISSING_ATOMS, {"site_coordinate_span": "asymmetric_unit"}),
    (Reason.UNKNOWN_ELEMENT, {"species": species(("X", 1.0))}),
    (Reason.NO_CELL, {"nperiodic_dimensions": 2}),
    (Reason.NO_CELL, {"lattice_vectors": None}),
    (Reason.NO_CELL, {"lattice_vectors": [[A, 0, 0], [0, A, 0], [None, None, None]]}),
    (Reason.NO_CELL, {"lattice_vectors": [[A, 0, 0], [0, A, 0], [A, A, 0]]}),
    (Reason.NO_SITES, {"cartesian_site_positions": [], "species_at_sites": [], "nsites": 0}),
    (Reason.NO_SITES, {"cartesian_site_positions": None}),
    (Reason.BAD_COORDINATES, {"cartesian_site_positions": [[0, 0, 0], [None, 0, 0]]}),
    (Reason.OVERLAPPING_SITES, {"cartesian_site_positions": [[0, 0, 0], [0.2, 0, 0]]}),
    (Reason.TOO_LARGE, {"cartesian_site_positions": [[0, 0, 0]] * 2001, "species_at_sites": ["Mn"] * 2001, "nsites": 2001}),
    (Reason.NOT_OPTIMADE, {"nsites": 3}),
    (Reason.NOT_OPTIMADE, {"species_at_sites": ["Mn"]}),
    (Reason.NOT_OPTIMADE, {"species_at_sites": ["Mn", "Q"]}),
    (Reason.NOT_OPTIMADE, {"structure_features": ["quasicrystal"]}),
    (Reason.NOT_OPTIMADE, {"structure_features": ["assemblies"]}),
    (Reason.NOT_OPTIMADE, {"assemblies": [{"sites_in_groups": [[7]], "group_probabilities": [0.9]}]}),
    (Reason.NOT_OPTIMADE, {"species": [{"name": "Mn"}]}),
    (Reason.NOT_OPTIMADE, {"species": [FULL_MN, *species(("Fe", 1.0))], "chemical_formula_reduced": None}),
    (Reason.NOT_OPTIMADE, {"cartesian_site_positions": ["a", "b"]}),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "changes"), REASONS, ids=[f"{r}-{k}" for k, (r, _) in enumerate(REASONS)])
def test_the_reason(reason: Reason, changes: dict[str, Any]) -> None:
    found = read(**changes)
    assert isinstance(found, Rejection), found
    assert found.reason is reason and found.detail and found.candidate_id == "x-1" and found.block == "0"


@pytest.mark.parametrize(
    "broken", [None, 3, "entry", [], {}, {"id": "a"}, {"id": "a", "attributes": None}, {"id": "a", "attributes": []}]
)
def test_what_is_no_entry(broken: Any) -> None:
    found = read_entry(broken, "page", 4, Disorder.REJECT)
    assert isinstance(found, Rejection) and found.reason is Reason.NOT_OPTIMADE and found.candidate_id


def test_the_majority_takes_a_shared_site() -> None:
    found = read(Disorder.MAJORITY, species=species(("Fe", 0.3), ("Mn", 0.7)), structure_features=["disorder"])
    assert isinstance(found, Crystal)
    assert found.numbers.tolist() == [25, 8] and "majority" in found.note


def test_a_site_that_is_mostly_empty_has_no_majority() -> None:
    found = read(Disorder.MAJORITY, species=species(("vacancy", 0.6), ("Mn", 0.4)), structure_features=["disorder"])
    assert isinstance(found, Rejection) and found.reason is Reason.PARTIAL_OCCUPANCY


def test_the_majority_takes_the_likelier_group_of_an_assembly() -> None:
    found = read(
        Disorder.MAJORITY,
        cartesian_site_positions=[[0, 0, 0], [A / 2, A / 2, A / 2], [A / 2, A / 2, A / 2 + 0.4]],
        species_at_sites=["Mn", "O", "O"], nsites=3, structure_features=["assemblies"],
        assemblies=[{"sites_in_groups": [[1], [2]], "group_probabilities": [0.2, 0.8]}],
    )  # fmt: skip
    assert isinstance(found, Crystal)
    assert found.n_sites == 2
    assert found.frac[1, 2] == pytest.approx((A / 2 + 0.4) / A)
    assert "likelier sites" in found.note
