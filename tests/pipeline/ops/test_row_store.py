"""What is kept between runs: found again as it was, bounded, and harmless where it is damaged."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.ops.row_store import RowStore, row_keys

DAY = 20_000
ROWS = {key: bytes([k]) * 3000 for k, key in enumerate(row_keys(b"made up", (str(k).encode() for k in range(120))))}


def test_rows_come_back_and_others_do_not(tmp_path: Path) -> None:
    store = RowStore(tmp_path / "kept" / "rows.sqlite")
    assert store.get(list(ROWS), DAY) == {}
    store.put(ROWS, DAY)
    store.put({}, DAY)
    assert RowStore(store.path).get([*ROWS, *row_keys(b"another model", [b"0"])], DAY) == ROWS
    assert row_keys(b"made up", [b"0"]) != row_keys(b"another model", [b"0"])


def test_a_damaged_row_is_none_and_is_written_anew(tmp_path: Path) -> None:
    store = RowStore(tmp_path / "rows.sqlite")
    store.put(ROWS, DAY)
    first, second, *_ = ROWS
    with closing(sqlite3.connect(store.path)) as base, base:
        base.execute("update kept set value = zeroblob(length(value)) where key = ?", (first,))
        base.execute("update kept set value = (select value from kept where key = ?) where key = ?", (tuple(ROWS)[2], second))
    assert store.get(list(ROWS), DAY).keys() == ROWS.keys() - {first, second}, "neither zeros nor another crystal's row"
    store.put({first: ROWS[first]}, DAY)
    assert store.get([first], DAY) == {first: ROWS[first]}


@pytest.mark.parametrize("damage", ["cut", "text", "middle", "newer"])
def test_a_damaged_file_is_begun_anew(tmp_path: Path, damage: str) -> None:
    store = RowStore(tmp_path / "rows.sqlite")
    store.put(ROWS, DAY)
    content = bytearray(store.path.read_bytes())
    if damage == "newer":
        with closing(sqlite3.connect(store.path)) as base:
            base.execute("pragma user_version = 99")
    elif damage == "middle":
        content[4096:] = b"\xff" * (len(content) - 4096)
        store.path.write_bytes(content)
    else:
        store.path.write_bytes(content[: len(content) // 2] if damage == "cut" else b"no database at all" * 500)
    found = store.get(list(ROWS), DAY)
    assert all(found[key] == ROWS[key] for key in found), "never a wrong row"
    for _ in range(2):
        store.put(ROWS, DAY)
    assert store.get(list(ROWS), DAY) == ROWS


def test_the_rows_unused_for_longest_make_room(tmp_path: Path) -> None:
    store = RowStore(tmp_path / "rows.sqlite")
    keys = list(ROWS)
    store.put({key: ROWS[key] for key in keys[:60]}, DAY)
    store.put({key: ROWS[key] for key in keys[60:]}, DAY + 1)
    store.get(keys[:10], DAY + 30)  # these are used again
    whole = store.bytes_used()
    store.bound(whole)
    assert store.bytes_used() == whole, "there was room for all"
    store.bound(whole // 2)
    assert store.bytes_used() <= whole // 2
    left = store.get(keys, DAY + 30)
    assert set(keys[:10]) <= left.keys() and not left.keys() & set(keys[10:60]) and len(left) > 20
    store.bound(0)
    assert store.get(keys, DAY) == {}


def test_forgetting_gives_room_back(tmp_path: Path) -> None:
    store = RowStore(tmp_path / "rows.sqlite")
    store.forget(DAY)
    assert not store.path.exists()
    store.put(ROWS, DAY)
    kept = dict(list(ROWS.items())[:5])
    store.put(kept, DAY + 40)
    size = store.path.stat().st_size
    store.forget(DAY + 10)
    assert store.get(list(ROWS), DAY + 40) == kept and store.path.stat().st_size < size / 4


def test_a_file_that_cannot_be_written_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    store = RowStore(tmp_path / "file" / "rows.sqlite")
    store.put(ROWS, DAY)
    assert store.get(list(ROWS), DAY) == {} and store.bytes_used() == 0
    store.bound(0)
