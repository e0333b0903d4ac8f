"""Kinds of lattice cells: what is enumerated for many lattices at once is what moyopy's holohedry of each one says."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from models.graphs.cell_orbits import CELLS, N_CELLS, cell_index, cell_permutations
from pipeline.features.cell_kinds import cell_kinds, edge_kinds, holohedry, reduced_bases
from tests.models.graphs.test_cell_orbits import LATTICES, SHEAR, primitive

STRAINS = (0.0, 1e-5, 1e-3, 2e-3, 5e-3, 2e-2, 0.1)  # some within the symmetry search's tolerance, some beyond
AWAY_A = 0.02  # Å; a second lattice point this much farther than the nearest one does not count


def by_hand(lattice: NDArray[np.float64], basis: NDArray[np.float64], coordinates: NDArray[np.int64]) -> list[int]:
    """The kinds by the definition, orbit by orbit."""
    permutations = cell_permutations(holohedry(lattice))
    steps = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    cells, lengths = cell_index(steps @ coordinates), np.linalg.norm(steps @ basis, axis=1)
    orbits = {frozenset(permutations[permutations[:, 0] == 0][:, k].tolist()) for k in range(N_CELLS)}
    ranked = sorted(orbits, key=lambda o: (round(min(lengths[np.isin(cells, list(o))]), 4), len(o), min(o)))
    kind = {cell: k for k, orbit in enumerate(ranked) for cell in orbit}
    return [kind[cell] for cell in cell_index(CELLS @ coordinates).tolist()]


@pytest.mark.parametrize("strain", STRAINS)
def test_kinds_are_the_orbits_of_moyopys_holohedry(strain: float) -> None:
    random = np.random.default_rng(1)
    plain = [turn @ primitive(name) for name in LATTICES for turn in (np.eye(3), SHEAR)]
    lattices = np.array([lattice @ (np.eye(3) + strain * random.normal(size=(3, 3))) for lattice in plain])
    bases, coordinates = reduced_bases(lattices)
    together = cell_kinds(lattices, bases, coordinates)
    alone = [cell_kinds(lattices[k : k + 1], bases[k : k + 1], coordinates[k : k + 1])[0] for k in range(len(lattices))]
    assert together.tolist() == [kinds.tolist() for kinds in alone], "a crystal's kinds are the same whatever stands beside it"
    assert together.tolist() == [by_hand(*parts) for parts in zip(lattices, bases, coordinates, strict=True)]


def test_an_edge_leads_into_the_cell_of_the_nearest_lattice_points() -> None:
    random = np.random.default_rng(2)
    lattices = np.array([primitive(name) for name in LATTICES])
    bases, coordinates = reduced_bases(lattices)
    kinds = cell_kinds(lattices, bases, coordinates)
    owner = np.repeat(np.arange(len(lattices)), 40)
    vectors = random.uniform(-2.0, 2.0, size=(len(owner), 3))[:, None] @ bases[owner]
    found = edge_kinds(vectors[:, 0], owner, bases, kinds)
    points = np.stack(np.meshgrid(*[range(-4, 5)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    checked = 0
    for vector, crystal, bits in zip(vectors[:, 0], owner, found, strict=True):
        distance = np.linalg.norm(points @ bases[crystal] - vector, axis=1)
        nearest, second = np.argsort(distance)[:2]
        if distance[second] - distance[nearest] > AWAY_A:
            assert bits == 1 << kinds[crystal, cell_index(points[nearest])]
            checked += 1
    assert checked > len(owner) // 2
    assert edge_kinds(np.zeros((0, 3)), owner[:0], bases, kinds).tolist() == []
