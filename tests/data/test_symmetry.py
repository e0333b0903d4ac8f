"""Symmetry: known crystals, and the same answer for every cell, origin, orientation and site order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.crystal import Crystal, make_crystal
from data.symmetry import ENANTIOMORPH, SymmetricCell, symmetrise
from tests.contract.crystals import hand_built, permuted, random_rotation, rebased, rotated, supercell, translated

VOLUME_TOLERANCE = 1e-6  # relative, per atom; symmetrising exact input only rounds
ALL = sorted(hand_built())
KNOWN = {  # space group, (atomic number, multiplicity in the primitive cell) of each orbit
    "Fe": (229, [(26, 1)]),
    "Ni": (225, [(28, 1)]),
    "MnO": (225, [(8, 1), (25, 1)]),
    "Co2MnSi": (225, [(14, 1), (25, 1), (27, 2)]),
    "MnF2": (136, [(9, 4), (25, 2)]),
    "MnSi": (198, [(14, 4), (25, 4)]),
    "SmCo5": (191, [(27, 2), (27, 3), (62, 1)]),
    "CuFeO triclinic": (1, [(8, 1), (8, 1), (26, 1), (29, 1)]),
}

seeds = st.integers(0, 2**32 - 1)
names = st.sampled_from(ALL)
shears = st.tuples(st.permutations([0, 1, 2]), st.integers(-2, 2), st.integers(-1, 1), st.sampled_from([1, -1]))


def orbits(cell: SymmetricCell) -> list[tuple[int, int]]:
    """(atomic number, multiplicity) of each orbit, sorted."""
    return sorted(zip(cell.numbers[cell.representatives].tolist(), cell.multiplicities.tolist(), strict=True))


def volume_per_atom(cell: SymmetricCell) -> float:
    return float(abs(np.linalg.det(cell.lattice))) / len(cell.numbers)


def assert_same_symmetry(crystal: Crystal, name: str) -> None:
    found, expected = symmetrise(crystal), symmetrise(hand_built()[name])
    assert found.exact and expected.exact
    assert found.space_group == expected.space_group
    assert orbits(found) == orbits(expected)
    assert volume_per_atom(found) == pytest.approx(volume_per_atom(expected), rel=VOLUME_TOLERANCE)


def unimodular(shear: tuple[list[int], int, int, int]) -> list[list[int]]:
    order, first, second, sign = shear
    mixed = np.array([[1, first, 0], [0, 1, second], [0, 0, sign]])
    return mixed[order].tolist()


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_known_crystals(name: str) -> None:
    group, expected = KNOWN[name]
    cell = symmetrise(hand_built()[name])
    assert cell.exact
    assert cell.space_group == group
    assert orbits(cell) == expected
    assert volume_per_atom(cell) == pytest.approx(hand_built()[name].volume / hand_built()[name].n_sites, rel=VOLUME_TOLERANCE)


@settings(max_examples=60)
@given(names, seeds, st.sampled_from([1, -1]), st.tuples(*[st.floats(-3, 3)] * 3), shears)
def test_motion_order_and_basis_do_not_matter(
    name: str, seed: int, handedness: int, shift: tuple[float, float, float], shear: tuple[list[int], int, int, int]
) -> None:
    moved = rotated(hand_built()[name], random_rotation(seed, handedness))
    assert_same_symmetry(permuted(rebased(translated(moved, shift), unimodular(shear)), seed), name)


@pytest.mark.parametrize("repeats", [(1, 1, 2), (2, 1, 1), (2, 2, 2), (1, 3, 1)])
@pytest.mark.parametrize("name", ALL)
def test_supercells_do_not_matter(name: str, repeats: tuple[int, int, int]) -> None:
    assert_same_symmetry(permuted(supercell(hand_built()[name], repeats), 1), name)


@pytest.mark.parametrize("name", ALL)
def test_the_primitive_cell_is_its_own_primitive_cell(name: str) -> None:
    cell = symmetrise(hand_built()[name])
    assert_same_symmetry(Crystal(name, cell.lattice, cell.frac, cell.numbers), name)


@pytest.mark.parametrize("name", ALL)
def test_noise_below_the_tolerance_is_taken_out(name: str) -> None:
    crystal = hand_built()[name]
    noise = np.random.default_rng(7).normal(scale=5e-4, size=crystal.frac.shape)  # Å
    noisy = replace(crystal, frac=crystal.frac + noise @ np.linalg.inv(crystal.lattice))
    assert_same_symmetry(noisy, name)


@pytest.mark.parametrize("name", ALL)
def test_orbits_partition_the_sites(name: str) -> None:
    cell = symmetrise(hand_built()[name])
    assert sorted(set(cell.orbit.tolist())) == list(range(len(cell.representatives)))
    assert cell.multiplicities.sum() == len(cell.numbers)
    assert (cell.orbit[cell.representatives] == np.arange(len(cell.representatives))).all()
    for k, site in enumerate(cell.representatives):
        assert (cell.numbers[cell.orbit == k] == cell.numbers[site]).all()
    assert ((cell.frac >= 0) & (cell.frac < 1)).all()


def test_one_element_on_two_orbits_stays_on_two() -> None:
    cell = symmetrise(hand_built()["SmCo5"])
    assert sorted(cell.multiplicities[cell.numbers[cell.representatives] == 27].tolist()) == [2, 3]


def assert_fell_back(cell: SymmetricCell, crystal: Crystal) -> None:
    assert not cell.exact
    assert cell.space_group == 1
    assert cell.orbit.tolist() == list(range(crystal.n_sites))
    assert (cell.lattice == crystal.lattice).all() and (cell.numbers == crystal.numbers).all()
    np.testing.assert_allclose(cell.frac, crystal.frac % 1.0)


def test_symmetry_that_would_deform_the_crystal_falls_back() -> None:
    lattice = [[4.38, 0.21, 0.19], [-0.11, 4.22, -0.03], [0.36, 0.04, 3.82]]
    crooked = make_crystal("crooked", lattice, [[0.01, 0.04, 0.01], [0.52, 0.5, 0.46]], [26, 26])
    assert_fell_back(symmetrise(crooked, symprec_A=1.0), crooked)  # tetragonal at this tolerance, with 1.06 % more volume
    assert symmetrise(crooked).exact, "at the usual tolerance it keeps its own low symmetry"


def test_two_atoms_on_one_place_fall_back() -> None:
    double = make_crystal("double", 3.0 * np.eye(3), [[0, 0, 0], [0, 0, 0]], [26, 26])
    assert_fell_back(symmetrise(double), double)


def test_a_tolerance_that_no_search_accepts_falls_back() -> None:
    assert_fell_back(symmetrise(hand_built()["MnSi"], symprec_A=0.0), hand_built()["MnSi"])


def test_the_groups_of_a_pair_are_mirror_images() -> None:
    """Their operations differ by inversion: the rotations are the same, the translations opposite, up to the origin."""
    import spglib

    types = [spglib.get_spacegroup_type(hall) for hall in range(1, 531)]
    first: dict[int, int] = {}
    for hall, told in enumerate(types, start=1):
        first.setdefault(told.number, hall)
    assert len(ENANTIOMORPH) == 11 and not ENANTIOMORPH.keys() & set(ENANTIOMORPH.values())
    for right, left in ENANTIOMORPH.items():
        given = spglib.get_symmetry_from_database(first[right])
        found = spglib.get_spacegroup_type_from_symmetry(given["rotations"], -given["translations"], np.eye(3))
        assert found.number == left
