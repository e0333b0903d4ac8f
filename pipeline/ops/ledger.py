"""Record of the jobs that ran: one SQLite file, with one row per run and one per finished part.

A run holds the lease of its key. The lease is a file lock, which the operating system releases when the process dies. A run in
the state "running" whose lease is free is lost. The next run of the same key takes over its finished parts.
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

from data.errors import UserError
from data.store.artifact import make_folder, room_on_disk
from data.store.lock import is_locked, locked
from data.store.versions import refuse_newer

RUNNING, DONE, FAILED, INTERRUPTED, LOST = "running", "done", "failed", "interrupted", "lost"
HEARTBEAT_S = 15.0
SILENT_S = 120.0  # without a heartbeat, after which a run on another machine, whose lease is not visible here, is lost
PATIENCE_S = 5.0  # to wait for a lease that another process holds for a moment while it checks it
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
engine_run: ContextVar[str | None] = ContextVar("engine_run", default=None)  # id of the current Prefect flow run


@dataclass(frozen=True)
class Entry:
    """One run in the ledger; times are UTC in ISO 8601."""

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
    takes_over: int | None  # id of the lost run whose parts it took over
    why: str | None  # reason of a failure
    parts: int  # number of parts that this run finished


class Run:
    """A run in progress in this process."""

    def __init__(self, ledger: Ledger, identifier: int, key: str) -> None:
        self._ledger, self.id, self._key = ledger, identifier, key

    def finished(self, step: str, name: str = "") -> None:
        """Record a part that is stored on disk.

        Args:
            step: the step it belongs to, such as an epoch of a member.
            name: what distinguishes it from other parts of the step.
        """
        values = (self._key, step, name, self.id, _now())
        self._ledger.write("insert into part (key, step, name, run, finished) values (?, ?, ?, ?, ?)", values)


class Ledger:
    """The ledger of a home. Several processes may open it at the same time."""

    def __init__(self, home: Path) -> None:
        """Open or create the ledger in the folder `home`.

        Raises:
            UserError: the disk is full, the file is damaged, or a newer release wrote it.
        """
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
        """Record a run. When the block ends, its state becomes done, failed or interrupted.

        Args:
            job: kind of job: refresh, train, screen or calculate.
            key: identifies the work. Runs with the same key share a lease and take over each other's parts.
            inputs: description of the run, stored as JSON.

        Raises:
            Busy: another process does the same work.
            UserError: the disk is full.
        """
        with room_on_disk(self._path.parent), self._held(job, key, inputs) as run:
            yield run

    @contextmanager
    def _held(self, job: str, key: str, inputs: dict[str, Any]) -> Iterator[Run]:
        def busy() -> str:
            return f"this {job} is being done by {self._holder(key)}; nothing was done twice"

        with locked(self._lease(key), busy, PATIENCE_S):
            run = self._begin(job, key, inputs)
            beating = threading.Event()
            heart = threading.Thread(target=self._beat, args=(run.id, beating), daemon=True)
            heart.start()
            try:
                yield run
            except Exception as fault:
                self._end(run.id, FAILED, f"{type(fault).__name__}: {fault}")
                raise
            except BaseException:  # Ctrl-C, or Prefect's signal when a person cancels a job or stops the worker
                self._end(run.id, INTERRUPTED)
                raise
            else:
                self._end(run.id, DONE)
            finally:
                beating.set()
                heart.join()

    @contextmanager
    def idle(self, key: str) -> Iterator[None]:
        """Keep runs of some work from beginning as long as the block lasts.

        Raises:
            Busy: one is going on.
        """
        with locked(self._lease(key), lambda: f"{key} is being done by {self._holder(key)}"):
            yield

    def entries(self, last: int | None = None) -> list[Entry]:
        """All runs, or the `last` ones, oldest first. A run whose process has died is marked as lost."""
        question = "select r.*, (select count(*) from part p where p.run = r.id) as parts from run r order by r.id desc limit ?"
        with closing(self._connect()) as connection:
            found = [_entry(row) for row in connection.execute(question, (-1 if last is None else last,))]
        return [self._seen_now(entry) for entry in reversed(found)]

    def parts(self, key: str) -> list[tuple[str, str, int]]:
        """(step, name, run id) of all finished parts of the work `key`, in the order in which they were finished."""
        with closing(self._connect()) as connection:
            rows = connection.execute("select step, name, run from part where key = ? order by rowid", (key,))
            return [(str(row["step"]), str(row["name"]), int(row["run"])) for row in rows]

    def write(self, statement: str, values: tuple[Any, ...]) -> int:
        """Execute one statement durably, and return the id of the inserted row."""
        with closing(self._connect()) as connection, connection:
            return int(connection.execute(statement, values).lastrowid or 0)

    def _begin(self, job: str, key: str, inputs: dict[str, Any]) -> Run:
        """Record a new run. Under the lease, no other run with this key can be alive: those in the state running are lost."""
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
        return is_locked(self._lease(entry.key))

    def _seen_now(self, entry: Entry) -> Entry:
        if entry.state != RUNNING or self._lives(entry):
            return entry
        self.write("update run set state = ? where id = ? and state = ?", (LOST, entry.id, RUNNING))
        with closing(self._connect()) as connection:  # it may have ended since it was read, and released its lease itself
            now = connection.execute("select state, seen, ended, why from run where id = ?", (entry.id,)).fetchone()
        return replace(entry, **dict(now))

    def _holder(self, key: str) -> str:
        with closing(self._connect()) as connection:
            row = connection.execute("select * from run where key = ? and state = ? order by id desc", (key, RUNNING)).fetchone()
        return f"process {row['process']} on {row['host']} since {row['started']}" if row else "another process"

    def _lease(self, key: str) -> Path:
        return self._leases / f"{key}.lock"

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=60.0)
        connection.row_factory = sqlite3.Row
        return connection


def _entry(row: sqlite3.Row) -> Entry:
    values = dict(row)
    return Entry(**{**values, "inputs": json.loads(values["inputs"])})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
