"""fetch: crystals from a database to a folder that `screen` reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.common import Json, QuietOption, facts


def fetch(
    source: Annotated[str, typer.Argument(help="`icsd`, or `optimade:` with cod, mp, oqmd, alexandria or a base URL.")],
    out: Annotated[Path, typer.Option("--out", help="Folder; an unfinished fetch goes on, one of ICSD gets what changed.")],
    filter: Annotated[
        str, typer.Option("--filter", help="OPTIMADE filter, or ICSD expert query such as `COMPOSITION : Fe`.")
    ] = "",
    theoretical: Annotated[bool, typer.Option("--theoretical", help="ICSD: computed structures, too.")] = False,
    page_size: Annotated[
        int | None, typer.Option("--page-size", min=1, help="Entries asked for at a time (default: 100; ICSD 500).")
    ] = None,
    quiet: QuietOption = False,
    json: Json = False,
) -> None:
    """Fetch crystals from ICSD or an OPTIMADE provider; ICSD_LOGIN_ID and ICSD_LOGIN_PASSWORD come from the environment."""
    import signal

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # an ICSD session is logged out of, whoever stops the command
    import flows.console
    from flows.fetching import fetch_source
    from flows.summary import print_json

    flows.console.use_console(quiet)
    done = fetch_source(source, filter, out, theoretical, page_size, flows.console.reporter())
    if json:
        print_json(done)
        return
    facts("Fetched", done)
