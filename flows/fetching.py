"""From what a person types to a finished fetch, with a line for each page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from data.errors import UserError
from data.sources.ledger import Fetched, Progress
from pipeline.ops.progress import Reporter


def fetch_source(
    source: str, filter: str, out: Path, theoretical: bool, page_size: int | None, reporter: Reporter
) -> dict[str, Any]:
    """Fetch, and say what the folder holds now.

    Raises:
        UserError: an unknown source, or what the fetch itself raises.
    """
    said = -1

    def progress(entries: int, total: int | None) -> None:
        nonlocal said
        percent = 100 * entries // total if total else 0
        if not total or percent > said:  # a line for each per cent, or where nobody knows how many there are, for each page
            said = percent
            reporter.say(f"{entries} of {total} entries" if total else f"{entries} entries")

    done = _fetch(source, filter, out, theoretical, page_size, progress)
    return {"entries": done.entries, **done.facts, "folder": str(out), "next": f"ferroscreen screen {out}"}


def _fetch(source: str, filter: str, out: Path, theoretical: bool, page_size: int | None, progress: Progress) -> Fetched:
    kind, _, provider = source.partition(":")
    if source == "icsd":
        from data.sources.icsd.api import Credentials
        from data.sources.icsd.fetch import ENTRIES_PER_PAGE, IcsdQuery, fetch_icsd

        query = IcsdQuery(filter, theoretical, page_size or ENTRIES_PER_PAGE)
        return fetch_icsd(query, Credentials.from_environment(), out, progress)
    if kind == "optimade" and provider:
        from data.sources.optimade.fetch import ENTRIES_PER_PAGE as A_HUNDRED
        from data.sources.optimade.fetch import OptimadeQuery, fetch_optimade

        if theoretical:
            raise UserError("--theoretical is for icsd; an OPTIMADE filter says itself what is wanted")
        return fetch_optimade(OptimadeQuery.of(provider, filter, page_size or A_HUNDRED), out, progress)
    raise UserError(f"unknown source {source!r}; say `icsd`, `optimade:cod` or `optimade:URL`")
