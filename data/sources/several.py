"""Several sources read one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from data.rejection import Rejection
from data.sources import Record, Shard, Source
from data.store.artifact import text_hash


@dataclass(frozen=True)
class Several:
    """Named sources in order; the name, unless it is empty, goes before each source file, so that equal file names stay apart."""

    named: tuple[tuple[str, Source], ...]

    @property
    def description(self) -> str:
        return ", ".join(source.description for _, source in self.named)

    def identity(self) -> str:
        return text_hash("several", *(part for name, source in self.named for part in (name, source.identity())))

    def shards(self) -> Iterator[Shard]:
        for k, (_, source) in enumerate(self.named):
            for shard in source.shards():
                yield Shard((k, shard), shard.size)

    def singles(self, shard: Shard) -> Iterator[tuple[Shard, Rejection]]:
        k, inner = shard.part
        name, source = self.named[k]
        for single, rejection in source.singles(inner):
            yield Shard((k, single), single.size), replace(rejection, source_file=_below(name, rejection.source_file))

    def read(self, shard: Shard) -> Iterator[Record | Rejection]:
        k, inner = shard.part
        name, source = self.named[k]
        for item in source.read(inner):
            yield replace(item, source_file=_below(name, item.source_file))


def _below(name: str, file: str) -> str:
    return f"{name}/{file}" if name else file
