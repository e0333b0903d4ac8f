"""Crystals of CIF texts that were read before, so that a screen of nearly the same files need not read them again.

What is kept is found by the text and by all that decides what the reader makes of it. Only a text with a single ordered crystal
is kept: the few others are read again.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

import numpy as np

from data.cif.disorder import Disorder
from data.crystal import Crystal
from data.store.artifact import source_hash

LIBRARIES = ("gemmi", "moyopy", "pymatgen")  # grammar and groups, symbols of settings, names of elements
_HEAD = struct.Struct("<iii")  # sites, bytes of the id, bytes of the note
_DATA = Path(__file__).parents[1]


class KeptBytes(Protocol):
    """Rows of bytes by key, which come and go as they like."""

    def find(self, key: bytes) -> bytes | None:
        """The row, or None."""
        ...

    def keep(self, key: bytes, row: bytes) -> None:
        """Keep a row, if that is possible."""
        ...


_in_use: ContextVar[KeptBytes | None] = ContextVar("kept texts", default=None)


@contextmanager
def kept_texts(rows: KeptBytes | None) -> Iterator[None]:
    """Within this block the CIF reader of this thread looks here first, and keeps here what it reads."""
    before = _in_use.set(rows)
    try:
        yield
    finally:
        _in_use.reset(before)


class KeptText:
    """The place of one text among those that are kept."""

    def __init__(self, text: str, default_id: str, disorder: Disorder) -> None:
        self._rows = _in_use.get()
        self._key = b"" if self._rows is None else _key(text, default_id, disorder)

    def find(self) -> Crystal | None:
        """What was made of this text before; None where nothing is known."""
        found = None if self._rows is None else self._rows.find(self._key)
        return None if found is None else _crystal(found)

    def keep(self, crystal: Crystal) -> None:
        """Keep what was made of it."""
        if self._rows is not None:
            self._rows.keep(self._key, _bytes(crystal))


def _key(text: str, default_id: str, disorder: Disorder) -> bytes:
    content = "\0".join((disorder, default_id, text)).encode(errors="surrogatepass")
    return hashlib.blake2b(content, digest_size=24, key=_reader()).digest()


@lru_cache(maxsize=1)
def _reader() -> bytes:
    """Stands for the code that reads: whatever of it changes, nothing of before is found."""
    return bytes.fromhex(source_hash([_DATA], np.__version__, *map(version, LIBRARIES)))


def _bytes(crystal: Crystal) -> bytes:
    identifier, note = (text.encode(errors="surrogatepass") for text in (crystal.id, crystal.note))
    arrays = (crystal.lattice.astype("<f8"), crystal.frac.astype("<f8"), crystal.numbers.astype("<i2"))
    head = _HEAD.pack(crystal.n_sites, len(identifier), len(note))
    return b"".join((head, *(array.tobytes() for array in arrays), identifier, note))


def _crystal(row: bytes) -> Crystal:
    sites, id_bytes, note_bytes = _HEAD.unpack_from(row)
    start = _HEAD.size + 8 * (9 + 3 * sites)
    real = np.frombuffer(row, "<f8", 9 + 3 * sites, _HEAD.size).astype(np.float64)
    numbers = np.frombuffer(row, "<i2", sites, start).astype(np.int64)
    texts = row[start + 2 * sites :]
    identifier, note = (text.decode(errors="surrogatepass") for text in (texts[:id_bytes], texts[id_bytes:][:note_bytes]))
    return Crystal(identifier, real[:9].reshape(3, 3), real[9:].reshape(-1, 3), numbers, note)
