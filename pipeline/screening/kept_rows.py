"""What screens keep of crystals that they have seen: one file of rows, found by what they were computed from and by what computed
them, which is the code, the models and the libraries. Whatever of these changes, nothing of before is found."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import torch

from data.cif.kept_texts import kept_texts
from data.rejection import Rejection
from data.sources import Record, Shard, Source
from data.store.artifact import source_hash, text_hash
from pipeline.ops.provenance import version
from pipeline.ops.row_store import RowStore

FILE = "predictions.sqlite"
ROOMS = ("data", "models", "pipeline")
LIBRARIES = (  # whose arithmetic, tables of elements, readers or symmetry searches decide a row
    "numpy", "scipy", "pandas", "torch", "torch-geometric", "scikit-learn", "moyopy", "spglib", "gemmi", "pymatgen",
    "pymatgen-core", "matminer", "ase",
)  # fmt: skip
_ROOT = Path(__file__).parents[2]
_DAY_S = 86400.0
T = TypeVar("T")


def open_store(folder: Path | None) -> RowStore | None:
    """The file in a folder; None for None."""
    return None if folder is None else RowStore(folder / FILE)


def today() -> int:
    return int(time.time() // _DAY_S)


def key_prefix(*computed_by: str) -> bytes:
    """Stands in keys for the code, the libraries, the processor, and what else computed a row."""
    return bytes.fromhex(text_hash(_code(), *computed_by))


def libraries() -> list[str]:
    """The versions of LIBRARIES, asked of the installation: importing some of them takes a second."""
    return [version(name) for name in LIBRARIES]


@lru_cache(maxsize=1)
def _code() -> str:
    return source_hash([_ROOT / room for room in ROOMS], *libraries(), torch.backends.cpu.get_cpu_capability())


def filled(
    store: RowStore, keys: list[bytes], licensed: Sequence[bool], compute: Callable[[list[int]], list[T]],
    pack: Callable[[T], bytes], unpack: Callable[[bytes], T],
) -> list[T]:  # fmt: skip
    """What the store has, and the rest computed and, unless licensed, kept.

    Args:
        store: the file.
        keys: of the rows that are wanted.
        licensed: which of them are never kept.
        compute: values of the rows at some places.
        pack: a value to its row.
        unpack: a row to its value.
    """
    day = today()
    found = store.get([key for key, secret in zip(keys, licensed, strict=True) if not secret], day)
    missing = [k for k, key in enumerate(keys) if key not in found]
    computed = dict(zip(missing, compute(missing), strict=True)) if missing else {}
    store.put({keys[k]: pack(value) for k, value in computed.items() if not licensed[k]}, day)
    return [computed[k] if k in computed else unpack(found[key]) for k, key in enumerate(keys)]


def read_kept(source: Source, shard: Shard, store: RowStore | None) -> list[Record | Rejection]:
    """What a shard holds. CIF texts that were read before are not read again, and new ones are kept, unless one of the shard's
    crystals is licensed."""
    if store is None:
        return list(source.read(shard))
    with store.opened() as rows, kept_texts(rows):
        items = list(source.read(shard))
    store.note_used(rows.used, today())
    if not any(item.licensed for item in items):
        store.put(rows.new, today())
    return items
