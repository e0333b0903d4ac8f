"""Spin configurations that are images of each other under the crystal's permutations and time reversal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def orbit_names(signs: NDArray[np.int8], permutations: Ints) -> Ints:
    """(m,) equal numbers for patterns (m, n) of +-1 that are images of each other; the number is the orbit's first pattern.

    A pattern is named by the smallest of its images, read as a binary number, so the names do not depend on the patterns' order.
    """
    m, n = signs.shape
    smallest = np.full(m, np.iinfo(np.uint64).max, dtype=np.uint64)
    if n > 64:
        return _slow_names(signs, permutations)
    bits = (signs > 0).astype(np.uint64)
    place = np.uint64(1) << np.arange(n, dtype=np.uint64)
    every = place.sum(dtype=np.uint64)
    for row in permutations:
        value = bits[:, row] @ place
        smallest = np.minimum(smallest, np.minimum(value, every - value))
    _, first, inverse = np.unique(smallest, return_index=True, return_inverse=True)
    return np.asarray(first[inverse], dtype=np.int64)


def _slow_names(signs: NDArray[np.int8], permutations: Ints) -> Ints:
    """The same for patterns too long for a machine word."""
    seen: dict[bytes, int] = {}
    out = np.empty(len(signs), dtype=np.int64)
    for k, row in enumerate((signs > 0).astype(np.uint8)):
        images = row[permutations]
        name = min(r.tobytes() for r in np.concatenate([images, 1 - images]))
        out[k] = seen.setdefault(name, k)
    return out
