"""history: all runs of the home over time."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.common import Json, facts, perform, prepare

SHOWN = 15  # runs on the terminal


def history(
    out: Annotated[
        Path | None, typer.Option("--out", help="File of the page (default: history.html in $FERROSCREEN_HOME).")
    ] = None,
    top: Annotated[int, typer.Option("--top", min=1, help="Number of places whose candidates are followed.")] = 100,
    json: Json = False,
) -> None:
    """Write one page over all runs: candidates that came and went, models, data, and whether predicted intervals held."""
    from flows.jobs.history import HistoryJob
    from flows.summary import print_json, print_rows

    job = HistoryJob(None if out is None else str(out.resolve()), top)
    prepare(quiet=True)
    found = perform("history", job)
    if json:
        print_json(found)
        return
    if found["runs"]:
        print_rows(f"The newest of {len(found['runs'])} runs", found["runs"][:SHOWN])
    if found["damaged"]:
        print_rows("Damaged entries", found["damaged"])
    facts("Open this page", {"history": Path(found["page"])})
