"""Spin configurations that are images of each other under the crystal's permutations and time reversal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Names = NDArray[np.uint64]
WORD = 64  # sites of a pattern that is one number
_HALF = 32  # products of float64 matrices are exact for sums of so many powers of two, and several times faster than integers
_AT_ONCE = 256  # permutations


def orbit_names(signs: NDArray[np.int8], permutations: Ints) -> Ints:
    """(m,) equal numbers for patterns (m, n) of +-1 that are images of each other; the number is the orbit's first pattern.

    A pattern is named by the smallest of its images, read as a binary number, so the names do not depend on the patterns' order.
    """
    m, n = signs.shape
    smallest = np.full(m, np.iinfo(np.uint64).max, dtype=np.uint64)
    if n > WORD:
        return _slow_names(signs, permutations)
    every = all_up(n)
    for _, value in image_numbers(signs, permutations):
        smallest = np.minimum(smallest, np.minimum(value.min(axis=1), every - value.max(axis=1)))
    _, first, inverse = np.unique(smallest, return_index=True, return_inverse=True)
    return np.asarray(first[inverse], dtype=np.int64)


def all_up(n: int) -> np.uint64:
    """The number of the pattern of n signs that are all +. A pattern's number and that of the turned one add up to it."""
    return np.uint64((1 << n) - 1)


def image_numbers(signs: NDArray[Any], permutations: Ints) -> Iterator[tuple[slice, Names]]:
    """Images of patterns, read as binary numbers with + as 1 and the first site as the lowest place.

    Args:
        signs: (m, n) of +-1, n up to WORD.
        permutations: (g, n) the site whose sign stands at each place of the image.

    Returns:
        Some permutations at a time: which, and (m, of them) numbers.
    """
    bits, n = (signs > 0).astype(np.float64), signs.shape[1]
    for first in range(0, len(permutations), _AT_ONCE):
        rows = permutations[first : first + _AT_ONCE]
        value = np.zeros((len(bits), len(rows)), dtype=np.uint64)
        for start in range(0, n, _HALF):
            places = np.arange(start, min(start + _HALF, n))
            weight = np.zeros((n, len(rows)))
            weight[rows[:, places], np.arange(len(rows))[:, None]] = 2.0 ** (places - start)
            value |= (bits @ weight).astype(np.uint64) << np.uint64(start)
        yield slice(first, first + len(rows)), value


def _slow_names(signs: NDArray[np.int8], permutations: Ints) -> Ints:
    """The same for patterns too long for a machine word."""
    seen: dict[bytes, int] = {}
    out = np.empty(len(signs), dtype=np.int64)
    for k, row in enumerate((signs > 0).astype(np.uint8)):
        images = row[permutations]
        name = min(r.tobytes() for r in np.concatenate([images, 1 - images]))
        out[k] = seen.setdefault(name, k)
    return out
