"""What is different since the run before, for a screen's own report."""

from __future__ import annotations

from pipeline.comparison.compare import compare
from pipeline.comparison.second import SECOND_FOLDER
from pipeline.report.content import Changes
from pipeline.screening.runs import run_before
from pipeline.screening.screened import Screened
from pipeline.settings import Settings


def changes_since(where: Settings, screened: Screened) -> Changes | None:
    """The comparison with the run before; None where there was or is none, or where it says nothing of what happened since.

    That is so of a run by another profile, whose places mean something else (`ferroscreen compare` shows both side by side), and
    of the second opinion that a run itself asked for.
    """
    before = run_before(where, screened)
    if before is None or before.manifest["profile"] != screened.manifest["profile"]:
        return None
    if before.folder.resolve() == (screened.folder / SECOND_FOLDER).resolve():
        return None
    found = compare(before, screened)
    causes = tuple((str(difference.cause), difference.what) for difference in found.differences)
    return Changes(str(before.manifest["id"]), found.counts, causes, found.changes)
