"""Synthetic magnets with known orderings, for tests."""

import numpy as np

from data.crystal import Crystal, make_crystal
from data.symmetry import symmetrise
from pipeline.magnetism.magnetic_cell import MagneticCell, enlarge
from pipeline.training.order_examples import OrderedCrystal

TWICE = 2 * np.eye(3, dtype=np.int64)


def rock_salt(edge_A: float = 4.44, metal: int = 25) -> Crystal:
    """A primitive cell."""
    return make_crystal("salt", edge_A / 2 * (1 - np.eye(3)), [[0, 0, 0], [0.5, 0.5, 0.5]], [metal, 8])


def rutile(a: float = 4.87, c: float = 3.31, u: float = 0.305) -> Crystal:
    """MnF2."""
    anions = [[u, u, 0], [-u, -u, 0], [0.5 + u, 0.5 - u, 0.5], [0.5 - u, 0.5 + u, 0.5]]
    return make_crystal("rutile", np.diag([a, a, c]), [[0, 0, 0], [0.5, 0.5, 0.5], *anions], [25, 25, 9, 9, 9, 9])


def doubled(crystal: Crystal) -> MagneticCell:
    """The 2×2×2 supercell of its primitive cell."""
    return enlarge(symmetrise(crystal), TWICE)


def as_crystal(magnetic_cell: MagneticCell) -> Crystal:
    """The cell itself."""
    cell, supercell = magnetic_cell.cell, magnetic_cell.supercell
    frac = (cell.frac[magnetic_cell.site] + magnetic_cell.translation) @ np.linalg.inv(supercell)
    return make_crystal("cell", supercell @ cell.lattice, frac, cell.numbers[magnetic_cell.site])


def type_one(edge_A: float, metal: int, split: str = "train") -> OrderedCrystal:
    """Rock salt with sheets of parallel moments along one edge, 4.5 µB on each metal atom.

    Not MnO's sheets along a body diagonal: a face-centred cell has another pattern of the same energy for any pair couplings.
    """
    magnetic_cell = doubled(rock_salt(edge_A, metal))
    signs = 1.0 - 2.0 * (magnetic_cell.translation[:, :2].sum(axis=1) % 2)
    numbers = magnetic_cell.cell.numbers[magnetic_cell.site]
    return OrderedCrystal(as_crystal(magnetic_cell), np.where(numbers == metal, 4.5 * signs, 0.0), split)
