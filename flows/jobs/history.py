"""Job `history`: the page over all runs of the home."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.jobs.outlet import Outlet
from pipeline.settings import settings

TOP = 100  # places whose candidates are followed
SHOWN_ROWS = 25  # of the table on a server


@dataclass(frozen=True)
class HistoryJob:
    """Where the page goes, and how far down a ranking it looks.

    Args:
        out: the page's file; None: history.html in the home.
        top: candidates of the first so many places are followed.
    """

    out: str | None = None
    top: int = TOP

    def check(self) -> None:
        """Raises UserError for a number of places below 1."""
        from data.errors import UserError

        if self.top < 1:
            raise UserError(f"--top is 1 or more, not {self.top}")


def history(job: HistoryJob, outlet: Outlet) -> dict[str, Any]:
    """Write the page.

    Returns:
        `page`, `runs` (a row a run, newest first) and `damaged` (entries that could not be read, with the reasons).
    """
    job.check()
    found = outlet.step("write history", write, job)
    outlet.table("history", found["runs"][:SHOWN_ROWS], f"The newest of {len(found['runs'])} runs; {found['page']} has all")
    outlet.link("history-page", Path(found["page"]))
    return found


def write(job: HistoryJob) -> dict[str, Any]:
    """The page's path, a row for each run, and the damaged entries."""
    from pipeline.history.page import write_history

    written = write_history(settings(), None if job.out is None else Path(job.out), job.top)
    damaged = [{"entry": name, "why": why} for name, why in written.nights.damaged]
    return {"page": str(written.path.resolve()), "runs": written.rows(), "damaged": damaged}
