"""The ledger tells the truth whatever becomes of the process that writes it."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from prefect.exceptions import TerminationSignal

from data.store.lock import Busy
from pipeline.ops import ledger as module
from pipeline.ops.ledger import DONE, FAILED, INTERRUPTED, LOST, RUNNING, Ledger, engine_run

ROOT = Path(__file__).resolve().parents[3]
DYING = """
import sys, time
from pathlib import Path
from pipeline.ops.ledger import Ledger
with Ledger(Path(sys.argv[1])).run("screen", "k", {"what": "é"}) as run:
    run.finished("predict", "0")
    print("here", flush=True)
    time.sleep(60)
"""


def test_a_run_and_its_parts(tmp_path: Path) -> None:
    book = Ledger(tmp_path)
    token = engine_run.set("abc")
    try:
        with book.run("train", "t-1", {"snapshot": "s"}) as run:
            run.finished("member", "forest-0")
            run.finished("publish")
            (now,) = book.entries()
            assert (now.state, now.parts, now.ended) == (RUNNING, 2, None)
    finally:
        engine_run.reset(token)
    (entry,) = Ledger(tmp_path).entries()
    assert (entry.state, entry.job, entry.inputs, entry.engine_run, entry.process) == (
        DONE, "train", {"snapshot": "s"}, "abc", os.getpid(),
    )  # fmt: skip
    assert entry.started <= entry.seen == entry.ended and entry.takes_over is None
    assert book.parts("t-1") == [("member", "forest-0", entry.id), ("publish", "", entry.id)]


@pytest.mark.parametrize(
    ("fault", "state"),
    [(ValueError("broken"), FAILED), (KeyboardInterrupt(), INTERRUPTED), (TerminationSignal(signal.SIGTERM), INTERRUPTED)],
)
def test_what_ended_a_run_is_entered_and_goes_on(tmp_path: Path, fault: BaseException, state: str) -> None:
    book = Ledger(tmp_path)
    with pytest.raises(type(fault)), book.run("train", "k", {}):
        raise fault
    (entry,) = book.entries()
    assert entry.state == state and entry.why == ("ValueError: broken" if state == FAILED else None)
    with book.run("train", "k", {}):
        pass
    assert [e.takes_over for e in book.entries()] == [None, None], "only a lost run is taken over"


def dying(home: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", DYING, str(home)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "here\n"
    return process


def test_a_killed_run_is_lost_and_taken_over(tmp_path: Path) -> None:
    process = dying(tmp_path)
    book = Ledger(tmp_path)
    assert [e.state for e in book.entries()] == [RUNNING]
    with pytest.raises(Busy, match=f"process {process.pid} on .* nothing was done twice"), book.run("screen", "k", {}):
        pass
    with book.run("screen", "another", {}):
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    first = book.entries()[0]
    assert (first.state, first.parts, first.inputs) == (LOST, 1, {"what": "é"})
    with book.run("screen", "k", {}) as run:
        run.finished("predict", "1")
    entries = book.entries()
    assert [e.state for e in entries] == [LOST, DONE, DONE] and entries[2].takes_over == first.id
    assert [(step, name) for step, name, _ in book.parts("k")] == [("predict", "0"), ("predict", "1")]
    assert len(book.entries(last=1)) == 1


def test_a_run_elsewhere_lives_by_its_heartbeat(tmp_path: Path) -> None:
    book = Ledger(tmp_path)
    with pytest.raises(SystemExit), book.run("train", "k", {}):
        raise SystemExit
    connection = sqlite3.connect(tmp_path / "ledger.sqlite")
    with connection:
        connection.execute("update run set state = ?, host = 'far away', ended = null", (RUNNING,))
    assert book.entries()[0].state == RUNNING, "seen a moment ago"
    with connection:
        connection.execute("update run set seen = '2020-01-01T00:00:00.000+00:00'")
    connection.close()
    assert book.entries()[0].state == LOST


def test_the_heart_beats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEARTBEAT_S", 0.05)
    book = Ledger(tmp_path)
    with book.run("train", "k", {}):
        first = book.entries()[0].seen
        deadline = time.monotonic() + 10
        while book.entries()[0].seen == first:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_many_write_at_once(tmp_path: Path) -> None:
    def work(k: int) -> None:
        with Ledger(tmp_path).run("screen", f"k{k}", {}) as run:
            for part in range(10):
                run.finished("predict", str(part))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries = Ledger(tmp_path).entries()
    assert [(e.state, e.parts) for e in entries] == [(DONE, 10)] * 8


def test_a_run_that_ends_while_it_is_looked_at_is_not_lost(tmp_path: Path) -> None:
    """Else a job of a server would be set to Crashed while it writes its report."""
    book = Ledger(tmp_path)
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            with book.run("screen", "k", {}):
                pass

    busy = threading.Thread(target=work)
    busy.start()
    try:
        end = time.monotonic() + 5
        while time.monotonic() < end:
            assert LOST not in {entry.state for entry in book.entries(last=2)}
    finally:
        over.set()
        busy.join()
