"""Splits rows into training, validation and test by chemical system, because polymorphs have similar moments."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data.errors import UserError
from pipeline.ops.progress import Reporter

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

    def apart(self, systems: Sequence[str]) -> Split:
        """The same without the validation and test rows of chemical systems that an earlier part has rows of.

        A split of the source may be random. Errors of such rows are too small, and intervals that they calibrate are too narrow,
        for the crystals of a screen.

        Args:
            systems: chemical systems of all rows of the table.

        Raises:
            UserError: a part without a row is left.
        """
        names = np.asarray(systems, dtype=object)
        seen = set(names[self.train])
        validation = self.validation[[name not in seen for name in names[self.validation]]]
        seen |= set(names[self.validation])
        test = self.test[[name not in seen for name in names[self.test]]]
        if not len(validation) or not len(test):
            raise UserError(
                "the split column leaves no validation or no test row whose chemical system has no row in an earlier part; "
                "`ferroscreen refresh ... --columns split=` takes a split by chemical system instead"
            )
        return Split(self.train, validation, test)


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


def split_apart(table: pa.Table, reporter: Reporter) -> Split:
    """The split that a training takes: no chemical system is in two parts, and it is said how many rows that costs.

    Raises:
        UserError: as `split_rows` and `Split.apart`.
    """
    stated = split_rows(table)
    split = stated.apart(table.column("chemsys").to_pylist())
    lost = len(stated.validation) + len(stated.test) - len(split.validation) - len(split.test)
    if lost:
        reporter.say(f"{lost} validation and test rows are left out: an earlier part of the split has their chemical systems")
    return split
