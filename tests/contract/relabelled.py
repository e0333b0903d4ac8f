"""The starter set with other labels, as a source: what a user's own calculations, units or mistakes would make of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from data.labels import Label
from data.rejection import Rejection
from data.sources import Record, Shard
from data.sources.starter import StarterSource


@dataclass(frozen=True)
class Relabelled:
    """Each crystal of the starter set with another moment."""

    description: str
    moment: Callable[[Record, Label], float]  # µB per cell, from the record and its own label

    def identity(self) -> str:
        return self.description

    def shards(self) -> Iterator[Shard]:
        return StarterSource().shards()

    def read(self, shard: Shard) -> Iterator[Record | Rejection]:
        for record in StarterSource().read(shard):
            assert isinstance(record, Record) and record.label is not None
            yield replace(record, label=Label(self.moment(record, record.label)))
