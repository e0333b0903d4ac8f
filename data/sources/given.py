"""Crystals that a program hands over: a source without files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from data.disordered import AnyCrystal, DisorderedCrystal
from data.rejection import LOST, Reason, Rejection
from data.sources import Record, Shard
from data.store.artifact import text_hash

CRYSTALS_PER_SHARD = 512


@dataclass(frozen=True)
class GivenCrystals:
    """Crystals and rejections in memory, in the order given."""

    items: Sequence[AnyCrystal | Rejection]
    licensed: ClassVar[bool] = False

    @property
    def description(self) -> str:
        return "given by a program"

    def identity(self) -> str:
        return text_hash("given", *(item.detail if isinstance(item, Rejection) else _content(item) for item in self.items))

    def shards(self) -> Iterator[Shard]:
        for start in range(0, len(self.items), CRYSTALS_PER_SHARD):
            stop = min(start + CRYSTALS_PER_SHARD, len(self.items))
            yield Shard((start, stop), stop - start)

    def singles(self, shard: Shard) -> Iterator[tuple[Shard, Rejection]]:
        start, stop = shard.part
        for k in range(start, stop):
            item = self.items[k]
            identifier = item.candidate_id if isinstance(item, Rejection) else item.id
            yield Shard((k, k + 1), 1), Rejection(identifier, "", str(k), Reason.READER_LOST, LOST)

    def read(self, shard: Shard) -> Iterator[Record | Rejection]:
        start, stop = shard.part
        for item in self.items[start:stop]:
            yield item if isinstance(item, Rejection) else Record(item, "")


def _content(crystal: AnyCrystal) -> str:
    if isinstance(crystal, DisorderedCrystal):
        species = f"{crystal.kinds}|{crystal.kind.tolist()}"
    else:
        species = crystal.numbers.tobytes().hex()
    return f"{crystal.id}|{crystal.lattice.tobytes().hex()}|{crystal.frac.tobytes().hex()}|{species}"
