"""Slow descriptors of many crystals: computed once by worker processes, then read from a cache below the home."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.store.artifact import text_hash
from data.symmetry import SymmetricCell
from pipeline.features.rowcache import RowCache
from pipeline.features.slow_descriptors import (
    SECONDS_PER_CRYSTAL,
    SLOW_DESCRIPTOR_CODE,
    slow_descriptor_key,
    slow_descriptor_names,
    slow_descriptor_row,
)
from pipeline.ops.parallel import map_in_order

# The alarm inside the worker ends slow Python code. A worker that is still silent after this time hangs in C, where no alarm is
# heard, and is killed from outside. By the clock, hence the wide margin: a worker waits for a free core, and loads the libraries.
SECONDS_UNTIL_KILLED = 4 * SECONDS_PER_CRYSTAL


@dataclass(frozen=True)
class Computed:
    """What a call of `compute_slow_descriptors` did."""

    keys: list[str]  # of all cells, in order
    computed: int  # rows that the cache had not


def slow_descriptor_cache(root: Path) -> RowCache:
    """The cache of this version of the descriptors."""
    return RowCache(root / text_hash(SLOW_DESCRIPTOR_CODE)[:16], len(slow_descriptor_names()))


def compute_slow_descriptors(
    cells: Iterable[SymmetricCell], cache: RowCache, workers: int, tick: Callable[[int], None] = lambda n: None
) -> Computed:
    """See to it that the cache has a row for each cell, by this many processes.

    What failed is kept too: a crystal that took too long keeps its NaN, so that training and screening see the same.
    """
    keys: list[str] = []

    def missing() -> Iterator[SymmetricCell]:
        for cell in cells:
            keys.append(slow_descriptor_key(cell))
            if cache.get(keys[-1]) is None:
                yield cell
            else:
                tick(1)

    computed = 0
    for key, row in map_in_order(_keyed_row, missing(), workers, _nothing, SECONDS_UNTIL_KILLED):
        cache.put(key, row)
        computed += 1
        tick(1)
    return Computed(keys, computed)


def stored_slow_descriptors(keys: Sequence[str], cache: RowCache) -> NDArray[np.float32]:
    """(keys, columns) from the cache; NaN where it has nothing."""
    rows = np.full((len(keys), cache.columns), np.nan, dtype=np.float32)
    for k, key in enumerate(keys):
        row = cache.get(key)
        if row is not None:
            rows[k] = row
    return rows


def _keyed_row(cell: SymmetricCell) -> tuple[str, NDArray[np.float32]]:
    return slow_descriptor_key(cell), slow_descriptor_row(cell)


def _nothing(cell: SymmetricCell) -> tuple[str, NDArray[np.float32]]:
    """What stands for a crystal whose worker died or hung."""
    return slow_descriptor_key(cell), np.full(len(slow_descriptor_names()), np.nan, dtype=np.float32)
