"""Memory that is free and still taken: what Arrow's pool and glibc keep for the next time."""

from __future__ import annotations

import ctypes
import sys

import pyarrow as pa


def give_back_memory() -> None:
    """Give the system back what Arrow and the C library hold of memory that nothing uses any more.

    After a large table was made or read this is several times the table. Where the C library cannot do so, its part stays taken.
    """
    pa.default_memory_pool().release_unused()
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):  # glibc has it, musl has not
        libc.malloc_trim(0)
