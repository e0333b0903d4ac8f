"""Splits rows into training, validation and test by chemical system, because polymorphs have similar moments."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data.errors import UserError

VALIDATION_SHARE, TEST_SHARE = 0.15, 0.20


@dataclass(frozen=True, eq=False)
class Split:
    """Row numbers of a snapshot's table."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]

    def part(self, name: str) -> NDArray[np.int64]:
        """By the word that a `split` column uses."""
        return {"train": self.train, "val": self.validation, "test": self.test}[name]


def part_of(chemsys: str) -> str:
    """train, val or test; it depends on the chemical system alone, not on the other data."""
    position = int.from_bytes(hashlib.sha256(chemsys.encode()).digest()[:8]) / 2**64
    if position < TEST_SHARE:
        return "test"
    return "val" if position < TEST_SHARE + VALIDATION_SHARE else "train"


def split_rows(table: pa.Table) -> Split:
    """The split that the source fixed (column `split`), or one by chemical system.

    Raises:
        UserError: a word other than train, val, test; or a part without a row.
    """
    names = np.array(table.column("split").to_pylist(), dtype=object)
    if all(name is None for name in names):
        names = np.array([part_of(c) for c in table.column("chemsys").to_pylist()], dtype=object)
    strange = {str(name) for name in names} - {"train", "val", "test"}
    if strange:
        raise UserError(f"the split column holds {', '.join(sorted(strange))}; it must say train, val or test in every row")
    parts = {name: np.flatnonzero(names == name).astype(np.int64) for name in ("train", "val", "test")}
    empty = [name for name, rows in parts.items() if len(rows) == 0]
    if empty:
        raise UserError(f"no row to {' or '.join(empty)}: {len(names)} crystals are too few chemical systems to split")
    return Split(parts["train"], parts["val"], parts["test"])
