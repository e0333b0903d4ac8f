"""A queue of calculations, each in a child process. Existing results are not computed again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from data.calculation import Calculation, Damaged, Job, Outcome, Status, calculation_file, read_calculation, write_calculation
from data.store.artifact import make_folder
from pipeline.dft.child import request
from pipeline.dft.settings import Limits

CALCULATED = "calculated"  # folder of results below the home, where no other is named
LOGS = "logs"
POLL_S = 0.1
FINAL = (Status.DONE, Status.UNCONVERGED)  # a repetition would give the same result
_LAST_WORDS = 4096  # bytes of a log


def known(folder: Path, job: Job) -> Calculation | None:
    """The result of a job in a folder; None if there is none or it cannot be read."""
    try:
        return read_calculation(calculation_file(folder, job.key))
    except Damaged:
        return None


def to_do(folder: Path, jobs: Iterable[Job], limits: Limits) -> list[Job]:
    """The jobs that need a calculation, each once. A failure is repeated; a timeout only if the limit is longer now.

    Args:
        folder: the folder of results.
        jobs: all jobs.
        limits: limits of time.
    """
    left: dict[str, Job] = {}
    for job in jobs:
        found = known(folder, job)
        if found is not None:
            outcome = found.outcome
            if outcome.status in FINAL or (outcome.status is Status.TIMEOUT and outcome.seconds >= limits.each_s):
                continue
        left.setdefault(job.key, job)
    return list(left.values())


def work_off(jobs: list[Job], folder: Path, limits: Limits, finished: Callable[[Calculation], None]) -> list[Job]:
    """Calculate jobs in child processes.

    Each result is written to the folder as soon as it exists. If this function or its process ends early, running calculations
    are ended and leave nothing behind.

    Args:
        jobs: the jobs, in the order of their calculation.
        folder: the folder of results.
        limits: limits of time and number of processes.
        finished: called with each calculation that has ended, successful or not.

    Returns:
        The jobs that were not finished within the time for all of them.

    Raises:
        UserError: the folder cannot be written to.
    """
    make_folder(folder / LOGS)
    until = None if limits.whole_s is None else time.monotonic() + limits.whole_s
    waiting, running = deque(jobs), list[Child]()
    try:
        while waiting or running:
            if until is not None and time.monotonic() >= until:
                return [*(child.job for child in running), *waiting]
            while waiting and len(running) < limits.at_once:
                running.append(Child.start(waiting.popleft(), folder, limits.each_s))
            time.sleep(POLL_S)
            for child in [child for child in running if child.is_over()]:
                running.remove(child)
                finished(child.result())
    finally:
        for child in running:
            child.end()
    return []


@dataclass
class Child:
    """A running calculation."""

    job: Job
    folder: Path
    limit_s: float
    process: subprocess.Popen[bytes]
    log: Path
    began: float = field(default_factory=time.monotonic)

    @classmethod
    def start(cls, job: Job, folder: Path, limit_s: float) -> Child:
        """Start a calculation in a session of its own, so that Ctrl-C reaches the parent only.

        Args:
            job: the job.
            folder: the folder of results.
            limit_s: time limit, s.
        """
        calculation_file(folder, job.key).unlink(missing_ok=True)  # an earlier failure
        log = folder / LOGS / f"{job.key}.txt"
        path = os.pathsep.join(entry for entry in sys.path if entry)
        environment = {"OMP_NUM_THREADS": "1", **os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "pipeline.dft.child"], stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT,
                env=environment, start_new_session=True,
            )  # fmt: skip
        assert process.stdin is not None
        with suppress(BrokenPipeError):  # the process has died; its log says why
            process.stdin.write(f"{request(job, folder)}\n".encode())
            process.stdin.flush()
        return cls(job, folder, limit_s, process, log)

    def is_over(self) -> bool:
        return self.process.poll() is not None or time.monotonic() - self.began > self.limit_s

    def result(self) -> Calculation:
        """The result that the process wrote; if there is none, a result that states why."""
        in_time = self.process.poll() is not None
        self.end()
        found = known(self.folder, self.job)
        if found is None:
            found = Calculation(self.job, self._lost() if in_time else self._too_long())
            write_calculation(self.folder, found)
        return found

    def end(self) -> None:
        """End the process and its children, if it is still running."""
        if self.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        if self.process.stdin is not None:
            with suppress(BrokenPipeError):
                self.process.stdin.close()

    def _too_long(self) -> Outcome:
        return Outcome(Status.TIMEOUT, f"ended after {self.limit_s:g} s", seconds=self.limit_s)

    def _lost(self) -> Outcome:
        code = self.process.returncode
        how = f"ended by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return Outcome(Status.LOST, f"{how}; {self._last_words()}", seconds=round(time.monotonic() - self.began, 1))

    def _last_words(self) -> str:
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - _LAST_WORDS))
            lines = log.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1].strip()[:300] if lines else "it said nothing"
