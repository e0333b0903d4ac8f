"""Finished screens, found by what a person calls them."""

from __future__ import annotations

from pathlib import Path

from data.errors import UserError
from pipeline.screening.previous import list_runs, read_run
from pipeline.screening.run_folder import check_against_manifest
from pipeline.screening.screened import Screened
from pipeline.settings import Settings


def find_run(where: Settings, run: str | None) -> Screened:
    """A finished screen by its folder or id, or the newest.

    Raises:
        UserError: there is none, no single one of that name, its files are not those that it wrote, or it is older than what this
            version reads of a run.
    """
    found = _find(where, run)
    if "orderings" not in found.manifest:
        raise UserError(f"run {found.manifest.get('id')} was made by an older ferroscreen, without orderings: screen again")
    check_against_manifest(found.folder, found.manifest)
    return found


def run_before(where: Settings, screened: Screened) -> Screened | None:
    """The run that the screen's manifest names as the one before it; None where there was none, or its folder is gone.

    The screen itself chose that run, so that whatever is written of it later is the same, whatever was screened since.
    """
    previous = screened.manifest.get("previous")
    if not previous:
        return None
    try:
        return find_run(where, previous)
    except UserError:
        return None


def _find(where: Settings, run: str | None) -> Screened:
    folder = Path(run).expanduser() if run else None
    if folder is not None and (folder / "manifest.json").is_file():
        return Screened(folder, read_run(folder / "manifest.json"))
    listed = list_runs(where)
    known = [r for r in listed if (Path(r["folder"]) / "ranking.parquet").is_file()]
    matches = [r for r in known if r["id"].startswith(run)] if run else known[-1:]
    if len(matches) != 1:
        gone = [r for r in listed if run and r["id"].startswith(run) and r not in known]
        if len(gone) == 1 and not matches:
            raise UserError(f"run {gone[0]['id']} is no longer in {gone[0]['folder']}: screen again, or name the folder it is in")
        raise UserError(f"no single run is called {run!r}; `ferroscreen runs` lists them" if run else "there is no run yet")
    return Screened(Path(matches[0]["folder"]), matches[0])
