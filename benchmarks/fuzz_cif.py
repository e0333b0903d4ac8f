"""Spoilt CIF files through the reader, the symmetry search and the graphs, for as many minutes as one likes.

    python -m benchmarks.fuzz_cif MINUTES [--seed S] [--keep FOLDER] [--limit SECONDS] [--corpus FOLDER]

Each file is read in a child process with a bounded memory. The death of the child, an exception, something that must never be
(benchmarks/cif_invariants.py), a file that takes longer than the limit and a child that only grows are findings: each input is
saved, cut down line by line, and the exit code is 1. The same seed gives the same files.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from rich.progress import Progress

from benchmarks.cif_mutations import mutant, read_corpus
from benchmarks.smoke import arguments

CORPUS = Path(__file__).resolve().parents[1] / "tests" / "data" / "cif" / "corpus"
CHILD_BYTES = 6 * 2**30  # address space; the libraries alone reserve two
GROWTH_BYTES = 200 * 2**20  # of resident memory after the warm-up; more is a leak
WARM_UP = 2000  # files, until every cache and every library has been used
START_S = 120.0  # a child imports the libraries first
MINIMISE_S = 60.0  # for one finding


class Child:
    """A process that examines one file after another; started anew when it died or hung."""

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        if not self._ours.poll(START_S):
            raise RuntimeError("the child does not start")
        self._ours.recv()
        self.read = 0  # files since the start

    def ask(self, raw: bytes) -> tuple[str, str, int]:
        """(kind of finding, detail, resident bytes); the kind is empty where all is well, and the detail then what was read."""
        self._ours.send_bytes(raw)
        self.read += 1
        try:
            if self._ours.poll(self.limit_s):
                kind, detail, resident = self._ours.recv()
                return kind, detail, resident
            found = "hang", f"longer than {self.limit_s:g} s", 0
        except (EOFError, ConnectionError):
            self._process.join(1)
            found = "crash", f"the child ended with code {self._process.exitcode}", 0
        self.close()
        self._start()
        return found

    def close(self) -> None:
        """End the process at once."""
        self._process.kill()
        self._process.join()
        self._ours.close()


def _serve(pipe: Connection) -> None:
    """The child: bytes in; kind, detail and resident memory out."""
    import resource

    from benchmarks.cif_invariants import examine
    from data.rejection import Rejection

    resource.setrlimit(resource.RLIMIT_AS, (CHILD_BYTES, CHILD_BYTES))
    pipe.send("ready")
    while True:
        try:
            raw = pipe.recv_bytes()
        except EOFError:
            return
        kind = ""
        try:
            items = examine(raw)
            reasons = [item.reason.value for item in items if isinstance(item, Rejection)]
            detail = "crystal" if len(reasons) < len(items) else reasons[0]
        except BaseException as fault:  # panics of Rust libraries are no Exception
            kind, detail = type(fault).__name__, str(fault)[:500]
        pipe.send((kind, detail, _resident()))


def _resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def minimised(raw: bytes, still: Callable[[bytes], bool], seconds: float = MINIMISE_S) -> bytes:
    """As few lines as keep the finding, as far as the time goes: halves are left out first, single lines at the end."""
    end = time.monotonic() + seconds
    lines = raw.splitlines(keepends=True)
    size = max(len(lines) // 2, 1)
    while True:
        shorter = False
        start = 0
        while start < len(lines):
            if time.monotonic() > end:
                return b"".join(lines)
            fewer = lines[:start] + lines[start + size :]
            if still(b"".join(fewer)):
                lines, shorter = fewer, True
            else:
                start += size
        if size == 1 and not shorter:
            return b"".join(lines)
        size = max(size // 2, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("minutes", type=float)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"))
    parser.add_argument("--limit", type=float, default=10.0, help="seconds for one file")
    parser.add_argument("--corpus", type=Path, default=CORPUS)
    options = arguments(parser, lambda made: [0.05, "--keep", made.out()])
    findings = fuzz(options.corpus, options.minutes * 60, options.seed, options.keep, options.limit)
    sys.exit(1 if findings else 0)


def fuzz(folder: Path, seconds: float, seed: int, keep: Path, limit_s: float) -> int:
    """How many kinds of findings there are; each is saved below `keep` as it was and cut down."""
    corpus = read_corpus(folder)
    child = Child(limit_s)
    seen: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    settled = growth = number = 0
    slowest = (0.0, -1)
    begin = time.monotonic()
    with Progress() as progress:
        bar = progress.add_task("fuzzing", total=seconds)
        while (passed := time.monotonic() - begin) < seconds:
            raw = mutant(corpus, seed, number)
            started = time.monotonic()
            kind, detail, resident = child.ask(raw)
            slowest = max(slowest, (time.monotonic() - started, number))
            outcomes[kind or detail] += 1
            if kind:
                name = f"{kind}-{_place(detail)}"
                seen[name] += 1
                if seen[name] == 1:
                    progress.console.print(f"{name}: file {number}: {detail}", markup=False)
                    _save(keep, name, raw, child, kind)
            elif child.read == WARM_UP:
                settled = resident
            elif child.read > WARM_UP:
                growth = max(growth, resident - settled)
            number += 1
            progress.update(bar, completed=passed, description=f"{number} files, {len(seen)} finding(s)")
    child.close()
    print(f"{number} files in {time.monotonic() - begin:.0f} s, seed {seed}, {len(corpus)} to start from")
    for word, count in outcomes.most_common():
        print(f"  {word:<22} {count:>8}")
    print(f"slowest: file {slowest[1]} with {slowest[0]:.2f} s; growth after {WARM_UP} files: {growth / 2**20:.0f} MB")
    if growth > GROWTH_BYTES:
        seen["leak"] += 1
    for name, count in seen.most_common():
        print(f"FINDING {name}: {count} file(s), see {keep}")
    return len(seen)


def _place(detail: str) -> str:
    """A name for a kind of finding: its words without the numbers, which differ from file to file."""
    words = re.sub(r"[^A-Za-z]+", "-", detail)[:40].strip("-")
    return words or hashlib.sha256(detail.encode()).hexdigest()[:8]


def _save(keep: Path, name: str, raw: bytes, child: Child, kind: str) -> None:
    keep.mkdir(parents=True, exist_ok=True)
    (keep / f"{name}.cif").write_bytes(raw)
    (keep / f"{name}.min.cif").write_bytes(minimised(raw, lambda fewer: child.ask(fewer)[0] == kind))


if __name__ == "__main__":
    main()
