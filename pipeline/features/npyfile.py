"""A .npy file written piece by piece: an array larger than the memory, readable by any numpy."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.lib import format as npy
from numpy.typing import DTypeLike, NDArray


class NpyWriter:
    """Appends one-dimensional pieces; the header is rewritten at the end, in the room that numpy leaves for a growing length."""

    def __init__(self, path: Path, dtype: DTypeLike) -> None:
        self._dtype = np.dtype(dtype)
        self._length = 0
        self._file = path.open("wb")
        self._write_header()

    def append(self, piece: NDArray[Any]) -> None:
        """Raises ValueError where the piece's numbers do not fit the file's type."""
        cast = np.ascontiguousarray(piece, dtype=self._dtype)
        if not np.array_equal(cast, piece):
            raise ValueError(f"{piece.dtype} values do not fit {self._dtype}")
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
        header = {"descr": npy.dtype_to_descr(self._dtype), "fortran_order": False, "shape": (self._length,)}
        npy.write_array_header_1_0(self._file, header)
