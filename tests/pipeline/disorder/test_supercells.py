"""The shape of a supercell: compact whatever its edges look like, and described by short ones."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from pymatgen.core import Lattice

from data.disordered import DisorderedCrystal, Species
from pipeline.disorder.averaged_cell import averaged_cell
from pipeline.disorder.places import supercell_places
from pipeline.disorder.supercells import compact_supercell, short_edges, supercell_shapes

SAME_A = 1e-3
LATTICES = {
    "primitive cubic": 3.0 * np.eye(3),
    "face-centred": 1.8 * (1.0 - np.eye(3)),
    "hexagonal": np.array([[4.0, 0, 0], [-2.0, 4.0 * np.sqrt(0.75), 0], [0, 0, 6.0]]),
    "triclinic": np.array([[3.0, 0, 0], [0.4, 5.0, 0], [1.2, 0.3, 9.0]]),
}
SIZES = (1, 6, 16, 18)  # the skewed shapes of 16 and 18 look compact by their edges
STEPS = np.array([step for step in product(range(-3, 4), repeat=3) if any(step)])


def shortest_vector(lattice: np.ndarray) -> float:
    reduced = Lattice(lattice).get_lll_reduced_lattice().matrix
    return float(np.linalg.norm(STEPS @ reduced, axis=1).min())


@pytest.mark.parametrize("name", list(LATTICES))
def test_no_other_shape_keeps_images_farther_apart(name: str) -> None:
    lattice = LATTICES[name]
    for size in SIZES:
        best = max(shortest_vector(shape @ lattice) for shape in supercell_shapes(size))
        assert shortest_vector(compact_supercell(lattice, size) @ lattice) == pytest.approx(best, abs=SAME_A), size


@pytest.mark.parametrize("name", list(LATTICES))
def test_another_cell_of_the_lattice_has_shapes_as_compact(name: str) -> None:
    lattice = LATTICES[name]
    other = np.array([[1, 4, 0], [0, 1, 0], [-3, 0, 1]]) @ lattice
    found = [shortest_vector(compact_supercell(cell, 12) @ cell) for cell in (lattice, other)]
    assert found[0] == pytest.approx(found[1], abs=SAME_A)


@pytest.mark.parametrize("name", list(LATTICES))
def test_the_edges_are_the_shortest_of_the_same_supercell(name: str) -> None:
    lattice, noise = LATTICES[name], 1e-9 * np.random.default_rng(0).standard_normal((3, 3))
    for shape in [np.array([[1, 0, 7], [0, 1, 12], [0, 0, 16]]), np.array([[2, 1, 0], [0, 3, 2], [0, 0, 3]])]:
        edges = short_edges(lattice, shape)
        assert round(np.linalg.det(edges)) == round(np.linalg.det(shape))
        assert np.allclose(edges @ np.linalg.inv(shape), np.rint(edges @ np.linalg.inv(shape))), "the same lattice"
        lengths = np.linalg.norm(edges @ lattice, axis=1)
        assert lengths[0] == pytest.approx(shortest_vector(shape @ lattice)) and (np.diff(lengths) > -SAME_A).all()
        reduced = edges @ lattice
        assert all(np.linalg.norm(step @ reduced) > lengths[np.flatnonzero(step).max()] - SAME_A for step in STEPS), "Minkowski"
        assert np.array_equal(short_edges(lattice + noise, shape), edges), "of equally long ones always the same"


def test_distances_of_places_are_those_of_the_nearest_images() -> None:
    shared = (Species(26, 0.7, None), Species(27, 0.3, None))
    crystal = DisorderedCrystal("x", 2.87 * np.eye(3), np.array([[0.0] * 3, [0.5] * 3]), np.zeros(2, dtype=np.int64), (shared,))
    cell = averaged_cell(crystal)
    places = supercell_places(cell, np.array([[1, 0, 7], [0, 1, 12], [0, 0, 16]]))
    apart = (places.frac[:, None] - places.frac)[:, :, None] + np.array(list(product(range(-3, 4), repeat=3)))
    distance2 = ((apart @ places.lattice) ** 2).sum(axis=-1)
    distance2[distance2 < SAME_A] = np.inf
    reach2 = 0.75 * 2.87**2  # of the nearest neighbours
    off = ~np.eye(16, dtype=bool)
    assert places.near[1][off] == pytest.approx(((distance2 / reach2) ** -3).sum(axis=2)[off], rel=0.1)
    assert places.near[0][off] == pytest.approx(((distance2 / reach2) ** -6).sum(axis=2)[off], rel=0.02)
