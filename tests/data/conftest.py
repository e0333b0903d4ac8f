"""What the tests of the data room share: small real crystals, records, and a source that lives in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from data.crystal import Crystal, make_crystal
from data.labels import Label
from data.rejection import Rejection
from data.sources import Record
from tests.data.memory_source import MemorySource

FE_A = 2.866  # Å


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
