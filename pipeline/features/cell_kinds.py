"""Into which kind of lattice cell an edge leads (models/graphs/cell_orbits.py), for many crystals at once.

The kinds are the orbits of the lattice's point group, the holohedry, on the eight parity classes of lattice vectors. moyopy
finds a holohedry, but takes 0.2 ms for each lattice. Here the isometries of all lattices are enumerated together: each one
takes the vectors of a Niggli-reduced basis to vectors with coordinates -1, 0 and 1. Where a lattice is nearly, but not
exactly, more symmetric, moyopy decides, so that the result is always the one of its tolerance.
"""

from __future__ import annotations

import itertools

import moyopy
import numpy as np
from numpy.typing import NDArray

from models.graphs.cell_orbits import CELLS, N_CELLS, cell_index

_NEAREST_A = 0.01  # Å; lattice points this little farther than the nearest one are as near
_SURE_A, _NEVER_A = 1e-3, 0.1  # Å; a basis that misses its image by less is symmetric, by more is not; between, moyopy decides
_LENGTH_DECIMALS = 4  # to which the lengths of lattice vectors (Å) are compared
_EDGES_AT_ONCE = 1 << 16  # keeps the table of distances to 27 lattice points within 14 MB

_STEPS = np.array(list(itertools.product((-1, 0, 1), repeat=3)), dtype=np.int64)  # (27, 3)
_STEP_CELL = cell_index(_STEPS)  # (27,)
_SHORT = _STEPS[(_STEPS != 0).any(axis=1)]  # (26, 3)
_HALF = len(_SHORT) // 2  # the rest are their negatives, which an inversion adds


