"""Costly descriptors of candidates: computed before the shards are judged, since a shard has to be done in two minutes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from data.rejection import Rejection
from data.sources import Shard, Source
from data.symmetry import SymmetricCell, symmetrise
from pipeline.features.slow_descriptor_store import compute_costly, costly_cache
from pipeline.ops.progress import Tick
from pipeline.screening.candidates import read_safely


def prepare(source: Source, symprec_A: float, costly: Path, shards: list[Shard], workers: int, tick: Tick) -> int:
    """Fill the cache with the costly descriptors of these shards' crystals; the number that it had not.

    The shards are read once for this, and again to be judged: reading takes a thousandth of the time of the descriptors.
    """
    cells = read_safely(source, partial(read_cells, source, symprec_A), _joined, _none, shards, 1)

    def each() -> Iterator[SymmetricCell]:
        for shard, found in zip(shards, cells, strict=True):
            for k, cell in enumerate(found):
                yield cell
                tick(int(k < shard.size))
            tick(max(shard.size - len(found), 0))  # of files one may hold many crystals, or none

    return compute_costly(each(), costly_cache(costly), workers).computed


def read_cells(source: Source, symprec_A: float, shard: Shard) -> list[SymmetricCell]:
    """The symmetrised cells of a shard's readable crystals."""
    return [symmetrise(item.crystal, symprec_A) for item in source.read(shard) if not isinstance(item, Rejection)]


def _joined(parts: list[list[SymmetricCell]]) -> list[SymmetricCell]:
    return [cell for part in parts for cell in part]


def _none(rejection: Rejection) -> list[SymmetricCell]:
    return []
