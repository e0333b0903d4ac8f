"""The calculations of one command: done within one time limit, recorded in the ledger, counted."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from data.calculation import Calculation, Job
from pipeline.dft.queue import to_do, work_off
from pipeline.dft.settings import Limits
from pipeline.ops.ledger import Run
from pipeline.ops.progress import Reporter


def note_finished(calculation: Calculation, entry: Run, reporter: Reporter) -> None:
    """Note a calculation that has ended in the ledger, and say how it ended."""
    job, outcome = calculation.job, calculation.outcome
    entry.finished(job.ordering, job.key)
    reporter.say(f"{job.crystal.formula} {job.ordering}: {outcome.status} after {outcome.seconds:.0f} s {outcome.detail}")


@dataclass
class Calculations:
    """Calculates what a folder lacks, in one call or several, and counts what it did."""

    limits: Limits  # `whole_s` is for all calls of `work` together
    entry: Run
    reporter: Reporter
    calculated: int = 0
    known_before: int = 0
    out_of_time: int = 0
    _began: float = field(default_factory=time.monotonic)

    def work(self, jobs: list[Job], folder: Path) -> None:
        """Calculate the jobs whose results are not in the folder.

        Args:
            jobs: in the order of their calculation.
            folder: of the results, created if absent.
        """
        todo = to_do(folder, jobs, self.limits)
        with self.reporter.bar("Calculating", len(todo)) as tick:

            def finished(calculation: Calculation) -> None:
                note_finished(calculation, self.entry, self.reporter)
                tick(1)

            unfinished = work_off(todo, folder, self._remaining(), finished)
        self.calculated += len(todo) - len(unfinished)
        self.known_before += len({job.key for job in jobs}) - len(todo)
        self.out_of_time += len(unfinished)

    def _remaining(self) -> Limits:
        if self.limits.whole_s is None:
            return self.limits
        return replace(self.limits, whole_s=max(0.0, self.limits.whole_s - (time.monotonic() - self._began)))
