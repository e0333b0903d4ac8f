"""What the commands share: options, and how they print."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

E = TypeVar("E", bound=StrEnum)
_FEW = 3  # names that "or" joins

Json = Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bars.")]
Out = Annotated[Path | None, typer.Option("--out", help="Folder of the results (default: below $FERROSCREEN_HOME).")]
ModelId = Annotated[str | None, typer.Option("--model", help="Model id or its beginning (default: the one in use).")]
SnapshotId = Annotated[
    str | None, typer.Option("--snapshot", help="Snapshot id or its beginning (default: the newest with total moments).")
]
ColumnsOption = Annotated[str, typer.Option("--columns", help="Columns of a table of crystals, e.g. id=my_id,cif=my_cif.")]
LabelColumnsOption = Annotated[
    str, typer.Option("--columns", help="Columns of a labelled table, e.g. id=my_id,cif=my_cif,moment=my_moment.")
]
DisorderOption = Annotated[
    str,
    typer.Option(
        "--disorder",
        help="Crystals with shared or partly empty sites: `average` predicts the mean over ordered approximants, `majority` "
        "keeps the main element of each site, `reject` leaves them out.",
    ),
]
OrderingsOption = Annotated[
    int | None,
    typer.Option("--orderings", min=2, help="Of each only so many: the ferromagnet, then the likeliest (default: up to 6)."),
]


Force = Annotated[
    bool,
    typer.Option("--force", help="Replace another run in --out, or write beside other files. Other files are never changed."),
]


def choice(kind: type[E], option: str, word: str) -> E:
    """The member of an enumeration that an option names.

    Raises:
        UserError: there is none of that name.
    """
    from data.errors import UserError

    if word not in [member.value for member in kind]:
        names = [str(member.value) for member in kind]
        listed = " or ".join(names) if len(names) < _FEW else ", ".join(names)
        raise UserError(f"{option} is {listed}, not {word!r}")
    return kind(word)


def prepare(quiet: bool) -> None:
    """Set how progress is shown, and check that the home can be written to.

    Raises:
        UserError: the home cannot be created or written to.
    """
    from flows.console import use_console
    from flows.jobs.checks import check_home
    from pipeline.settings import settings

    use_console(quiet)
    check_home(settings())


def perform(name: str, job: Any) -> Any:
    """Run a job in this process or, where PREFECT_API_URL names a server, as a flow of that server.

    Args:
        name: of the flow: run, refresh, train, screen or report.
        job: its settings object.

    Raises:
        UserError: the server does not answer, or what the job raises.
    """
    from flows.server import server_named

    if server_named():
        from importlib import import_module

        return getattr(import_module(f"flows.{name}"), name)(**vars(job))
    from flows.jobs.outlet import InProcess, process_is_fresh
    from flows.jobs.registry import job_function

    return job_function(name)(job, InProcess(forks=process_is_fresh() and name == "screen"))


def listed(text: str) -> list[str]:
    """The parts of an option's comma-separated value."""
    return [part for word in text.split(",") if (part := word.strip())]


def facts(title: str, rows: dict[str, Any]) -> None:
    """Print one line for each fact."""
    from flows.summary import print_facts

    print_facts(title, rows)


def listing(title: str, rows: list[dict[str, Any]], json: bool) -> None:
    """Print a table or JSON, or a message if there are no rows."""
    from flows.summary import print_json, print_rows

    if json:
        print_json(rows)
    elif rows:
        print_rows(title, rows)
    else:
        print(f"No {title.lower()} yet.")
