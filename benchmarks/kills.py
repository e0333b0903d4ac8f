"""Refresh, train and screen, killed at random moments and given again: the same bytes, and no part done twice.

    python -m benchmarks.kills [--moments 50] [--seed 1] [--jobs refresh,train,screen]

Each job runs once undisturbed. Then, again and again: a fresh home, the same job in a process of its own, SIGKILL after a random
share of the undisturbed time, and the same job once more. Its artefacts must have the hashes of the undisturbed ones, the ledger
must call the killed run lost (or done, where the kill came too late) and must hold no part twice.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.kills_child import KEY
from benchmarks.smoke import arguments
from data.sources.starter import StarterSource
from data.store.artifact import file_hash
from pipeline.ops.ledger import DONE, LOST, Ledger

ROOT = Path(__file__).resolve().parents[1]
VOLATILE = {"manifest.json", "CARD.md", "quality.html"}  # they say when, where and how long


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moments", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", default="refresh,train,screen")
    options = arguments(parser, lambda made: ["--moments", 1, "--jobs", "refresh"])
    chosen, rng = options.jobs.split(","), random.Random(options.seed)
    moments = [options.moments // len(chosen) + (k < options.moments % len(chosen)) for k in range(len(chosen))]
    print("| job | undisturbed, s | kills | in the middle | parts taken over | same bytes | parts done twice |\n|" + "---|" * 7)
    for job, count in zip(chosen, moments, strict=True):
        with Trial(job) as trial:
            told = [trial.kill_and_resume(rng.random()) for _ in range(count)]
        hit = sum(t.lost for t in told)
        taken = sum(t.taken_over for t in told)
        print(f"| {job} | {trial.seconds:.1f} | {count} | {hit} | {taken} | {count} | 0 |", flush=True)


class Told:
    """What one kill showed."""

    def __init__(self, lost: bool, taken_over: int) -> None:
        self.lost, self.taken_over = lost, taken_over


class Trial:
    """One job, its undisturbed run, and a home to start from."""

    def __init__(self, job: str) -> None:
        from tests.servers.__main__ import database
        from tests.servers.materials_project import MaterialsProjectServer

        self.job = job
        self.folder = Path(tempfile.mkdtemp(prefix="ferroscreen-kills-"))
        self._service = MaterialsProjectServer(database(StarterSource()), KEY).running()
        self.endpoint = self._service.__enter__().endpoint
        start = self.folder / "start"
        for before in {"refresh": (), "train": ("refresh",), "screen": ("refresh", "train")}[job]:
            self._run(before, start).wait()
        start.mkdir(exist_ok=True)
        began = time.monotonic()
        whole = self._fresh("whole")
        assert self._run(job, whole).wait() == 0
        self.seconds = time.monotonic() - began
        self.expected = hashes(whole, job)
        assert self.expected

    def __enter__(self) -> Trial:
        return self

    def __exit__(self, *fault: object) -> None:
        self._service.__exit__(None, None, None)
        shutil.rmtree(self.folder, ignore_errors=True)

    def kill_and_resume(self, share: float) -> Told:
        """One kill after this share of the undisturbed time. Raises AssertionError where a promise is broken."""
        home = self._fresh("killed")
        process = self._run(self.job, home)
        time.sleep(share * self.seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()
        found = [e for e in Ledger(home).entries() if e.job == self.job]
        kept = sum(e.parts for e in found)
        assert [e.state for e in found] in ([], [LOST], [DONE]), found
        assert self._run(self.job, home).wait() == 0
        assert hashes(home, self.job) == self.expected, f"other bytes after a kill at {share:.3f}"
        entries = [e for e in Ledger(home).entries() if e.job == self.job]
        assert entries[-1].state == DONE and not [e for e in entries if e.state not in (LOST, DONE)]
        parts = [(step, name) for step, name, _ in Ledger(home).parts(entries[-1].key) if step != "publish"]
        assert len(parts) == len(set(parts)), f"done twice after a kill at {share:.3f}"
        return Told(LOST in [e.state for e in found], kept)

    def _fresh(self, name: str) -> Path:
        home = self.folder / name
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(self.folder / "start", home)
        return home

    def _run(self, job: str, home: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", "benchmarks.kills_child", job, str(home), self.endpoint], cwd=ROOT)


def hashes(home: Path, job: str) -> dict[str, str]:
    """Of all files that a job publishes, but for those that say when and how long."""
    root = home / {"refresh": "snapshots", "train": "models", "screen": "runs"}[job]
    files = (p for p in sorted(root.rglob("*")) if p.is_file() and p.name not in VOLATILE and not p.name.startswith("."))
    return {str(p.relative_to(root)): file_hash(p) for p in files if p.parent != root}


if __name__ == "__main__":
    main()
