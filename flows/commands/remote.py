"""push, pull: snapshots and models on shared or object storage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.common import Json, QuietOption, listing

if TYPE_CHECKING:
    from pipeline.registry.remote import Moved

Url = Annotated[str, typer.Argument(help="A folder, file:///..., s3://bucket/folder, or any URL that fsspec supports.")]


def push(url: Url, quiet: QuietOption = False, json: Json = False) -> None:
    """Copy the snapshots and models that a URL lacks to it. A stopped copy continues where it stopped."""
    import flows.console
    from pipeline.registry.remote import push as copy
    from pipeline.settings import settings

    flows.console.use_console(quiet)
    _show(copy(settings(), url, flows.console.reporter()), json)


def pull(url: Url, quiet: QuietOption = False, json: Json = False) -> None:
    """Copy the snapshots and models at a URL that this home lacks into it. Each file is checked against its hash."""
    import flows.console
    from pipeline.registry.remote import pull as copy
    from pipeline.settings import settings

    flows.console.use_console(quiet)
    _show(copy(settings(), url, flows.console.reporter()), json)


def _show(moved: list[Moved], json: bool) -> None:
    from dataclasses import asdict

    if moved or json:
        listing("Copied", [asdict(one) for one in moved], json)
    else:
        print("Nothing was missing.")