def reduced_bases(lattices: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Niggli-reduced bases of lattices.

    Args:
        lattices: (n, 3, 3) Å, rows.

    Returns:
        (n, 3, 3) Å, reduced vectors as rows, and (n, 3, 3) their whole coordinates in the basis given.
    """
    bases = np.array([moyopy.niggli_reduce(lattice)[0] for lattice in lattices.tolist()]).reshape(-1, 3, 3)
    return bases, np.rint(bases @ np.linalg.inv(lattices)).astype(np.int64)


def holohedry(lattice: NDArray[np.float64]) -> NDArray[np.int64]:
    """(h, 3, 3) the lattice's point group in its own basis, for columns of fractional coordinates."""
    alone = moyopy.Cell(lattice.tolist(), [[0.0, 0.0, 0.0]], [1])
    return np.array(moyopy.MoyoDataset(alone, symprec=_NEAREST_A).operations.rotations, dtype=np.int64)


def cell_kinds(lattices: NDArray[np.float64], bases: NDArray[np.float64], coordinates: NDArray[np.int64]) -> NDArray[np.int64]:
    """The kind of each cell as seen from cell 0: its orbit under the holohedry, numbered by nearness.

    Kind 0 is the cell itself; the others are ranked by the shortest lattice vector that leads into them, so that a kind
    means the same in every setting and, as far as it can, in every lattice.

    Args:
        lattices: (n, 3, 3) Å, rows.
        bases, coordinates: `reduced_bases(lattices)`.

    Returns:
        (n, 8) the kind of each parity class of coordinates in the reduced basis.
    """
    own_cell = cell_index(CELLS @ coordinates)  # (n, 8): parity in the reduced basis to parity in the basis given
    alike = _alike(lattices, bases, own_cell)
    label = np.argmax(alike, axis=2)  # the first class of each orbit
    size = alike.sum(axis=2)
    shortest = np.full((len(bases), N_CELLS), np.inf)
    lengths = np.linalg.norm(_STEPS @ bases, axis=2)
    for step, cell in enumerate(_STEP_CELL.tolist()):
        np.minimum(shortest[:, cell], lengths[:, step], out=shortest[:, cell])
    by_own = np.empty_like(shortest)
    np.put_along_axis(by_own, own_cell, shortest, axis=1)
    nearest = np.where(alike, by_own[:, None], np.inf).min(axis=2).round(_LENGTH_DECIMALS)
    order = np.lexsort((label, size, nearest), axis=1)
    ranked = np.take_along_axis(label, order, axis=1)
    kind = np.empty_like(label)
    rank = np.concatenate([np.zeros((len(bases), 1), np.int64), np.cumsum(np.diff(ranked, axis=1) != 0, axis=1)], axis=1)
    np.put_along_axis(kind, order, rank, axis=1)
    return np.take_along_axis(kind, own_cell, axis=1)


def edge_kinds(
    vectors: NDArray[np.float64], owner: NDArray[np.int64], bases: NDArray[np.float64], kinds: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Bits: the kinds of the lattice cells that each edge leads into.

    An edge leads into the cell of the lattice point nearest to its end, the centre's atom being the origin: that does not
    depend on which cell or origin was chosen. Where several points are equally near, their kinds all count.

    Args:
        vectors: (edges, 3) Å.
        owner: (edges,) the crystal of each edge.
        bases: (crystals, 3, 3) Å, reduced vectors as rows.
        kinds: (crystals, 8), of `cell_kinds`.

    Returns:
        (edges,) sums of 1 << kind.
    """
    found = np.zeros(len(vectors), dtype=np.int64)
    bits, points = 1 << kinds, _STEPS @ bases
    squares = (points * points).sum(axis=2)
    inverse = np.linalg.inv(bases).astype(np.float64)
    for start in range(0, len(vectors), _EDGES_AT_ONCE):
        part = slice(start, start + _EDGES_AT_ONCE)
        crystal = owner[part]
        near = np.rint(_by_matrix(vectors[part], inverse[crystal]))
        rest = vectors[part] - _by_matrix(near, bases[crystal])
        along = (bases[crystal] * rest[:, None]).sum(axis=2)  # (edges, 3) scalar products with the reduced vectors
        square = squares[crystal] - 2.0 * (along @ _STEPS.T.astype(np.float64)) + (rest * rest).sum(axis=1)[:, None]
        distance = np.sqrt(np.maximum(square, 0.0))
        edge, step = np.nonzero(distance < distance.min(axis=1, keepdims=True) + _NEAREST_A)
        cell = cell_index(near.astype(np.int64))[edge] ^ _STEP_CELL[step]  # parities add without a carry
        first = np.flatnonzero(np.diff(edge, prepend=-1))
        found[part] = np.bitwise_or.reduceat(bits[crystal[edge], cell], first) if len(edge) else 0
    return found


def _by_matrix(rows: NDArray[np.float64], matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 3) rows times (n, 3, 3) matrices, one each."""
    product: NDArray[np.float64] = (rows[:, :, None] * matrices).sum(axis=1)
    return product


def _alike(lattices: NDArray[np.float64], bases: NDArray[np.float64], own_cell: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(n, 8, 8) whether an element of the holohedry takes one parity class to another, in the basis of `lattices`."""
    crystal, images, miss = _isometries(bases)
    sure = miss < _SURE_A
    crystal_sure = crystal[sure]
    to = cell_index(CELLS @ images[sure])  # (isometries, 8), in the reduced basis
    alike = np.zeros((len(bases), N_CELLS, N_CELLS), dtype=bool)
    alike[crystal_sure[:, None], own_cell[crystal_sure], np.take_along_axis(own_cell[crystal_sure], to, axis=1)] = True
    for k in np.unique(crystal[~sure]).tolist():
        alike[k] = False
        alike[k, np.arange(N_CELLS), cell_index(CELLS @ holohedry(lattices[k]).transpose(0, 2, 1))] = True
    return alike


def _isometries(bases: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """All ways to map reduced bases to lattice vectors of nearly the same lengths and angles, up to an inversion.

    Returns:
        (m,) the lattice; (m, 3, 3) whole coordinates of the images, as rows; (m,) Å, by how much the lengths and angles miss.
    """
    short = _SHORT @ bases  # (n, 26, 3)
    products = short @ short.transpose(0, 2, 1)
    metric = bases @ bases.transpose(0, 2, 1)
    length = np.sqrt(np.einsum("nii->ni", metric))
    off = np.abs(np.sqrt(np.einsum("nii->ni", products))[:, None] - length[:, :, None])  # (n, 3, 26)
    longer = np.maximum(length[:, :, None], length[:, None])  # turns a product's miss into a displacement
    apart = np.abs(products[:, :_HALF] - metric[:, 0, 1, None, None]) / longer[:, 0, 1, None, None]
    pair = np.maximum(np.maximum(off[:, 0, :_HALF, None], off[:, 1, None]), apart)
    k, i, j = np.nonzero(pair < _NEVER_A)
    with_first = np.abs(products[k, i] - metric[k, 0, 2, None]) / longer[k, 0, 2, None]  # (pairs, 26)
    with_second = np.abs(products[k, j] - metric[k, 1, 2, None]) / longer[k, 1, 2, None]
    miss = np.maximum(np.maximum(with_first, with_second), np.maximum(off[k, 2], pair[k, i, j, None]))
    which, third = np.nonzero(miss < _NEVER_A)
    images = np.stack([_SHORT[i[which]], _SHORT[j[which]], _SHORT[third]], axis=1)
    return k[which], images, miss[which, third]
