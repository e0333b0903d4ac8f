"""Memory that nothing uses goes back to the system, measured by what the system says."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from pipeline.ops.memory import copy_on_write, give_back_memory

MB = 2**20
BLOCK = 16 * 1024  # small enough for the C library's own heap


def resident() -> int:
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_freed_memory_is_given_back() -> None:
    give_back_memory()
    before = resident()
    blocks = [bytes(b"\1" * BLOCK) for _ in range(100 * MB // BLOCK)]
    table = pa.table({"x": pa.array(range(10 * MB))})
    assert resident() > before + 150 * MB
    del blocks, table
    give_back_memory()
    assert resident() < before + 60 * MB


def test_two_threads_leave_the_option_of_pandas_as_it_was() -> None:
    """Two screens at once in a program: the second one met the option of the first, and left it to the program."""
    before, entered, ended = pd.get_option("mode.copy_on_write"), threading.Event(), threading.Event()

    def second() -> None:
        with copy_on_write():
            entered.set()
            ended.wait(10.0)

    thread = threading.Thread(target=second)
    with copy_on_write():
        assert pd.get_option("mode.copy_on_write") is True
        thread.start()
        entered.wait(0.2)  # it never does where one thread waits for the other
    ended.set()
    thread.join()
    assert pd.get_option("mode.copy_on_write") is before
