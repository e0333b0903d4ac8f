"""Rows of bytes kept between runs, by key: one SQLite file that any process may read and write, and anybody may delete.

What is kept can always be computed again, so no fault of the file is an error: a damaged row or file counts as absent, the file
is begun anew, and a file that another process holds too long is left alone.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
PATIENCE_S = 10.0  # to wait for another process that writes
MAPPED_BYTES = 1 << 30  # of the file are read through the page cache instead of being copied
FORMAT = 1  # kept as SQLite's user_version; files of another one are begun anew
_SCHEMA = """
create table if not exists kept (key blob primary key, value blob not null);
create table if not exists used (key blob primary key, day integer not null) without rowid;
"""
_AT_ONCE = 500  # keys in one statement
_AGAIN_AFTER_DAYS = 7  # that a row was used is written down so seldom, which saves writing
_DIGEST_BYTES = 16


@dataclass(frozen=True)
class RowStore:
    """The file at `path`; days are whole numbers, counted from anywhere."""

    path: Path

    def get(self, keys: Sequence[bytes], day: int) -> dict[bytes, bytes]:
        """The rows that are there and sound, and a note that they were used today."""
        nothing: dict[bytes, bytes] = {}
        found = self._with(lambda base: _read(base, keys, day), nothing)
        sound = ((key, _sound(key, row)) for key, row in found.items())
        return {key: row for key, row in sound if row is not None}

    def put(self, rows: Mapping[bytes, bytes], day: int) -> None:
        """Keep rows; those of the same keys are replaced."""
        with_digest = [(key, _digest(key, row) + row) for key, row in rows.items()]

        def write(base: sqlite3.Connection) -> None:
            with base:
                base.executemany("insert or replace into kept values (?, ?)", with_digest)
                base.executemany("insert or replace into used values (?, ?)", [(key, day) for key in rows])

        if rows:
            self._with(write, None)

    @contextmanager
    def opened(self) -> Iterator[SingleRows]:
        """One connection for many look-ups of single rows; what is to be kept waits in `new`, and `put` keeps it."""
        base = None
        with suppress(sqlite3.Error, OSError):
            base = _open(self.path)
            base.execute("begin")
        rows = SingleRows(base)
        try:
            yield rows
        finally:
            if base is not None:
                base.close()

    def note_used(self, keys: Sequence[bytes], day: int) -> None:
        """Write down that rows were used today."""
        self._with(lambda base: _note_used(base, keys, day), None)

    def bytes_used(self) -> int:
        """Of rows and index, without free pages."""
        return self._with(_size, 0)

    def bound(self, limit: int) -> None:
        """Remove the rows that were not used for the longest time, until not more than `limit` bytes are used."""

        def shrink(base: sqlite3.Connection) -> None:
            base.execute("pragma mmap_size = 0")  # it goes through the whole file, which would be resident then
            while (used := _size(base)) > limit:
                rows = int(base.execute("select count(*) from used").fetchone()[0])
                if rows == 0:
                    return
                over = min(rows, 1 + int(rows * (1.0 - limit / used)))
                _remove(base, "select key from used order by day, key limit ?", over)

        self._with(shrink, None)

    def forget(self, before: int) -> None:
        """Remove the rows that were not used since a day, and give their room back."""

        def shrink(base: sqlite3.Connection) -> None:
            _remove(base, "select key from used where day < ?", before)
            base.execute("vacuum")

        if self.path.is_file():
            self._with(shrink, None)

    def _with(self, work: Callable[[sqlite3.Connection], T], nothing: T) -> T:
        try:
            with closing(_open(self.path)) as base:
                return work(base)
        except sqlite3.OperationalError:  # busy, no room, read only
            return nothing
        except (sqlite3.DatabaseError, OSError):  # damaged
            for end in ("", "-wal", "-shm"):
                with suppress(OSError):
                    self.path.with_name(self.path.name + end).unlink(missing_ok=True)
            return nothing


@dataclass(eq=False)
class SingleRows:
    """Rows of an open file one by one; without a connection, or after a fault, there are none."""

    base: sqlite3.Connection | None
    new: dict[bytes, bytes] = field(default_factory=dict)
    used: list[bytes] = field(default_factory=list)

    def find(self, key: bytes) -> bytes | None:
        """The row, if it is there and sound."""
        if self.base is None:
            return None
        try:
            found = self.base.execute("select value from kept where key = ?", (key,)).fetchone()
        except sqlite3.Error:  # damaged: the next `put` begins the file anew
            self.base = None
            return None
        row = None if found is None else _sound(key, found[0])
        if row is not None:
            self.used.append(key)
        return row

    def keep(self, key: bytes, row: bytes) -> None:
        """Have a row wait to be kept."""
        self.new[key] = row


def _sound(key: bytes, row: bytes) -> bytes | None:
    content = row[_DIGEST_BYTES:]
    return content if row[:_DIGEST_BYTES] == _digest(key, content) else None


def _open(path: Path) -> sqlite3.Connection:
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
    base = sqlite3.connect(path, timeout=PATIENCE_S)
    try:
        stated = base.execute("pragma user_version").fetchone()[0]
        if stated not in (0, FORMAT):
            raise sqlite3.DatabaseError(f"format {stated}")
        base.execute("pragma journal_mode = wal")
        base.execute(f"pragma mmap_size = {MAPPED_BYTES}")
        base.execute("pragma synchronous = normal")
        if stated == 0:
            base.executescript(_SCHEMA)
            base.execute(f"pragma user_version = {FORMAT}")
    except BaseException:
        base.close()
        raise
    return base


def _read(base: sqlite3.Connection, keys: Sequence[bytes], day: int) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for start in range(0, len(keys), _AT_ONCE):
        part = list(keys[start : start + _AT_ONCE])
        places = ", ".join("?" * len(part))
        found.update(base.execute(f"select key, value from kept where key in ({places})", part))
    _note_used(base, keys, day)
    return found


def _note_used(base: sqlite3.Connection, keys: Sequence[bytes], day: int) -> None:
    for start in range(0, len(keys), _AT_ONCE):
        part = list(keys[start : start + _AT_ONCE])
        places = ", ".join("?" * len(part))
        old = [*part, day - _AGAIN_AFTER_DAYS]
        with suppress(sqlite3.OperationalError), base:  # a note that cannot be made now is no loss
            if base.execute(f"select 1 from used where key in ({places}) and day <= ? limit 1", old).fetchone():
                base.execute(f"update used set day = ? where key in ({places})", [day, *part])


def _remove(base: sqlite3.Connection, chosen: str, value: int) -> None:
    with base:
        base.execute(f"delete from kept where key in ({chosen})", (value,))
        base.execute(f"delete from used where key in ({chosen})", (value,))


def _size(base: sqlite3.Connection) -> int:
    pages, free, size = (base.execute(f"pragma {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size"))
    return int((pages - free) * size)


def _digest(key: bytes, row: bytes) -> bytes:
    return hashlib.blake2b(key + row, digest_size=_DIGEST_BYTES).digest()


def row_keys(prefix: bytes, contents: Iterable[bytes]) -> list[bytes]:
    """Keys of contents; `prefix` says what was computed from them, and how."""
    return [hashlib.blake2b(content, digest_size=24, key=prefix).digest() for content in contents]
