"""The cache of the slow descriptors: what is there is not computed again, and nothing but whole rows is ever there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from data.symmetry import SymmetricCell, symmetrise
from pipeline.features import slow_descriptor_store
from pipeline.features.rowcache import RowCache
from pipeline.features.slow_descriptor_store import compute_slow_descriptors, slow_descriptor_cache, stored_slow_descriptors
from pipeline.features.slow_descriptors import slow_descriptor_key, slow_descriptor_row
from tests.contract import crystals as made

NAMES = ["Fe", "MnO", "CrI3 layer", "Ni"]
ROOT = Path(__file__).parents[3]
WRITER = """
import sys, numpy as np
from pathlib import Path
from pipeline.features.rowcache import RowCache
cache = RowCache(Path(sys.argv[1]), 300)
for k in range(400):
    key = f"{k % 4:02x}row"
    cache.put(key, np.full(300, k % 4, dtype=np.float32))
    row = cache.get(key)
    assert row is not None and (row == k % 4).all(), key
"""


def cells() -> list[SymmetricCell]:
    return [symmetrise(made.hand_built()[name]) for name in NAMES]


def test_a_second_run_computes_nothing(tmp_path: Path) -> None:
    cache = slow_descriptor_cache(tmp_path)
    ticks: list[int] = []
    first = compute_slow_descriptors(cells()[:3], cache, 1, ticks.append)
    again = compute_slow_descriptors(cells(), cache, 1, ticks.append)
    assert (first.computed, again.computed) == (3, 1), "the failed layer is remembered too"
    assert sum(ticks) == 3 + 4
    assert again.keys == [slow_descriptor_key(cell) for cell in cells()]
    rows = stored_slow_descriptors(again.keys, cache)
    np.testing.assert_array_equal(rows, np.stack([slow_descriptor_row(cell) for cell in cells()]))
    assert np.isnan(rows).all(axis=1).tolist() == [False, False, True, False]


def test_what_is_not_in_the_cache_is_missing(tmp_path: Path) -> None:
    cache = slow_descriptor_cache(tmp_path)
    assert np.isnan(stored_slow_descriptors([slow_descriptor_key(cells()[0])], cache)).all()


def test_another_version_has_another_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = slow_descriptor_cache(tmp_path).folder
    monkeypatch.setattr(slow_descriptor_store, "SLOW_DESCRIPTOR_CODE", "another")
    assert slow_descriptor_cache(tmp_path).folder != now


def die_on_nickel(cell: SymmetricCell) -> tuple[str, np.ndarray]:
    if 28 in cell.numbers:
        os.kill(os.getpid(), signal.SIGKILL)
    return slow_descriptor_key(cell), slow_descriptor_row(cell)


def test_a_crystal_that_kills_its_worker_costs_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_descriptor_store, "_keyed_row", die_on_nickel)
    cache = slow_descriptor_cache(tmp_path)
    done = compute_slow_descriptors([cell for cell in cells() if 53 not in cell.numbers], cache, 1)
    assert done.computed == 3
    assert np.isnan(stored_slow_descriptors(done.keys, cache)).all(axis=1).tolist() == [False, False, True]


@pytest.mark.parametrize("damage", ["short", "empty", "flipped"])
def test_a_damaged_row_counts_as_none_and_is_written_anew(tmp_path: Path, damage: str) -> None:
    cache, row = RowCache(tmp_path, 5), np.arange(5, dtype=np.float32)
    cache.put("abcd", row)
    file = next(path for path in tmp_path.rglob("*") if path.is_file())
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes({"short": bytes(content[:-4]), "empty": b"", "flipped": bytes(content)}[damage])
    assert cache.get("abcd") is None
    cache.put("abcd", row)
    np.testing.assert_array_equal(cache.get("abcd"), row)


def test_two_processes_may_write_the_same_rows_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    writers = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for writer in writers:
        _, errors = writer.communicate(timeout=60)
        assert writer.returncode == 0, errors
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 4, "something temporary is left"
