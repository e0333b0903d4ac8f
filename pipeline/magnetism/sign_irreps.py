"""Homomorphisms of a point group onto {+1, -1}, and where its operations take the sites."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from data.symmetry import SymmetricCell

SAME_SITE = 0.05  # Å; sites of an exactly symmetric cell fall on each other to rounding


def sign_characters(rotations: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """All homomorphisms of the group (k, 3, 3) onto {+1, -1} but the trivial one, each as (k,) signs, in a fixed order.

    Written as bits, χ(a) χ(b) = χ(ab) is a set of linear equations over the field of two elements.
    """
    place = {w.tobytes(): k for k, w in enumerate(np.ascontiguousarray(rotations))}
    products = np.einsum("aij,bjk->abik", rotations, rotations)
    n = len(rotations)
    equations = {1 << a ^ 1 << b ^ 1 << place[products[a, b].tobytes()] for a, b in product(range(n), repeat=2)}
    basis = _null_space(equations - {0}, n)
    found = []
    for chosen in product((0, 1), repeat=len(basis)):
        bits = 0
        for vector, taken in zip(basis, chosen, strict=True):
            bits ^= vector * taken
        if bits:
            found.append(np.array([-1 if bits >> k & 1 else 1 for k in range(n)]))
    return found


def site_images(cell: SymmetricCell) -> NDArray[np.int64]:
    """(k, n): the site that operation k takes site n to."""
    rotations, shifts = cell.operations()
    moved = np.einsum("kij,nj->kni", rotations, cell.frac) + shifts[:, None, :]
    apart = moved[:, :, None, :] - cell.frac[None, None, :, :]
    apart -= np.round(apart)
    distance = np.linalg.norm(apart @ cell.lattice, axis=-1)
    distance[:, cell.numbers[:, None] != cell.numbers[None, :]] = np.inf
    images: NDArray[np.int64] = distance.argmin(axis=-1)
    if distance.min(axis=-1).max() > SAME_SITE:
        raise ValueError("the operations do not belong to the cell")
    return images


def _null_space(equations: set[int], n: int) -> list[int]:
    """A basis of the bit vectors of length n that fulfil all equations (each the set of its variables, as bits)."""
    pivots: dict[int, int] = {}  # highest variable: equation
    for row in sorted(equations):
        while row and (top := row.bit_length() - 1) in pivots:
            row ^= pivots[top]
        if row:
            pivots[row.bit_length() - 1] = row
    basis = []
    for free in (k for k in range(n) if k not in pivots):
        vector = 1 << free
        for top in sorted(pivots):  # lower variables are settled before higher ones
            if (pivots[top] & vector & ~(1 << top)).bit_count() % 2:
                vector |= 1 << top
        basis.append(vector)
    return basis
