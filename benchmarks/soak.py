"""Nights on end: refresh and screen against a moving Materials Project, each killed at a random moment and given again.

    python -m benchmarks.soak [--cycles 200] [--minutes 60] [--seed 1]

One home, one model, one loopback service. Every night the service publishes a release in which some materials moved; `refresh` is
killed with SIGKILL after a random share of its usual time and given again until it ends, then `screen mp` likewise, then old
rankings and snapshots are pruned. After each night:

* the newest snapshot holds the materials of the service, no more and no fewer, and its files have their hashes;
* the screen ranks what ICSD knows of it;
* no run in the ledger is left "running", and no part of one piece of work was done twice;
* nothing half-written is left behind, and no more rankings and snapshots than pruning leaves (what still grows is the ledger).

Jobs are real processes; they are forked from one that has imported everything, so that a night takes seconds.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import signal
import tempfile
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.kills_child import JOBS, KEY, PAGE
from benchmarks.smoke import arguments
from data.snapshot import list_snapshots, open_snapshot
from data.sources.starter import StarterSource
from pipeline.ops.ledger import DONE, RUNNING, Ledger
from pipeline.refresh.prune import prune
from pipeline.screening.previous import list_runs
from pipeline.screening.runs import find_run
from pipeline.settings import Settings

MOST_KILLS = 4  # of one job in one night; after so many it is left in peace
KEPT, KEPT_RUNS = 2, 3  # snapshots, rankings


@dataclass
class Tally:
    """What the nights came to."""

    nights: int = 0
    kills: int = 0
    late: int = 0  # kills that came when the job had ended
    usual: dict[str, float] = field(default_factory=lambda: {"refresh": 1.0, "screen": 1.0})  # s, of jobs left in peace
    bytes: list[int] = field(default_factory=list)  # of the home, after each night


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cycles", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    options = arguments(parser, lambda made: ["--cycles", 1, "--minutes", 1], MOST_KILLS=1)
    ours, theirs = multiprocessing.Pipe()
    nursery = multiprocessing.get_context("fork").Process(target=_nursery, args=(theirs,))
    nursery.start()  # before the service has threads
    try:
        with tempfile.TemporaryDirectory(prefix="ferroscreen-soak-") as folder:
            began = time.monotonic()
            tally = soak(ours, Path(folder), options.cycles, began + 60 * options.minutes, random.Random(options.seed))
            minutes = (time.monotonic() - began) / 60
    finally:
        ours.send(None)
    print(f"| nights | kills | of them after the end | minutes | home after 10 nights, MB | after all, MB |\n{'|---' * 6}|")
    home = [tally.bytes[min(9, len(tally.bytes) - 1)], tally.bytes[-1]]
    print(f"| {tally.nights} | {tally.kills} | {tally.late} | {minutes:.1f} | {home[0] / 1e6:.2f} | {home[1] / 1e6:.2f} |")


def soak(nursery: Connection, home: Path, cycles: int, end: float, rng: random.Random) -> Tally:
    """Raises AssertionError where a promise is broken."""
    from tests.servers.__main__ import database, next_release
    from tests.servers.materials_project import MaterialsProjectServer

    data, tally = database(StarterSource()), Tally()
    with MaterialsProjectServer(data, KEY).running() as service:
        where = Settings(home=home, workers=1, mp_endpoint=service.endpoint, mp_page_size=PAGE)
        for job in ("refresh", "train"):
            assert _run(nursery, job, where).wait() == 0
        while tally.nights < cycles and time.monotonic() < end:
            tally.nights += 1
            next_release(data, tally.nights)
            for job in ("refresh", "screen"):
                _until_done(nursery, job, where, tally, rng)
            prune(where, KEPT, keep_runs=KEPT_RUNS)
            check(where, set(data.ids()))
            tally.bytes.append(sum(p.stat().st_size for p in home.rglob("*") if p.is_file()))
            if tally.nights % 10 == 0:
                print(f"night {tally.nights}: {tally.kills} kills, {tally.bytes[-1] / 1e6:.2f} MB", flush=True)
    return tally


def check(where: Settings, wanted: set[str]) -> None:
    """The promises, after a night."""
    snapshot = open_snapshot(where.snapshots)
    snapshot.verify()
    table = snapshot.table(["material_id"])
    assert set(table.column("material_id").to_pylist()) <= wanted
    assert snapshot.manifest["crystals"] + snapshot.manifest["quarantined"] == len(wanted)
    run = find_run(where, None)
    assert run.manifest["ranked"] == len(run.ranking()) > 0
    ledger = Ledger(where.home)
    entries = ledger.entries()
    assert RUNNING not in {entry.state for entry in entries}
    states = {entry.id: entry.state for entry in entries}
    for key in {entry.key for entry in entries}:
        done: set[tuple[str, str]] = set()
        for step, name, run_id in ledger.parts(key):
            assert step == "publish" or (step, name) not in done, f"{key}: {step} {name} was done twice"
            done = set() if step == "publish" and states[run_id] == DONE else done | {(step, name)}  # a night has ended
    left = [p for p in where.home.rglob("*") if p.name.startswith(".building-") or p.name.endswith(".part")]
    assert len(left) <= MOST_KILLS, left  # of tonight's kills; the next writer clears them away
    assert len(list_runs(where)) <= KEPT_RUNS
    assert len(list_snapshots(where.snapshots)) <= KEPT + KEPT_RUNS + 1, "each ranking's, and the model's"
    assert [s.name for s in where.work.iterdir()] == [], "unfinished work that nobody takes up"


def _until_done(nursery: Connection, job: str, where: Settings, tally: Tally, rng: random.Random) -> None:
    for _ in range(rng.randint(0, MOST_KILLS)):
        child = _run(nursery, job, where)
        time.sleep(rng.random() * tally.usual[job])
        tally.kills += 1
        tally.late += child.kill()
    started = time.monotonic()
    assert _run(nursery, job, where).wait() == 0
    tally.usual[job] = 0.8 * tally.usual[job] + 0.2 * (time.monotonic() - started)


class _Child:
    """A job in a process of its own."""

    def __init__(self, nursery: Connection, pid: int) -> None:
        self._nursery, self._pid = nursery, pid

    def wait(self) -> int:
        """Its exit code."""
        self._nursery.send(("wait", self._pid))
        code: int = self._nursery.recv()
        return code

    def kill(self) -> bool:
        """SIGKILL; whether it had ended before."""
        os.kill(self._pid, signal.SIGKILL)  # a process that ended is still there until it is waited for
        return self.wait() != -signal.SIGKILL


def _run(nursery: Connection, job: str, where: Settings) -> _Child:
    nursery.send((job, where))
    pid: int = nursery.recv()
    return _Child(nursery, pid)


def _nursery(orders: Connection) -> None:
    """Imports everything once, then forks a job for each order."""
    import mp_api.client
    import torch

    _ = mp_api.client
    torch.set_num_threads(1)
    while (order := orders.recv()) is not None:
        name, content = order
        if name == "wait":
            orders.send(os.waitstatus_to_exitcode(os.waitpid(content, 0)[1]))
            continue
        pid = os.fork()
        if pid == 0:
            try:
                JOBS[name](content)
            except BaseException as fault:
                print(f"{name}: {type(fault).__name__}: {fault}", flush=True)
                os._exit(1)
            os._exit(0)
        orders.send(pid)


if __name__ == "__main__":
    main()
