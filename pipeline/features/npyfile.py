"""A .npy file written piece by piece: an array larger than the memory, readable by any numpy."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.lib import format as npy
from numpy.typing import DTypeLike, NDArray


class NpyWriter:
    """Appends pieces (n, *tail); the header is rewritten at the end, in the room that numpy leaves for a growing length."""

    def __init__(self, path: Path, dtype: DTypeLike, tail: tuple[int, ...] = ()) -> None:
        self._dtype, self._tail = np.dtype(dtype), tail
        self._length = 0
        self._file = path.open("wb")
        self._write_header()

    def append(self, piece: NDArray[Any]) -> None:
        """Raises ValueError where the piece's shape or numbers do not fit the file's."""
        cast = np.ascontiguousarray(piece, dtype=self._dtype)
        if piece.shape[1:] != self._tail or not np.array_equal(cast, piece):
            raise ValueError(f"{piece.dtype} values of shape {piece.shape} do not fit {self._dtype} (n, *{self._tail})")
        self._file.write(cast.tobytes())
        self._length += len(cast)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        with self._file:
            if kind is None:
                self._file.seek(0)
                self._write_header()

    def _write_header(self) -> None:
        header = {"descr": npy.dtype_to_descr(self._dtype), "fortran_order": False, "shape": (self._length, *self._tail)}
        npy.write_array_header_1_0(self._file, header)


class PackedWriter(ExitStack):
    """A packed set of graphs (models/graphs/) appended to one file a field; `*_ptr` fields go on counting."""

    def __init__(self, folder: Path, empty: dict[str, NDArray[Any]]) -> None:
        """`empty` gives each field's type and what follows its first dimension."""
        super().__init__()
        self._files = {
            name: self.enter_context(NpyWriter(folder / f"{name}.npy", a.dtype, a.shape[1:])) for name, a in empty.items()
        }
        self._ends = {name: 0 for name in empty if name.endswith("_ptr")}
        for name in self._ends:
            self._files[name].append(np.zeros(1, dtype=np.int64))

    def append(self, arrays: dict[str, NDArray[Any]]) -> None:
        for name, array in arrays.items():
            if name in self._ends:
                array = array[1:] + self._ends[name]
                self._ends[name] = int(array[-1]) if len(array) else self._ends[name]
            self._files[name].append(array)
