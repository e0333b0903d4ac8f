"""Real lattices for the demonstration of symmetry breaking: spins of rutile and rock salt with their neighbours and groups."""

from __future__ import annotations

import numpy as np
from pymatgen.optimization.neighbors import find_points_in_spheres

from data.crystal import make_crystal
from models.published.spin_lattices import Lattice, ring
from pipeline.magnetism.magnetic_cell import enlarge, map_to_primitive, symmetries


def of_crystal(lattice: object, frac: object, numbers: list[int], shells_A: tuple[float, float]) -> Lattice:
    """The magnetic sites (the first element's) of the 2x2x2 supercell of a primitive cell, neighbours at the two distances."""
    primitive = map_to_primitive(make_crystal("synthetic", lattice, frac, numbers)).cell
    placed = enlarge(primitive, 2 * np.eye(3, dtype=np.int64))
    spins = np.flatnonzero(primitive.numbers[placed.site] == numbers[0])
    cell = np.ascontiguousarray(2.0 * primitive.lattice)
    cart = np.ascontiguousarray((primitive.frac[placed.site] + placed.translation)[spins] @ primitive.lattice)
    i, j, _, distance = find_points_in_spheres(
        cart, cart, r=max(shells_A) + 0.1, pbc=np.ones(3, dtype=np.int64), lattice=cell, tol=1e-8
    )
    shells = np.zeros((2, len(spins), len(spins)))
    for shell, length in zip(shells, shells_A, strict=True):
        near = np.abs(distance - length) < 0.05
        np.add.at(shell, (i[near], j[near]), 1.0)
        shell /= shell.sum(axis=1, keepdims=True)
    rows = np.searchsorted(spins, symmetries(placed).permutations[:, spins])
    return Lattice.of(shells, np.unique(rows, axis=0))


def lattices() -> dict[str, Lattice]:
    """The ring of 8, rutile (16 spins) and rock salt (8 spins), the last two with the sizes of MnF2 and MnO."""
    a, c, u = 4.87, 3.31, 0.305
    anions = [[u, u, 0], [-u, -u, 0], [0.5 + u, 0.5 - u, 0.5], [0.5 - u, 0.5 + u, 0.5]]
    sites, numbers = [[0, 0, 0], [0.5, 0.5, 0.5], *anions], [25, 25, 9, 9, 9, 9]
    rutile = of_crystal(np.diag([a, a, c]), sites, numbers, (c, float(np.hypot(a / np.sqrt(2), c / 2))))
    edge = 4.44
    salt = of_crystal(edge / 2 * (1 - np.eye(3)), [[0, 0, 0], [0.5, 0.5, 0.5]], [25, 8], (edge / np.sqrt(2), edge))
    return {"ring of 8": ring(), "rutile, 2×2×2": rutile, "rock salt, 2×2×2": salt}
