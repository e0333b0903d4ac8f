"""Orbits and space groups of crystals that have their symmetry only nearly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from data.crystal import Crystal
from data.symmetry import SymmetricCell, alike, group_within, nearly_primitive, symmetrise
from tests.contract.crystals import hand_built, of_space_group

ROCK_SALT = of_space_group("Fm-3m", Lattice.cubic(4.4), ["Mn", "O"], [[0, 0, 0], [0.5, 0.5, 0.5]])
IRON = of_space_group("Im-3m", Lattice.cubic(2.866), ["Fe"], [[0, 0, 0]])


def cell_of(structure: Structure) -> SymmetricCell:
    return symmetrise(Crystal.from_pymatgen(structure, "x"))


def moved(by_A: float) -> SymmetricCell:
    """A doubled cell of rock salt, one manganese atom of which is shifted along an axis."""
    doubled = ROCK_SALT.make_supercell([2, 1, 1], in_place=False)
    doubled.translate_sites([0], [0, 0, by_A], frac_coords=False)
    return cell_of(doubled)


def orbits(cell: SymmetricCell, joined: np.ndarray) -> set[tuple[int, int]]:
    """(atomic number, sites) of each joined orbit."""
    named = {int(k): np.flatnonzero(joined == k) for k in np.unique(joined)}
    assert sorted(named) == list(range(len(named)))
    assert all(len(set(cell.numbers[sites].tolist())) == 1 for sites in named.values())
    return {(int(cell.numbers[sites[0]]), len(sites)) for sites in named.values()}


def test_a_shift_below_the_tolerance_joins_what_it_split() -> None:
    near = moved(0.05)
    assert len(near.multiplicities) > 4
    assert orbits(near, alike(near, near.numbers, 0.1)) == {(25, 8), (8, 8)}
    assert orbits(near, alike(near, near.numbers, 0.01)) == orbits(near, near.orbit), "not to a hundredth of an angstrom"
    far = moved(0.5)
    assert len(np.unique(alike(far, far.numbers, 0.1))) > 4


def test_what_is_kept_apart_by_kind_is_not_joined() -> None:
    """One manganese atom is of another kind."""
    near = moved(0.05)
    kinds = near.numbers.copy()
    first = np.flatnonzero(near.numbers == 25)[0]
    kinds[first] = 99
    joined = alike(near, kinds, 0.1)
    assert (joined == joined[first]).sum() == (near.orbit == near.orbit[first]).sum(), "its own orbit alone"
    one = alike(near, np.zeros(len(near.numbers), dtype=np.int64), 0.1)
    assert len(np.unique(one)) == 1, "of one kind, rock salt is simple cubic"


@pytest.mark.parametrize("seed", range(4))
def test_neither_the_order_of_sites_nor_the_origin_decides(seed: int) -> None:
    near, rng = moved(0.05), np.random.default_rng(seed)
    order, names = rng.permutation(len(near.numbers)), rng.permutation(int(near.orbit.max()) + 1)
    other = replace(
        near, frac=(near.frac[order] + rng.random(3)) % 1.0, numbers=near.numbers[order], orbit=names[near.orbit[order]]
    )  # fmt: skip
    joined, again = alike(near, near.numbers, 0.1), alike(other, other.numbers, 0.1)
    together = joined[:, None] == joined
    np.testing.assert_array_equal(again[:, None] == again, together[order][:, order])
    assert group_within(other, other.numbers, 0.1) == group_within(near, near.numbers, 0.1) == 225


@pytest.mark.parametrize(
    ("strain", "group"), [((0.005, 0.0, 0.0), 229), ((0.005, -0.005, 0.002), 229), ((0.2, 0.0, 0.0), 139)]
)
def test_a_strained_crystal_has_the_group_that_it_nearly_has(strain: tuple[float, float, float], group: int) -> None:
    strained = cell_of(IRON.apply_strain(list(strain), inplace=False))
    assert strained.space_group in (139, 71)
    assert group_within(strained, strained.numbers, 0.1) == group


def test_kinds_in_place_of_elements_decide_the_group() -> None:
    """Caesium chloride of two kinds of iron is simple cubic, of one kind body-centred."""
    two = cell_of(of_space_group("Pm-3m", Lattice.cubic(2.866), ["Fe", "Co"], [[0.0] * 3, [0.5] * 3]))
    assert group_within(two, two.numbers, 0.1) == group_within(two, two.orbit, 0.1) == 221
    assert group_within(two, np.zeros(2, dtype=np.int64), 0.1) == 229


def test_where_no_search_succeeds_a_cell_keeps_what_it_has() -> None:
    cell = symmetrise(hand_built()["MnSi"])
    assert (alike(cell, cell.numbers, 0.0) == cell.orbit).all() and group_within(cell, cell.numbers, 0.0) == 198


@pytest.mark.parametrize("name", sorted(hand_built()))
def test_operations_map_each_site_onto_its_orbit(name: str) -> None:
    """As many as the group has in a primitive cell, and of a cell without symmetry the identity alone."""
    cell = symmetrise(hand_built()[name])
    rotations, translations = cell.operations()
    for rotation, translation in zip(rotations, translations, strict=True):
        apart = (cell.frac @ rotation.T + translation)[:, None] - cell.frac[None]
        distance = np.linalg.norm((apart - np.round(apart)) @ cell.lattice, axis=-1)
        image = distance.argmin(axis=1)
        assert distance.min(axis=1).max() < 1e-6
        assert (cell.orbit[image] == cell.orbit).all() and sorted(image.tolist()) == list(range(len(image)))
    assert (len(rotations) % cell.multiplicities == 0).all()
    rotation, translation = replace(cell, exact=False).operations()
    assert rotation.tolist() == [np.eye(3).tolist()] and translation.tolist() == [[0.0] * 3]


@pytest.mark.parametrize("structure", [IRON, ROCK_SALT], ids=["Fe", "MnO"])
def test_a_supercell_repeats_what_small_shifts_hide(structure: Structure) -> None:
    """27 primitive cells with all atoms moved by 0.02 Å are as many copies; with an atom of another element they are none."""
    supercell = structure.get_primitive_structure() * (3, 3, 3)
    supercell.perturb(0.02, seed=1)
    noisy, exact = cell_of(supercell), cell_of(structure)
    assert len(noisy.numbers) == len(supercell)
    found = nearly_primitive(noisy, 0.1)
    assert len(found.numbers) == len(exact.numbers) and found.space_group == exact.space_group
    assert nearly_primitive(noisy, 0.001) is noisy and nearly_primitive(exact, 0.1) is exact
    supercell.replace(0, "Co")
    other = cell_of(supercell)
    assert nearly_primitive(other, 0.1) is other
