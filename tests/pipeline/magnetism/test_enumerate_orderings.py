"""Which orderings a crystal's small cells allow: all of them, each once, and each found again."""

from __future__ import annotations

import numpy as np
import pytest

from data.symmetry import SymmetricCell, symmetrise
from models.ordering.orbits import orbit_names
from models.ordering.order_ranker import order_features
from models.ordering.spin_configurations import spin_configurations
from pipeline.magnetism.enumerate_orderings import Orderings, enumerate_orderings, sublattice_basis, wave_vector_group
from pipeline.magnetism.magnetic_cell import enlarge, symmetries
from pipeline.magnetism.parent_cell import Parent
from pipeline.magnetism.starting_moments import start_moments
from tests.contract.crystals import hand_built, permuted, random_rotation, rotated

TWICE = 2 * np.eye(3, dtype=np.int64)
SAME = 1e-4  # of a feature; they are float32


def orderings_of(name: str) -> Orderings:
    cell = symmetrise(hand_built()[name])
    found = enumerate_orderings(cell, start_moments(cell.numbers))
    assert found is not None
    return found


@pytest.mark.parametrize("name", ["MnO", "Fe", "MnF2", "CrI3 layer", "MnWO4"])
def test_all_orders_that_two_cells_a_side_can_hold(name: str) -> None:
    """Against all 2^(s-1) patterns of the 2 x 2 x 2 cell, as far as they repeat with four primitive cells or fewer."""
    cell = symmetrise(hand_built()[name])
    spins = np.flatnonzero(start_moments(cell.numbers) > 0)
    large = enlarge(cell, TWICE)
    sites = np.flatnonzero(np.isin(large.site, spins))
    number = np.full(len(large.site), -1)
    number[sites] = np.arange(len(sites))
    rows = number[symmetries(large).permutations[:, sites]]
    signs = spin_configurations(len(sites)).numpy()
    period = 8 // (signs[:, rows[:8]] == signs[:, None]).all(axis=2).sum(axis=1)  # the first eight are the translations
    kept = signs[period <= 4]
    wanted = len(np.unique(orbit_names(kept, rows))) - 1  # but for the ferromagnet
    halves = [all(k % 2 == 0 for v in group for k in v) for group in orderings_of(name).sublattice]
    assert sum(halves) == wanted > 0


@pytest.mark.parametrize("name", ["MnO", "MnF2", "SmCo5", "Co2MnSi", "MnSi"])
def test_each_order_is_found_again_in_its_own_cell(name: str) -> None:
    orderings = orderings_of(name)
    moment = np.zeros(len(orderings.magnetic_cell.cell.numbers))
    moment[orderings.magnetic_cell.site[orderings.sites]] = orderings.size
    for k in range(len(orderings)):
        small, signs = Parent.exact(orderings.magnetic_cell.cell).of_ordering(orderings, k)
        assert small.copies == orderings.index[k]
        found = orderings.own(small, 0.7 * signs * moment[small.site], 0.1)
        assert found is not None and np.flatnonzero(found).tolist() == [k]


def test_face_centred_manganese_has_its_three_types_and_stacks() -> None:
    """Types I and II of doubled cells, III of a cell of four, and the stacks ++-- along wave vectors of four cells."""
    orderings = orderings_of("MnO")
    compensated = np.abs(orderings.signs.sum(axis=1)) < 1e-9
    assert np.bincount(orderings.index[compensated], minlength=5).tolist()[:3] == [0, 0, 2]
    cart = orderings.magnetic_cell.cart[orderings.sites]
    apart = np.linalg.norm(wrapped(cart[:, None] - cart[None], orderings.magnetic_cell.lattice), axis=-1)
    nearest, next_nearest = np.isclose(apart, 4.445 / 2**0.5), np.isclose(apart, 4.445)
    products = np.einsum("mi,mj->mij", orderings.signs, orderings.signs)
    shells = {(round(float(p[nearest].mean()), 3), round(float(p[next_nearest].mean()), 3)) for p in products[compensated]}
    assert {(-0.333, 1.0), (0.0, -1.0), (-0.333, 0.333)} <= shells, "types I, II and III"


def wrapped(vectors: np.ndarray, lattice: np.ndarray) -> np.ndarray:
    frac = vectors @ np.linalg.inv(lattice)
    return (frac - np.rint(frac)) @ lattice


def test_what_is_no_order_of_these_cells() -> None:
    orderings = orderings_of("SmCo5")
    primitive = enlarge(orderings.magnetic_cell.cell, np.eye(3, dtype=np.int64))
    up = np.where(primitive.cell.numbers[primitive.site] > 0, 1.0, 0.0)
    assert orderings.own(primitive, up, 0.1) is None, "parallel"
    assert orderings.own(primitive, 0.05 * up, 0.1) is None, "hardly a moment"
    thrice = enlarge(orderings.magnetic_cell.cell, np.diag([1, 1, 3]))
    third = orderings.own(thrice, np.where(thrice.translation[:, 2] == 0, -1.0, 1.0), 0.1)
    assert third is not None and not third.any(), "three cells"
    fourth = enlarge(orderings.magnetic_cell.cell, np.diag([1, 1, 4]))
    stack = orderings.own(fourth, np.where(fourth.translation[:, 2] < 2, 1.0, -1.0), 0.1)
    assert stack is not None and not stack.any(), "++--, of which two cells show ++ only"


@pytest.mark.parametrize("name", ["MnF2", "CrI3 layer"])
def test_another_description_of_the_crystal_has_the_same_orders(name: str) -> None:
    crystal = hand_built()[name]
    cells: list[SymmetricCell] = [symmetrise(c) for c in (crystal, permuted(rotated(crystal, random_rotation(3)), 4))]
    found = []
    for cell in cells:
        orderings = enumerate_orderings(cell, start_moments(cell.numbers))
        assert orderings is not None
        rows = order_features(orderings.cell, orderings.signs, orderings.size, orderings.index)
        found.append(rows[np.lexsort(np.round(rows, 3).T[::-1])])
    assert found[0].shape == found[1].shape
    assert np.abs(found[0] - found[1]).max() < SAME


def test_crystals_without_spins_or_with_too_many() -> None:
    cell = symmetrise(hand_built()["MnO"])
    assert enumerate_orderings(cell, np.zeros(2)) is None
    many = enlarge(cell, np.diag([13, 1, 1]))
    long = SymmetricCell(many.lattice, many.cart @ np.linalg.inv(many.lattice), cell.numbers[many.site], many.site, 1, False)
    assert enumerate_orderings(long, start_moments(long.numbers)) is None


def test_the_sublattice_of_characters() -> None:
    assert sublattice_basis(wave_vector_group((0, 0, 0))).tolist() == np.eye(3, dtype=int).tolist()
    for half in ((1, 0, 0), (1, 1, 0), (1, 1, 1)):
        basis = sublattice_basis(wave_vector_group(half))
        assert round(np.linalg.det(basis)) == 2 and not (basis @ half % 2).any()
    with pytest.raises(ValueError, match="no group"):
        sublattice_basis(frozenset({(1, 0, 0), (0, 1, 0)}))
