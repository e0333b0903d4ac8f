"""Job `fetch`: crystals of a database to a folder that `screen` reads, with a line for each page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.errors import UserError
from flows.console import reporter

if TYPE_CHECKING:
    from data.sources.ledger import Fetched, Progress


@dataclass(frozen=True)
class FetchJob:
    """What to fetch, and where it goes.

    Args:
        source: `icsd`, or `optimade:` with a provider's name or base URL.
        out: folder; an unfinished fetch of the same query goes on there.
        filter: OPTIMADE filter, or ICSD expert query.
        theoretical: of ICSD, computed structures, too.
        page_size: entries asked for at a time; None: the provider's default.
    """

    source: str
    out: Path
    filter: str = ""
    theoretical: bool = False
    page_size: int | None = None

    def check(self) -> None:
        """Raises UserError for a source, a filter or a folder that cannot be meant."""
        kind, _, provider = self.source.partition(":")
        if self.source != "icsd" and not (kind == "optimade" and provider):
            raise UserError(f"unknown source {self.source!r}; say `icsd`, `optimade:cod` or `optimade:URL`")
        if kind == "optimade" and self.theoretical:
            raise UserError("--theoretical is for icsd; an OPTIMADE filter says itself what is wanted")


def fetch(job: FetchJob) -> dict[str, Any]:
    """Fetch, and say what the folder holds now.

    Raises:
        UserError: an unknown source, or what the fetch itself raises.
    """
    job.check()
    said = -1

    def progress(entries: int, total: int | None) -> None:
        nonlocal said
        percent = 100 * entries // total if total else 0
        if not total or percent > said:  # a line for each per cent, or where nobody knows how many there are, for each page
            said = percent
            reporter().say(f"{entries} of {total} entries" if total else f"{entries} entries")

    done = _fetch(job, progress)
    return {"entries": done.entries, **done.facts, "folder": str(job.out), "next": f"ferroscreen screen {job.out}"}


def _fetch(job: FetchJob, progress: Progress) -> Fetched:
    if job.source == "icsd":
        from data.sources.icsd.api import Credentials
        from data.sources.icsd.fetch import ENTRIES_PER_PAGE, IcsdQuery, fetch_icsd

        query = IcsdQuery(job.filter, job.theoretical, job.page_size or ENTRIES_PER_PAGE)
        return fetch_icsd(query, Credentials.from_environment(), job.out, progress)
    from data.sources.optimade.fetch import ENTRIES_PER_PAGE as A_HUNDRED
    from data.sources.optimade.fetch import OptimadeQuery, fetch_optimade

    provider = job.source.partition(":")[2]
    return fetch_optimade(OptimadeQuery.of(provider, job.filter, job.page_size or A_HUNDRED), job.out, progress)
