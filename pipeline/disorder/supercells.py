"""Supercells: all shapes of a given size, and the most compact of them."""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

LARGEST = 64  # primitive cells
_STEPS = np.array([step for step in product((-2, -1, 0, 1, 2), repeat=3) if step > (0, 0, 0)])
_MOST_SHAPES = 400


def compact_supercell(lattice: NDArray[np.float64], size: int) -> NDArray[np.int64]:
    """(3, 3) the supercell of this many cells whose shortest lattice vector is longest; the first such in a fixed order.

    Args:
        lattice: (3, 3), Å, one lattice vector a row.
        size: number of cells.
    """
    shapes = supercell_shapes(size)
    vectors = _STEPS @ (shapes @ lattice)  # (shapes, steps, 3)
    shortest = np.round(np.linalg.norm(vectors, axis=-1).min(axis=1), 4)
    edges = np.round(np.linalg.norm(shapes @ lattice, axis=-1).sum(axis=1), 4)
    best: NDArray[np.int64] = shapes[np.lexsort((edges, -shortest))[0]]
    return best


@lru_cache(maxsize=LARGEST)
def supercell_shapes(size: int) -> NDArray[np.int64]:
    """(shapes, 3, 3) Hermite normal forms of this determinant: every superlattice once; of very many, evenly chosen ones."""
    found = []
    for a in (d for d in range(1, size + 1) if size % d == 0):
        for b in (d for d in range(1, size // a + 1) if (size // a) % d == 0):
            c = size // a // b
            for x, y, z in product(range(b), range(c), range(c)):
                found.append([[a, x, y], [0, b, z], [0, 0, c]])
    step = -(-len(found) // _MOST_SHAPES)
    return np.array(found[::step], dtype=np.int64)


def cells_of(supercell: NDArray[np.int64]) -> NDArray[np.int64]:
    """(size, 3) the cells of a supercell in Hermite normal form, as integer translations."""
    a, b, c = np.diag(supercell).tolist()
    return np.array(list(product(range(a), range(b), range(c))), dtype=np.int64)
