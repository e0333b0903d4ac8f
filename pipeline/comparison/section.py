"""What is different since the run before, for a screen's own report."""

from __future__ import annotations

from pipeline.comparison.compare import compare
from pipeline.comparison.second import SECOND_FOLDER
from pipeline.report.content import Changes
from pipeline.screening.runs import run_before
from pipeline.screening.screened import Screened
from pipeline.settings import Settings


def changes_since(where: Settings, screened: Screened) -> Changes | None:
    """The comparison with the run before; None where there is none, or where that is this run's own second opinion."""
    before = run_before(where, screened)
    if before is None:
        return None
    if before.folder.resolve() == (screened.folder / SECOND_FOLDER).resolve():
        return None
    found = compare(before, screened)
    causes = tuple((str(difference.cause), difference.what) for difference in found.differences)
    profiles = before.manifest["profile"], screened.manifest["profile"]
    by_profile = "" if found.profile is None else found.profile.sentence()
    return Changes(str(before.manifest["id"]), found.counts, causes, found.changes, profiles, by_profile)
