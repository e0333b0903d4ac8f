"""Supercells: all shapes of a given size, and the most compact of them."""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

LARGEST = 64  # primitive cells
_HERMITE = 2.0 ** (1.0 / 6.0)  # no lattice of three dimensions has a shortest vector above this times the cube root of its volume
_SAME_A = 1e-4  # Å; vectors whose lengths differ by less are equally long
_POWER = 12
_MOST_SHAPES = 3000  # all of up to 32 cells; comparing them takes milliseconds
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def compact_supercell(lattice: Floats, size: int) -> Ints:
    """(3, 3) the supercell of this many cells whose shortest lattice vector is longest. Of several, the one with the fewest
    lattice vectors that are nearly as short, and then the first in a fixed order.

    A supercell's edges say little of it, since every lattice has skewed cells with long edges. So the short vectors of the
    lattice itself are asked which supercells they belong to.

    Args:
        lattice: (3, 3), Å, one lattice vector a row; any cell of the lattice.
        size: number of cells.
    """
    shapes = supercell_shapes(size)
    vectors, lengths = _short_vectors(lattice, _HERMITE * (abs(np.linalg.det(lattice)) * size) ** (1.0 / 3.0))
    inside = _belongs(vectors, shapes)
    shortest = lengths[inside.argmax(axis=1)]
    crowded = np.round(inside @ (lengths[0] / lengths) ** _POWER * (shortest / lengths[0]) ** _POWER, 6)
    best: Ints = shapes[np.lexsort((crowded, -shortest))[0]]
    return best


def short_edges(lattice: Floats, supercell: Ints) -> Ints:
    """(3, 3) the same supercell with the shortest edges that it can have, so that nearest images are in adjacent cells.

    A Hermite normal form may have edges ten times as long. Of edges that are equally long, the first in a fixed order are taken.

    Args:
        lattice: (3, 3), Å, one lattice vector a row.
        supercell: (3, 3) a Hermite normal form, rows in units of the lattice vectors.
    """
    from pymatgen.core import Lattice

    longest = max(Lattice(supercell @ lattice).get_lll_reduced_lattice().abc)  # short enough to search, and no edge needs more
    vectors, _ = _short_vectors(lattice, longest)
    own = vectors[_belongs(vectors, supercell[None])[0]]
    first = own[0]
    second = own[np.cross(first, own).any(axis=1)][0]
    across = own @ np.cross(first, second)
    third = own[across != 0][0] * np.sign(across[across != 0][0])
    return np.stack([first, second, third])


def _short_vectors(lattice: Floats, longest: float) -> tuple[Ints, Floats]:
    """(k, 3) whole coefficients and (k,) lengths in Å, shortest first, one of each pair of opposite vectors up to this length.

    Equal lengths are the same number, whatever their rounding errors, and in the order of the coefficients.
    """
    longest += _SAME_A
    most = np.floor(longest * np.linalg.norm(np.linalg.inv(lattice), axis=0)).astype(np.int64)
    steps = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in most), indexing="ij"), axis=-1).reshape(-1, 3)
    steps = steps[len(steps) // 2 + 1 :]  # the zero vector is in the middle
    lengths = np.linalg.norm(steps @ lattice, axis=1)
    order = np.argsort(lengths)[: np.count_nonzero(lengths <= longest)]
    lengths = lengths[order]
    group = np.cumsum(np.diff(lengths, prepend=lengths[0]) > _SAME_A)
    return steps[order[np.lexsort((order, group))]], lengths[np.searchsorted(group, group)]


def _belongs(vectors: Ints, shapes: Ints) -> NDArray[np.bool_]:
    """(shapes, vectors) whether a vector of the lattice is a whole sum of the rows of a Hermite normal form."""
    (a, x, y), (_, b, z), (_, _, c) = shapes[..., None].transpose(1, 2, 0, 3)
    first, rest = np.divmod(vectors[:, 0], a)
    second, rest_b = np.divmod(vectors[:, 1] - first * x, b)
    rest_c = (vectors[:, 2] - first * y - second * z) % c
    whole: NDArray[np.bool_] = (rest == 0) & (rest_b == 0) & (rest_c == 0)
    return whole


@lru_cache(maxsize=LARGEST)
def supercell_shapes(size: int) -> Ints:
    """(shapes, 3, 3) Hermite normal forms of this determinant: every superlattice once; of very many, evenly chosen ones."""
    found = []
    for a in (d for d in range(1, size + 1) if size % d == 0):
        for b in (d for d in range(1, size // a + 1) if (size // a) % d == 0):
            c = size // a // b
            for x, y, z in product(range(b), range(c), range(c)):
                found.append([[a, x, y], [0, b, z], [0, 0, c]])
    step = -(-len(found) // _MOST_SHAPES)
    return np.array(found[::step], dtype=np.int64)


def cells_of(supercell: Ints) -> Ints:
    """(size, 3) the cells of a supercell in Hermite normal form, as integer translations."""
    a, b, c = np.diag(supercell).tolist()
    return np.array(list(product(range(a), range(b), range(c))), dtype=np.int64)
