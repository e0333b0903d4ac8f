"""Primitive cells on disk, so that a screen holds in memory only those that have to be compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from data.store.artifact import write_bytes
from data.symmetry import SymmetricCell
from pipeline.ops.memory import give_back_memory

_SCHEMA = pa.schema(
    [
        ("lattice", pa.list_(pa.float64())),  # Å, nine numbers
        ("frac", pa.list_(pa.float64())),
        ("numbers", pa.list_(pa.int64())),
        ("orbit", pa.list_(pa.int64())),
        ("space_group", pa.int64()),
        ("exact", pa.bool_()),
        ("hall", pa.int64()),
    ]
)
_OF_LISTS, _SINGLE = ("lattice", "frac", "numbers", "orbit"), ("space_group", "exact", "hall")


def write_cells(path: Path, cells: Iterable[SymmetricCell]) -> None:
    """Write cells, one a row."""
    every = list(cells)
    columns = [_column(field.type, [getattr(cell, field.name) for cell in every]) for field in _SCHEMA]
    buffer = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_arrays(columns, schema=_SCHEMA), buffer, compression="zstd")
    write_bytes(path, buffer.getvalue().to_pybytes())


class CellTable(Sequence[SymmetricCell]):
    """The cells of a table, each made when it is asked for: as objects, cells take several times the room of their numbers."""

    def __init__(self, table: pa.Table) -> None:
        self._size = len(table)
        self._lists = [_Lists.of(table[name]) for name in _OF_LISTS]
        self._single = [table[name].to_pylist() for name in _SINGLE]

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, place: int) -> SymmetricCell: ...

    @overload
    def __getitem__(self, place: slice) -> list[SymmetricCell]: ...

    def __getitem__(self, place: int | slice) -> SymmetricCell | list[SymmetricCell]:
        if isinstance(place, slice):
            return [self[k] for k in range(*place.indices(self._size))]
        lattice, frac, numbers, orbit = (column[place] for column in self._lists)
        group, exact, hall = (column[place] for column in self._single)
        return SymmetricCell(lattice.reshape(3, 3), frac.reshape(-1, 3), numbers, orbit, group, exact, hall)


@dataclass(frozen=True)
class CellFiles:
    """The cells of several files, numbered through from 0."""

    paths: tuple[Path, ...]

    def take(self, rows: list[int]) -> CellTable:
        """The cells of these rows, in this order."""
        cells = CellTable(self.table(rows))
        give_back_memory()  # what joining the files took, several times the cells themselves
        return cells

    def table(self, rows: list[int]) -> pa.Table:
        """The same as a table, for those who only pass them on."""
        wanted, back = np.unique(np.asarray(rows, dtype=np.int64), return_inverse=True)
        parts = [_SCHEMA.empty_table()]
        first = 0
        for path in self.paths:
            last = first + pq.read_metadata(path).num_rows
            here = wanted[(wanted >= first) & (wanted < last)]
            if len(here):
                parts.append(pq.read_table(path).take(pa.array(here - first)))
            first = last
        return pa.concat_tables(parts).take(pa.array(back))


def without_cells(table: pa.Table, hidden: NDArray[np.bool_]) -> pa.Table:
    """The table with a cell without sites, of one Å, in each row (of the first `len(table)`) that is hidden."""
    hidden = hidden[: len(table)]
    if not hidden.any():
        return table
    cube = np.eye(3).ravel().tolist()
    nothing = {"lattice": cube, "frac": [], "numbers": [], "orbit": [], "space_group": 1, "exact": False, "hall": 1}
    rows = [nothing if gone else row for row, gone in zip(table.to_pylist(), hidden.tolist(), strict=True)]
    return pa.Table.from_pylist(rows, schema=_SCHEMA)


def _column(kind: pa.DataType, values: list[Any]) -> pa.Array:
    """One value a row; arrays of numbers become lists, whose numbers are passed on as one array."""
    if not pa.types.is_list(kind):
        return pa.array(values, kind)
    ends = np.cumsum([0, *(len(value.ravel()) for value in values)])
    flat = np.concatenate([np.zeros(0, kind.value_type.to_pandas_dtype()), *(value.ravel() for value in values)])
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.array(flat))


@dataclass(frozen=True)
class _Lists:
    """A column of lists of numbers."""

    flat: NDArray[Any]
    ends: NDArray[np.int64]  # (rows + 1,)

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> _Lists:
        lengths = pc.list_value_length(column).to_numpy()
        return cls(pc.list_flatten(column).to_numpy(), np.append(0, np.cumsum(lengths)).astype(np.int64))

    def __getitem__(self, row: int) -> NDArray[Any]:
        """A copy, since what Arrow hands out cannot be written to. Raises IndexError past the last row."""
        return self.flat[self.ends[row] : self.ends[row + 1]].copy()
