"""Memory that nothing uses goes back to the system, measured by what the system says."""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.ops.memory import give_back_memory

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
