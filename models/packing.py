"""Rows of many crystals in flat arrays: how to select some crystals, and how to cut them into batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Packed:
    """Flat arrays of many crystals. A subclass has a field for each pointer, and for each array that a pointer cuts.

    Its class variables say which is which: `owned` has the names of the arrays by that of their pointer, `per_crystal` the names
    of those with one row a crystal. Crystal k owns the rows ptr[k]:ptr[k+1].
    """

    owned: ClassVar[dict[str, tuple[str, ...]]]
    per_crystal: ClassVar[tuple[str, ...]]

    def __len__(self) -> int:
        return len(getattr(self, next(iter(self.owned)))) - 1

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Every field by its name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def take(self, index: NDArray[np.int64]) -> Self:
        """Some crystals, in the order asked for."""
        chosen: dict[str, NDArray[Any]] = {name: getattr(self, name)[index] for name in self.per_crystal}
        for ptr, owned in self.owned.items():
            chosen[ptr], places = gather(getattr(self, ptr), index)
            chosen |= {name: getattr(self, name)[places] for name in owned}
        return type(self)(**chosen)

    @classmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        """One packed set from several, in order."""
        names = [*cls.per_crystal, *(name for owned in cls.owned.values() for name in owned)]
        joined: dict[str, NDArray[Any]] = {name: np.concatenate([getattr(p, name) for p in parts]) for name in names}
        for ptr in cls.owned:
            counts = np.concatenate([np.diff(getattr(p, ptr)) for p in parts])
            joined[ptr] = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return cls(**joined)


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
