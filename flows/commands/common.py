"""What the commands share: options, and how they print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bars.")]
Out = Annotated[Path | None, typer.Option("--out", help="Folder of the results (default: below $FERROSCREEN_HOME).")]
ModelId = Annotated[str | None, typer.Option("--model", help="Model id or its beginning (default: the one in use).")]
SnapshotId = Annotated[str | None, typer.Option("--snapshot", help="Snapshot id or its beginning (default: the newest).")]
ColumnsOption = Annotated[
    str, typer.Option("--columns", help="Columns of a Parquet table, e.g. id=my_id,cif=my_cif,moment=my_moment.")
]


def start(quiet: bool, out: Path | None = None) -> None:
    """Check the output folder, then say that Prefect starts, which takes some seconds."""
    if out is not None:
        from data.store.artifact import make_folder

        make_folder(out)
    import flows.console

    flows.console.use_console(quiet)
    flows.console.reporter().say("Starting Prefect ...")


def facts(title: str, rows: dict[str, Any]) -> None:
    """One line a fact."""
    from flows.summary import print_facts

    print_facts(title, rows)


def listing(title: str, rows: list[dict[str, Any]], json: bool) -> None:
    """A table, or JSON, or a word where there is nothing."""
    from flows.summary import print_json, print_rows

    if json:
        print_json(rows)
    elif rows:
        print_rows(title, rows)
    else:
        print(f"No {title.lower()} yet.")
