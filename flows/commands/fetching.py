"""fetch: crystals from a database to a folder that `screen` reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.common import Json, QuietOption, facts, prepare


def fetch(
    source: Annotated[str, typer.Argument(help="`icsd`, or `optimade:` with cod, mp, oqmd, alexandria or a base URL.")],
    out: Annotated[
        Path, typer.Option("--out", help="Folder. An unfinished fetch continues in it; a finished one of ICSD gets what changed.")
    ],
    filter: Annotated[
        str, typer.Option("--filter", help="OPTIMADE filter, or ICSD expert query such as `COMPOSITION : Fe`.")
    ] = "",
    theoretical: Annotated[bool, typer.Option("--theoretical", help="ICSD: also fetch computed structures.")] = False,
    page_size: Annotated[
        int | None, typer.Option("--page-size", min=1, help="Entries per request (default: 100; ICSD 500).")
    ] = None,
    quiet: QuietOption = False,
    json: Json = False,
) -> None:
    """Fetch crystals from ICSD or an OPTIMADE provider; ICSD_LOGIN_ID and ICSD_LOGIN_PASSWORD come from the environment."""
    from flows.jobs.fetching import FetchJob
    from flows.jobs.fetching import fetch as run_job
    from flows.summary import print_json

    job = FetchJob(source, out, filter, theoretical, page_size)
    job.check()
    prepare(quiet)
    done = run_job(job)
    print_json(done) if json else facts("Fetched", done)
