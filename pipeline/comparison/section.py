"""What is different since the run before, for a screen's own report."""

from __future__ import annotations

from data.errors import UserError
from pipeline.comparison.compare import compare
from pipeline.report.content import Changes
from pipeline.screening.runs import find_run
from pipeline.screening.screen import Screened
from pipeline.settings import Settings


def changes_since(where: Settings, screened: Screened) -> Changes | None:
    """The comparison with the run that the screen's manifest names as the one before; None where there was or is none.

    The screen itself chose that run, so that a report written again is the same report, whatever was screened since.
    """
    previous = screened.manifest.get("previous")
    if not previous:
        return None
    try:
        before = find_run(where, previous)
    except UserError:  # its folder is gone
        return None
    found = compare(before, screened)
    causes = tuple((str(difference.cause), difference.what) for difference in found.differences)
    return Changes(str(before.manifest["id"]), found.counts, causes, found.changes)
