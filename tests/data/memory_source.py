"""A source that lives in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from data.rejection import LOST, Reason, Rejection
from data.sources import Record, Shard


@dataclass(frozen=True)
class MemorySource:
    """Records from a list, `per_shard` at a time; an exception in the list is raised where it stands."""

    items: tuple[Record | Rejection | BaseException, ...]
    per_shard: int = 2

    @property
    def description(self) -> str:
        return "memory"

    def identity(self) -> str:
        return "memory"

    def shards(self) -> Iterator[Shard]:
        for start in range(0, len(self.items), self.per_shard):
            yield Shard(start, min(self.per_shard, len(self.items) - start))

    def singles(self, shard: Shard) -> Iterator[tuple[Shard, Rejection]]:
        yield shard, Rejection("memory", "memory", "", Reason.READER_LOST, LOST)

    def read(self, shard: Shard) -> Iterator[Record | Rejection]:
        for item in self.items[shard.part : shard.part + self.per_shard]:
            if isinstance(item, BaseException):
                raise item
            yield item
