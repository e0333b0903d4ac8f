"""Costly descriptors of many crystals: computed once by worker processes, then read from a cache below the home."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.store.artifact import text_hash
from data.symmetry import SymmetricCell
from pipeline.features.rowcache import RowCache
from pipeline.features.slow_descriptors import COSTLY_CODE, SECONDS_PER_CRYSTAL, costly_key, costly_names, costly_row
from pipeline.ops.parallel import map_in_order

# The alarm inside the worker ends slow Python code. A worker that is still silent after this time hangs in C, where no alarm is
# heard, and is killed from outside. By the clock, hence the wide margin: a worker waits for a free core, and loads the libraries.
SECONDS_UNTIL_KILLED = 4 * SECONDS_PER_CRYSTAL


@dataclass(frozen=True)
class Computed:
    """What a call of `compute_costly` did."""

    keys: list[str]  # of all cells, in order
    computed: int  # rows that the cache had not


def costly_cache(root: Path) -> RowCache:
    """The cache of this version of the descriptors."""
    return RowCache(root / text_hash(COSTLY_CODE)[:16], len(costly_names()))


def compute_costly(
    cells: Iterable[SymmetricCell], cache: RowCache, workers: int, tick: Callable[[int], None] = lambda n: None
) -> Computed:
    """See to it that the cache has a row for each cell, by this many processes.

    What failed is kept too: a crystal that took too long keeps its NaN, so that training and screening see the same.
    """
    keys: list[str] = []

    def missing() -> Iterator[SymmetricCell]:
        for cell in cells:
            keys.append(costly_key(cell))
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


def costly_descriptors(keys: Sequence[str], cache: RowCache) -> NDArray[np.float32]:
    """(keys, columns) from the cache; NaN where it has nothing."""
    rows = np.full((len(keys), cache.columns), np.nan, dtype=np.float32)
    for k, key in enumerate(keys):
        row = cache.get(key)
        if row is not None:
            rows[k] = row
    return rows


def _keyed_row(cell: SymmetricCell) -> tuple[str, NDArray[np.float32]]:
    return costly_key(cell), costly_row(cell)


def _nothing(cell: SymmetricCell) -> tuple[str, NDArray[np.float32]]:
    """What stands for a crystal whose worker died or hung."""
    return costly_key(cell), np.full(len(costly_names()), np.nan, dtype=np.float32)
