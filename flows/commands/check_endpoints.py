"""check-endpoints: do the real services answer as the readers expect?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.common import Json

if TYPE_CHECKING:
    from pipeline.endpoints.finding import Finding

DIFFERS, USERS = 1, 2  # exit codes


def check_endpoints(
    services: Annotated[
        list[str] | None,
        typer.Argument(help="`mp`, `icsd`, `optimade:NAME` or `optimade:URL` (default: mp, icsd and the known providers)."),
    ] = None,
    json: Json = False,
) -> None:
    """Ask each real service one harmless question, and say what answered and what differs from what the readers expect.

    Exit code 0: all that were asked answered as expected. 1: one answered, but differs, so that a reader has to be mended.
    2: one gave no answer or refused the key or account, or none was asked.
    """
    from flows.summary import print_json, print_rows
    from pipeline.endpoints.finding import State

    found = [finding for service in services or _known() for finding in _check(service)]
    rows = [{"service": f.service, "address": f.address, "answer": str(f.state), "in words": "; ".join(f.said)} for f in found]
    if json:
        print_json([{"service": f.service, "address": f.address, "answer": str(f.state), "said": list(f.said)} for f in found])
    else:
        print_rows("Services", rows)
        if message := _summary(found):
            print(message)
    states = {f.state for f in found}
    if State.DIFFERS in states:
        raise typer.Exit(DIFFERS)
    if states & {State.NO_ANSWER, State.REFUSED} or states == {State.NOT_ASKED}:
        raise typer.Exit(USERS)


def _known() -> list[str]:
    from data.sources.optimade.fetch import PROVIDERS

    return ["mp", "icsd", *(f"optimade:{name}" for name in PROVIDERS)]


def _check(service: str) -> list[Finding]:
    """Raises UserError for a service of another name."""
    from data.errors import UserError

    kind, _, provider = service.partition(":")
    if service == "mp":
        return _materials_project()
    if service == "icsd":
        return [_icsd()]
    if kind == "optimade" and provider:
        from pipeline.endpoints.optimade import check_optimade

        return [check_optimade(provider)]
    raise UserError(f"unknown service {service!r}; say `mp`, `icsd`, `optimade:cod` or `optimade:URL`")


def _materials_project() -> list[Finding]:
    from data.errors import UserError
    from flows.credentials import materials_project_key
    from pipeline.endpoints.materials_project import check_materials_project
    from pipeline.settings import settings

    try:
        key = materials_project_key()
    except UserError:
        key = None
    return check_materials_project(settings().mp_endpoint, key)


def _icsd() -> Finding:
    """Raises UserError for an address that would carry the password in clear text."""
    import os

    from data.sources.icsd.api import LOGIN, PASSWORD, Credentials
    from pipeline.endpoints.finding import Finding, State
    from pipeline.endpoints.icsd import check_icsd

    missing = [name for name in (LOGIN, PASSWORD) if not os.environ.get(name)]
    if missing:
        return Finding("icsd", "", State.NOT_ASKED, (f"there is no account: set {' and '.join(missing)} in the environment",))
    return check_icsd(Credentials.from_environment())


def _summary(found: list[Finding]) -> str:
    """One sentence on all of them; empty where the table says it all."""
    from pipeline.endpoints.finding import State

    asked = [f for f in found if f.state is not State.NOT_ASKED]
    if asked and all(f.state is State.NO_ANSWER for f in asked):
        return "No service answered: is this machine connected to the network, or does it need a proxy (HTTPS_PROXY)?"
    if any(f.state is State.DIFFERS for f in asked):
        return "A service answers in another way than the readers expect: please report the line above."
    if asked and all(f.state is State.AS_EXPECTED for f in asked):
        return "All services that were asked answer as expected."
    return ""
