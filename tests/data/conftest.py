"""What the tests of the data room share: small real crystals, records, and a source that lives in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from data.crystal import Crystal, make_crystal
from data.labels import Label
from data.rejection import LOST, Reason, Rejection
from data.sources import Record, Shard

FE_A = 2.866  # Å


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


def iron(identifier: str, a: float = FE_A) -> Crystal:
    """bcc Fe, conventional cell."""
    return make_crystal(identifier, a * np.eye(3), [[0, 0, 0], [0.5, 0.5, 0.5]], [26, 26])


def iron_record(identifier: str, label: Label | None = Label(4.4), a: float = FE_A) -> Record:  # noqa: B008
    return Record(iron(identifier, a), "iron.cif", label, "train")


@pytest.fixture(scope="session")
def memory_source() -> Callable[[Sequence[Record | Rejection | BaseException]], MemorySource]:
    return lambda items: MemorySource(tuple(items))


@pytest.fixture(scope="session")
def make_iron() -> Callable[..., Record]:
    """A labelled record of bcc iron: id, label (4.4 µB a cell), lattice constant."""
    return iron_record


@pytest.fixture(scope="session")
def known_cifs(shared_data: Callable[[str], Path]) -> list[str]:
    """CIF texts (P1) of 60 real crystals, evenly through the shared table, none with more than 40 sites."""
    table = pq.read_table(shared_data("icsd_candidates.parquet"), columns=["n_sites", "cif"]).to_pylist()
    small = [row["cif"] for row in table if row["n_sites"] <= 40]
    return small[:: len(small) // 60][:60]
