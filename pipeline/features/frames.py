"""Candidate frames of a crystal: the poses among which a learned canonicalization chooses (models/published/canonicalization.py).

A frame is built from two short lattice vectors by Gram and Schmidt, its axes then named in any order and direction. The set
turns with the crystal and depends neither on the cell nor on the origin. Frames that a rotation of the crystal's point group
takes into each other show the same crystal, so one of each such class is kept. For an exact cell the standard setting (the
pose in which data/symmetry.py hands a crystal over) is one of the candidates wherever its a and b axes are short enough.
"""

from __future__ import annotations

import itertools

import moyopy
import numpy as np
from numpy.typing import NDArray

from models.graphs.frames import SIGNED_PERMUTATIONS

_VECTORS = 7  # short lattice vectors, at least; a tie is never cut
_TRIADS = 24  # distinct crosses of axes, at least where there are as many
_TIE_A = 0.01  # Å; lengths that differ by less count as one
_STEEP = 0.1  # sine of the angle below which two vectors are too parallel to span a plane
_SAME = 4  # decimals to which frames are compared
_TURNED = 1e-5  # of the trace; a frame turned by less than 0.2 degrees is the standard one

_HALF = np.array([n for n in itertools.product(range(-2, 3), repeat=3) if n > (0, 0, 0)], dtype=np.int64)  # (62, 3)
_PROBES = np.random.default_rng(0).normal(size=(2, 3, 3))  # generic directions, to tell frames apart
_POLES = np.random.default_rng(1).normal(size=(2, 3))


def candidate_frames(
    lattice: NDArray[np.float64], rotations: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """The candidates of one crystal, in the terms of models/graphs/vector_graphs.py.

    Args:
        lattice: (3, 3) Å, rows, of a primitive cell.
        rotations: (k, 3, 3) the Cartesian point group of the crystal.

    Returns:
        The reduced lattice (3, 3); for each candidate two lattice vectors (m, 3) and (m, 3) in its basis, the index (m,)
        of the signed permutation of axes, and (m,) whether it is the standard setting.
    """
    reduced = np.array(moyopy.niggli_reduce(lattice.tolist())[0])
    first, second = _pairs(reduced)
    axes = _triads(first @ reduced, second @ reduced)
    frames = (SIGNED_PERMUTATIONS[None] @ axes[:, None]).reshape(-1, 3, 3)
    kept = _one_of_each_class(frames, rotations)
    triad, order = np.divmod(kept, len(SIGNED_PERMUTATIONS))
    standard = np.einsum("mij,kij->mk", frames[kept], rotations).max(axis=1) > 3.0 - _TURNED  # P holds inverses
    return reduced, first[triad], second[triad], order, standard


def _pairs(reduced: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ordered pairs of short lattice vectors that give different crosses of axes, the shortest first."""
    vectors = _HALF @ reduced
    length = np.linalg.norm(vectors, axis=1)
    short = np.argsort(length, kind="stable")
    short = short[length[short] <= length[short[_VECTORS - 1]] + _TIE_A]
    i, j = (a.ravel() for a in np.meshgrid(short, short, indexing="ij"))
    sine = np.linalg.norm(np.cross(vectors[i], vectors[j]), axis=1) / (length[i] * length[j])
    i, j = i[sine > _STEEP], j[sine > _STEEP]
    total = length[i] + length[j]
    order = np.argsort(np.rint(total / _TIE_A), kind="stable")
    i, j, total = i[order], j[order], total[order]
    axes = _triads(vectors[i], vectors[j])
    cross = np.round(((axes @ _POLES.T) ** 4).sum(axis=1), _SAME)  # the same for every order and direction of the axes
    new = np.sort(np.unique(cross, axis=0, return_index=True)[1])
    new = new[total[new] <= total[new[min(_TRIADS, len(new)) - 1]] + _TIE_A]
    return _HALF[i[new]], _HALF[j[new]]


def _triads(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 3, 3) right-handed orthonormal rows: along the first vector, in the plane of both, across."""
    u = first / np.linalg.norm(first, axis=1, keepdims=True)
    v = second - (second * u).sum(axis=1, keepdims=True) * u
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    return np.stack([u, v, np.cross(u, v)], axis=1)


def _one_of_each_class(frames: NDArray[np.float64], rotations: NDArray[np.float64]) -> NDArray[np.int64]:
    """Places of the first frame of each class under F -> F R^T.

    Two classes are told apart by the largest overlap of their members with generic matrices; should rounding part one class
    in two, the work doubles and the result stays.
    """
    turned = (_PROBES[:, None] @ rotations).reshape(2, -1, 9)
    overlap = np.einsum("fi,pki->fpk", frames.reshape(-1, 9), turned).max(axis=2)
    first: NDArray[np.int64] = np.sort(np.unique(np.round(overlap, _SAME), axis=0, return_index=True)[1])
    return first
