"""What ran, on what, and how far it came: one SQLite file, a row for each run and one for each finished part.

A run holds the lease of its key, a file lock, which the system takes from a process that dies, however it dies. Whoever finds a
run "running" whose lease is free knows that it is lost; the next run of that key takes its finished parts over.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from data.errors import UserError
from data.store.artifact import make_folder, room_on_disk
from data.store.lock import Busy
from data.store.versions import refuse_newer

RUNNING, DONE, FAILED, INTERRUPTED, LOST = "running", "done", "failed", "interrupted", "lost"
HEARTBEAT_S = 15.0
SILENT_S = 120.0  # a run on another machine, whose lease cannot be seen from here, is lost after so long without a heartbeat
PATIENCE_S = 5.0  # with a lease that somebody only looks at
LEDGER_FORMAT = 1  # kept as SQLite's user_version; raise it with any change of _SCHEMA, and bring older files up to it
_SCHEMA = """
create table if not exists run (
    id integer primary key, job text not null, key text not null, inputs text not null, state text not null,
    started text not null, seen text not null, ended text, host text not null, process integer not null,
    engine_run text, takes_over integer, why text
);
create index if not exists run_key on run (key, state);
create table if not exists part (
    key text not null, step text not null, name text not null, run integer not null references run (id), finished text not null
);
create index if not exists part_run on part (run);
"""
_REMEDY = "move it away: a home without a ledger begins a new one"
engine_run: ContextVar[str | None] = ContextVar("engine_run", default=None)  # id that the orchestrator gave to what runs now


@dataclass(frozen=True)
class Entry:
    """One run as the ledger knows it; times are UTC in ISO 8601."""

    id: int
    job: str
    key: str
    inputs: dict[str, Any]
    state: str
    started: str
    seen: str  # the last heartbeat
    ended: str | None
    host: str
    process: int
    engine_run: str | None
    takes_over: int | None  # the lost run whose parts it found
    why: str | None  # of a failure
    parts: int  # finished by this very run


class Run:
    """A run that is going on, in this process."""

    def __init__(self, ledger: Ledger, identifier: int, key: str) -> None:
        self._ledger, self.id, self._key = ledger, identifier, key

    def finished(self, step: str, name: str = "") -> None:
        """Note a part that is safely on the disk."""
        values = (self._key, step, name, self.id, _now())
        self._ledger.write("insert into part (key, step, name, run, finished) values (?, ?, ?, ?, ?)", values)


class Ledger:
    """The ledger of a home; may be opened by any number of processes."""

    def __init__(self, home: Path) -> None:
        """Raises UserError where the disk is full, the file is damaged, or a newer release wrote it."""
        self._leases = make_folder(home / "leases")
        self._path = home / "ledger.sqlite"
        with room_on_disk(home):
            try:
                self._prepare()
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError as fault:
                raise UserError(f"{self._path} is no readable ledger ({fault}); {_REMEDY}") from fault

    def _prepare(self) -> None:
        with closing(self._connect()) as connection, connection:
            stated = connection.execute("pragma user_version").fetchone()[0]
            refuse_newer(str(self._path), stated, LEDGER_FORMAT, _REMEDY)
            if stated < LEDGER_FORMAT:  # a new file, or one of before the number was kept, whose tables are those of format 1
                connection.executescript(f"{_SCHEMA} pragma user_version = {LEDGER_FORMAT};")

    @contextmanager
    def run(self, job: str, key: str, inputs: dict[str, Any]) -> Iterator[Run]:
        """Enter a run; it is entered as done, failed or interrupted when the block ends.

        Args:
            job: refresh, train, screen.
            key: the same for the same work: its lease, and whose parts it takes over.
            inputs: what a person wants to know of it, as JSON.

        Raises:
            Busy: a living process is at the same work.
            UserError: the disk is full, whoever came upon it.
        """
        with room_on_disk(self._path.parent), self._held(job, key, inputs) as run:
            yield run

    @contextmanager
    def _held(self, job: str, key: str, inputs: dict[str, Any]) -> Iterator[Run]:
        lock = FileLock(self._lease(key), timeout=PATIENCE_S)
        try:
            lock.acquire()
        except Timeout:
            raise Busy(f"this {job} is being done by {self._holder(key)}; nothing was done twice") from None
        try:
            run = self._begin(job, key, inputs)
            beating = threading.Event()
            heart = threading.Thread(target=self._beat, args=(run.id, beating), daemon=True)
            heart.start()
            try:
                yield run
            except KeyboardInterrupt:
                self._end(run.id, INTERRUPTED)
                raise
            except BaseException as fault:
                self._end(run.id, FAILED, f"{type(fault).__name__}: {fault}")
                raise
            else:
                self._end(run.id, DONE)
            finally:
                beating.set()
                heart.join()
        finally:
            lock.release()

    def entries(self, last: int | None = None) -> list[Entry]:
        """All runs, or the last so many, the oldest first; a run whose process has died is lost."""
        question = "select r.*, (select count(*) from part p where p.run = r.id) as parts from run r order by r.id desc limit ?"
        with closing(self._connect()) as connection:
            found = [_entry(row) for row in connection.execute(question, (-1 if last is None else last,))]
        return [self._seen_now(entry) for entry in reversed(found)]

    def parts(self, key: str) -> list[tuple[str, str, int]]:
        """(step, name, run) of all finished parts of a piece of work, in the order of their finishing."""
        with closing(self._connect()) as connection:
            rows = connection.execute("select step, name, run from part where key = ? order by rowid", (key,))
            return [(str(row["step"]), str(row["name"]), int(row["run"])) for row in rows]

    def write(self, statement: str, values: tuple[Any, ...]) -> int:
        """One statement, durable when this returns; returns the id of an inserted row."""
        with closing(self._connect()) as connection, connection:
            return int(connection.execute(statement, values).lastrowid or 0)

    def _begin(self, job: str, key: str, inputs: dict[str, Any]) -> Run:
        """Under the lease: whatever else is running under this key is so no more."""
        now = _now()
        with closing(self._connect()) as connection, connection:
            connection.execute("begin immediate")
            lost = connection.execute("select max(id) as id from run where key = ? and state in (?, ?)", (key, RUNNING, LOST))
            before = lost.fetchone()["id"]
            connection.execute("update run set state = ? where key = ? and state = ?", (LOST, key, RUNNING))
            row = (job, key, json.dumps(inputs, ensure_ascii=False, default=str), RUNNING, now, now)
            made = connection.execute(
                "insert into run (job, key, inputs, state, started, seen, host, process, engine_run, takes_over) "
                "values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*row, socket.gethostname(), os.getpid(), engine_run.get(), before),
            )
        return Run(self, int(made.lastrowid or 0), key)

    def _end(self, identifier: int, state: str, why: str | None = None) -> None:
        now = _now()
        self.write("update run set state = ?, seen = ?, ended = ?, why = ? where id = ?", (state, now, now, why, identifier))

    def _beat(self, identifier: int, stop: threading.Event) -> None:
        while not stop.wait(HEARTBEAT_S):
            with suppress(sqlite3.OperationalError):  # a disk that is full now may have room at the next beat
                self.write("update run set seen = ? where id = ?", (_now(), identifier))

    def _lives(self, entry: Entry) -> bool:
        if entry.host != socket.gethostname():
            return datetime.now(UTC) - datetime.fromisoformat(entry.seen) < timedelta(seconds=SILENT_S)
        lock = FileLock(self._lease(entry.key), timeout=0)
        try:
            lock.acquire()
        except Timeout:
            return True
        lock.release()
        return False

    def _seen_now(self, entry: Entry) -> Entry:
        if entry.state != RUNNING or self._lives(entry):
            return entry
        self.write("update run set state = ? where id = ? and state = ?", (LOST, entry.id, RUNNING))
        return replace(entry, state=LOST)

    def _holder(self, key: str) -> str:
        with closing(self._connect()) as connection:
            row = connection.execute("select * from run where key = ? and state = ? order by id desc", (key, RUNNING)).fetchone()
        return f"process {row['process']} on {row['host']} since {row['started']}" if row else "another process"

    def _lease(self, key: str) -> str:
        return str(self._leases / f"{key}.lock")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=60.0)
        connection.row_factory = sqlite3.Row
        return connection


def _entry(row: sqlite3.Row) -> Entry:
    values = dict(row)
    return Entry(**{**values, "inputs": json.loads(values["inputs"])})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
