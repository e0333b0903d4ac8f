"""Cells of the 2×2×2 supercell, and which pairs of them a lattice makes alike (Kaba and Ravanbakhsh, arXiv 2211.15420).

A cell of the supercell is a translation n modulo 2, one of eight. The group G = Z2³ ⋊ H, H the holohedry, permutes them; a
linear map between functions on the cells commutes with G exactly if its matrix is constant on the orbits of G on pairs of
cells. As G holds all translations, the orbit of a pair (p, q) depends on q - p alone: on the H-orbit of a parity class.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

CELLS = np.array(list(itertools.product((0, 1), repeat=3)), dtype=np.int64)  # (8, 3); cell k has the index 4a + 2b + c
N_CELLS = 8
_WEIGHT = np.array([4, 2, 1])


def cell_index(translation: NDArray[np.int64]) -> NDArray[np.int64]:
    """(..., 3) whole lattice translations to (...,) cells of the supercell."""
    index: NDArray[np.int64] = (translation % 2) @ _WEIGHT
    return index


def cell_permutations(rotations: NDArray[np.int64]) -> NDArray[np.int64]:
    """(g, 8) how each of (h, 3, 3) integer matrices, after each of the 8 translations, permutes the cells; distinct ones only."""
    turned = CELLS @ rotations.transpose(0, 2, 1)
    moved = turned[:, None] + CELLS[None, :, None]
    return np.unique(cell_index(moved).reshape(-1, N_CELLS), axis=0)


def pair_orbits(permutations: Iterable[NDArray[np.int64]]) -> NDArray[np.int64]:
    """(8, 8) the orbit of each pair of cells under a group given by generators or elements, numbered from 0 as they come.

    By union and find, so any set of generators will do.
    """
    parent = np.arange(N_CELLS**2)

    def root(k: int) -> int:
        while parent[k] != k:
            parent[k] = parent[parent[k]]
            k = int(parent[k])
        return k

    for permutation in permutations:
        for p, q in itertools.product(range(N_CELLS), repeat=2):
            a, b = root(p * N_CELLS + q), root(int(permutation[p]) * N_CELLS + int(permutation[q]))
            parent[max(a, b)] = min(a, b)
    roots = np.array([root(k) for k in range(N_CELLS**2)])
    return np.unique(roots, return_inverse=True)[1].reshape(N_CELLS, N_CELLS)


def set_orbits() -> NDArray[np.int64]:
    """(8, 8) the orbits under all permutations of the cells: the same cell, or another one."""
    return 1 - np.eye(N_CELLS, dtype=np.int64)
