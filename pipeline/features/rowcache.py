"""A cache of rows of numbers, keyed by the content that they were computed from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.store.artifact import make_folder, write_bytes

_DIGEST_BYTES = 16


@dataclass(frozen=True)
class RowCache:
    """One file per row, in 256 folders. A file is complete or absent, and the same key means the same row, so any number of
    processes may read and write at the same time."""

    folder: Path
    columns: int

    def get(self, key: str) -> NDArray[np.float32] | None:
        """The row, or None where there is none; a damaged file counts as none, and is written anew."""
        try:
            content = self._path(key).read_bytes()
        except FileNotFoundError:
            return None
        digest, numbers = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
        if len(numbers) != 4 * self.columns or digest != _digest(numbers):
            return None
        return np.frombuffer(numbers, dtype="<f4").astype(np.float32)

    def put(self, key: str, row: NDArray[np.float32]) -> None:
        """Keep a row.

        Raises:
            UserError: the folder cannot be written to, or the disk is full.
        """
        path = self._path(key)
        make_folder(path.parent)
        numbers = row.astype("<f4").tobytes()
        write_bytes(path, _digest(numbers) + numbers)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / key[2:]


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()[:_DIGEST_BYTES]
