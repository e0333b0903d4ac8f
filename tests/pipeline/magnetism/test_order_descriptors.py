"""The kind of order of a crystal does not hang on whether its symmetry is exact."""

from __future__ import annotations

import numpy as np
import pytest

from data.symmetry import NEARLY_A, SymmetricCell, nearly_symmetric, symmetrise
from pipeline.featurise import Needs, featurise_cells
from pipeline.magnetism.order_descriptors import order_descriptors
from tests.contract.crystals import hand_built, moved, supercell

SYMMETRIC = ("Fe", "MnO", "Co2MnSi", "MnF2", "SmCo5")
SHIFT_A = 0.02  # of each atom; a relaxed structure or one with rounded coordinates is off by as much
TOLERANCE = 0.02  # relative; distances of the symmetrised cell are means over those of the shifted one


def read(cells: list[SymmetricCell], wanted: bool) -> np.ndarray:
    needs = Needs()
    found = featurise_cells(cells, needs)
    return order_descriptors(found.cells, found.examples.descriptors, np.full(len(cells), wanted), needs.graph)


@pytest.mark.parametrize("name", SYMMETRIC)
def test_shifted_atoms_leave_the_symmetry_that_is_read(name: str) -> None:
    crystal = supercell(hand_built()[name], (1, 1, 2))
    shifted = symmetrise(moved(crystal, SHIFT_A))
    assert shifted.space_group != symmetrise(crystal).space_group
    np.testing.assert_allclose(read([shifted], True), read([symmetrise(crystal)], True), rtol=TOLERANCE, atol=TOLERANCE)


def test_only_wanted_crystals_are_symmetrised_again() -> None:
    shifted = symmetrise(moved(hand_built()["SmCo5"], SHIFT_A))  # a primitive cell: what it repeats is itself
    exact = featurise_cells([shifted], Needs()).examples.descriptors
    np.testing.assert_array_equal(read([shifted], False), exact)
    assert not np.array_equal(read([shifted], True), exact)


@pytest.mark.parametrize("name", sorted(hand_built()))
def test_an_exact_cell_is_its_own_symmetric_cell(name: str) -> None:
    cell = symmetrise(hand_built()[name])
    assert nearly_symmetric(cell, NEARLY_A) is cell


def test_sites_further_than_the_tolerance_from_each_other_stay_apart() -> None:
    shifted = symmetrise(moved(supercell(hand_built()["Fe"], (1, 1, 2)), 4 * NEARLY_A))
    assert nearly_symmetric(shifted, NEARLY_A).space_group == shifted.space_group
