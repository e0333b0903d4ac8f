"""Slow descriptors of candidates: computed before the predictions, because the time limit of a shard is two minutes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from data.crystal import Crystal
from data.rejection import Rejection
from data.sources import Shard, Source
from data.symmetry import SymmetricCell, symmetrise
from pipeline.features.slow_descriptor_store import compute_slow_descriptors, slow_descriptor_cache
from pipeline.ops.progress import Tick
from pipeline.screening.candidates import read_safely


def prepare(source: Source, symprec_A: float, descriptors: Path, shards: list[Shard], workers: int, tick: Tick) -> int:
    """Compute the slow descriptors of the crystals in these shards that the cache lacks.

    The shards are read once for this and again for the predictions. Reading takes a thousandth of the time of the descriptors.

    Args:
        source: where the candidates come from.
        symprec_A: tolerance of the symmetry search, Å.
        descriptors: folder of the cache.
        shards: the shards of the source to read.
        workers: number of processes.
        tick: called with the number of files or rows that were finished.

    Returns:
        The number of crystals that were computed.
    """
    cells = read_safely(source, partial(read_cells, source, symprec_A), _joined, _none, shards, 1)

    def each() -> Iterator[SymmetricCell]:
        for shard, found in zip(shards, cells, strict=True):
            for k, cell in enumerate(found):
                yield cell
                tick(int(k < shard.size))
            tick(max(shard.size - len(found), 0))  # of files one may hold many crystals, or none

    return compute_slow_descriptors(each(), slow_descriptor_cache(descriptors), workers).computed


def read_cells(source: Source, symprec_A: float, shard: Shard) -> list[SymmetricCell]:
    """The symmetrised cells of a shard's readable ordered crystals; approximants do without slow descriptors."""
    crystals = (item.crystal for item in source.read(shard) if not isinstance(item, Rejection))
    return [symmetrise(crystal, symprec_A) for crystal in crystals if isinstance(crystal, Crystal)]


def _joined(parts: list[list[SymmetricCell]]) -> list[SymmetricCell]:
    return [cell for part in parts for cell in part]


def _none(rejection: Rejection) -> list[SymmetricCell]:
    return []
