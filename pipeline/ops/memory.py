"""Memory that is free and still taken: what Arrow's pool and glibc keep for the next time; and tables that are copied late."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd
import pyarrow as pa

_copies_late = threading.Lock()


def give_back_memory() -> None:
    """Give the system back what Arrow and the C library hold of memory that nothing uses any more.

    After a large table was made or read this is several times the table. Where the C library cannot do so, its part stays taken.
    """
    pa.default_memory_pool().release_unused()
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):  # glibc has it, musl has not
        libc.malloc_trim(0)


@contextmanager
def copy_on_write() -> Iterator[None]:
    """Let pandas copy a table where it is written to, and not in each step, within the block.

    One thread at a time: the option is of the whole process, and of two blocks that overlap the later one would restore what the
    earlier one had set, and the option would stay so.
    """
    with _copies_late, pd.option_context("mode.copy_on_write", True):
        yield
