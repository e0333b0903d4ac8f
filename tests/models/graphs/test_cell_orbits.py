"""Orbits of pairs of cells under the holohedries of the 14 Bravais lattices, and the maps that commute with them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models.graphs.cell_orbits import CELLS, N_CELLS, cell_index, cell_permutations, pair_orbits, set_orbits
from models.published.supercell_maps import CellLinear, CellNetwork
from pipeline.features.cell_kinds import cell_kinds, holohedry, reduced_bases

EQUIVARIANCE_F64, EQUIVARIANCE_F32 = 1e-10, 1e-5
HALF = 0.5
CENTRED = {
    "P": np.eye(3),
    "C": np.array([[HALF, -HALF, 0], [HALF, HALF, 0], [0, 0, 1]]),
    "I": np.array([[-HALF, HALF, HALF], [HALF, -HALF, HALF], [HALF, HALF, -HALF]]),
    "F": np.array([[0, HALF, HALF], [HALF, 0, HALF], [HALF, HALF, 0]]),
    "R": np.array([[2, 1, 1], [-1, 1, 1], [-1, -2, 1]]) / 3,
}
MONOCLINIC = np.array([[4.1, 0, 0], [0, 5.3, 0], [-1.7, 0, 6.7]])
HEXAGONAL = np.array([[3.1, 0, 0], [-1.55, 1.55 * np.sqrt(3), 0], [0, 0, 7.3]])
LATTICES = {  # conventional cell, centring, orbits of pairs, order of G, distinct permutations (arXiv 2211.15420, recomputed)
    "P triclinic": (np.array([[4.1, 0.2, 0.3], [0.7, 5.3, 0.4], [0.9, -0.8, 6.7]]), "P", 8, 16, 8),
    "P monoclinic": (MONOCLINIC, "P", 8, 32, 8),
    "C monoclinic": (MONOCLINIC, "C", 6, 32, 16),
    "P orthorhombic": (np.diag([4.1, 5.3, 6.7]), "P", 8, 64, 8),
    "C orthorhombic": (np.diag([4.1, 5.3, 6.7]), "C", 6, 64, 16),
    "I orthorhombic": (np.diag([4.1, 5.3, 6.7]), "I", 5, 64, 32),
    "F orthorhombic": (np.diag([4.1, 5.3, 6.7]), "F", 5, 64, 32),
    "P tetragonal": (np.diag([4.1, 4.1, 6.7]), "P", 6, 128, 16),
    "I tetragonal": (np.diag([4.1, 4.1, 6.7]), "I", 4, 128, 64),
    "rhombohedral": (HEXAGONAL, "R", 4, 96, 48),
    "hexagonal": (HEXAGONAL, "P", 4, 192, 48),
    "P cubic": (np.diag([4.1, 4.1, 4.1]), "P", 4, 384, 48),
    "I cubic": (np.diag([4.1, 4.1, 4.1]), "I", 3, 384, 192),
    "F cubic": (np.diag([4.1, 4.1, 4.1]), "F", 3, 384, 192),
}
SHEAR = np.array([[1, 2, 0], [0, 1, 0], [-1, 0, 1]])


def primitive(name: str) -> NDArray[np.float64]:
    cell, centring, *_ = LATTICES[name]
    return np.asarray(CENTRED[centring] @ cell)


@pytest.mark.parametrize("name", LATTICES)
@pytest.mark.parametrize("basis", [np.eye(3, dtype=int), SHEAR], ids=["as it is", "sheared"])
def test_the_table_of_the_fourteen_lattices(name: str, basis: NDArray[np.int64]) -> None:
    *_, orbits, order, permutations = LATTICES[name]
    rotations = holohedry(basis @ primitive(name))
    found = cell_permutations(rotations)
    pairs = pair_orbits(found)
    assert pairs.max() + 1 == orbits
    assert N_CELLS * len(rotations) == order
    assert len(found) == permutations
    fixed = (found == np.arange(N_CELLS)).sum(axis=1)
    assert (fixed**2).sum() == orbits * len(found), "Burnside counts the orbits, too"


@pytest.mark.parametrize("name", LATTICES)
def test_a_pair_is_its_difference(name: str) -> None:
    """The orbit of (p, q) is the kind of q - p, as models/graphs/cell_orbits.py uses it for single crystals."""
    lattice = primitive(name)
    pairs = pair_orbits(cell_permutations(holohedry(lattice)))
    bases, coordinates = reduced_bases(lattice[None])
    kinds = np.empty(N_CELLS, dtype=np.int64)
    kinds[cell_index(CELLS @ coordinates[0])] = cell_kinds(lattice[None], bases, coordinates)[0]
    difference = kinds[cell_index(CELLS[None] - CELLS[:, None])]
    assert len(set(zip(pairs.ravel().tolist(), difference.ravel().tolist(), strict=True))) == pairs.max() + 1
    assert kinds[0] == 0 and sorted(set(kinds.tolist())) == list(range(pairs.max() + 1))


def test_the_set_has_two_orbits() -> None:
    swap, cycle = np.array([1, 0, *range(2, N_CELLS)]), np.roll(np.arange(N_CELLS), 1)
    np.testing.assert_array_equal(pair_orbits([swap, cycle]), set_orbits())


@pytest.mark.parametrize("name", LATTICES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, EQUIVARIANCE_F64), (torch.float32, EQUIVARIANCE_F32)])
def test_maps_commute_with_every_element(name: str, dtype: torch.dtype, tolerance: float) -> None:
    torch.manual_seed(0)
    elements = cell_permutations(holohedry(primitive(name)))
    layer = CellLinear(pair_orbits(elements), 5, 4).to(dtype)
    x = torch.randn(3, N_CELLS, 5, dtype=dtype)
    for element in elements:
        back = np.argsort(element)  # (g x)[g p] = x[p]
        assert (layer(x[:, back]) - layer(x)[:, back]).abs().max() < tolerance


@pytest.mark.parametrize(("broken", "equivariant"), [(False, True), (True, False)])
def test_breaking_the_symmetry_is_a_choice(broken: bool, equivariant: bool) -> None:
    torch.manual_seed(0)
    elements = cell_permutations(holohedry(primitive("F cubic")))
    network = CellNetwork(pair_orbits(elements), 2, 8, 2, 1, break_symmetry=broken).double().requires_grad_(False)
    x = torch.randn(3, N_CELLS, 2, dtype=torch.float64)
    worst = max(float((network(x[:, np.argsort(g)]) - network(x)[:, np.argsort(g)]).abs().max()) for g in elements)
    assert (worst < EQUIVARIANCE_F64) == equivariant
