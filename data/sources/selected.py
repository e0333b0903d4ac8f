"""Part of another source, by id."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from data.rejection import Rejection
from data.sources import Record, Shard, Source
from data.store.artifact import text_hash


@dataclass(frozen=True)
class Selected:
    """Only the crystals whose id is among `ids`; what could not be read stays visible."""

    source: Source
    ids: frozenset[str]

    @property
    def description(self) -> str:
        return f"{len(self.ids)} crystals of {self.source.description}"

    def identity(self) -> str:
        return text_hash("selected", self.source.identity(), *sorted(self.ids))

    def shards(self) -> Iterator[Shard]:
        return self.source.shards()

    def singles(self, shard: Shard) -> Iterator[tuple[Shard, Rejection]]:
        return self.source.singles(shard)

    def read(self, shard: Shard) -> Iterator[Record | Rejection]:
        for item in self.source.read(shard):
            if isinstance(item, Rejection) or item.crystal.id in self.ids:
                yield item
