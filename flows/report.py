"""Flow `report`: write a finished screen's report again."""

from __future__ import annotations

import json
from pathlib import Path

from prefect import flow

from data.errors import UserError
from flows.screen import write_report
from pipeline.screening.screen import Screened, list_runs
from pipeline.settings import settings


@flow(name="report", persist_result=False, validate_parameters=True)
def report(run: str | None = None) -> str:
    """Write report.html of a run (its id, or its folder; the newest by default) and return its path."""
    return write_report(find_run(run))


def find_run(run: str | None) -> Screened:
    """A finished screen by folder, id, or the newest. Raises UserError where there is none."""
    folder = Path(run).expanduser() if run else None
    if folder is not None and (folder / "manifest.json").is_file():
        return Screened(folder, json.loads((folder / "manifest.json").read_text()))
    known = [r for r in list_runs(settings()) if (Path(r["folder"]) / "ranking.parquet").is_file()]
    matches = [r for r in known if r["id"].startswith(run)] if run else known[-1:]
    if len(matches) != 1:
        raise UserError(f"no single run is called {run!r}; `ferroscreen runs` lists them" if run else "there is no run yet")
    return Screened(Path(matches[0]["folder"]), matches[0])
