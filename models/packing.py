"""Rows of many crystals in flat arrays: how to select some crystals, and how to cut them into batches."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def batches_by_edges(edges: NDArray[np.int64], max_edges: int) -> Iterator[NDArray[np.int64]]:
    """Crystals in order of size, cut into runs of at most max_edges edges (one crystal may exceed it alone)."""
    order = np.argsort(edges, kind="stable").astype(np.int64)
    start, total = 0, 0
    for k, crystal in enumerate(order):
        total += int(edges[crystal])
        if total > max_edges and k > start:
            yield order[start:k]
            start, total = k, int(edges[crystal])
    if len(order):
        yield order[start:]


def gather(ptr: NDArray[np.int64], index: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """New row pointers, and the flat positions that belong to the chosen crystals."""
    counts = ptr[index + 1] - ptr[index]
    new_ptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    flat = np.arange(new_ptr[-1]) + np.repeat(ptr[index] - new_ptr[:-1], counts)
    return new_ptr, flat
