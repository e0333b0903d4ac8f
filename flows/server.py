"""A Prefect server: whether one is named and answers, and how a job running in a flow reports to it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from data.errors import UserError

if TYPE_CHECKING:
    from flows.engines import Runner
    from flows.jobs.outlet import Rows
    from pipeline.screening.shards import ShardPredictor

R = TypeVar("R")
ANSWERS_S = 3.0


def server_named() -> bool:
    """Whether PREFECT_API_URL names a server: then the commands run their jobs as flows of that server.

    Raises:
        UserError: it names one that does not answer.
    """
    url = os.environ.get("PREFECT_API_URL", "").strip()
    if not url:
        return False
    why = unreachable(url)
    if why:
        raise UserError(
            f"the Prefect server that PREFECT_API_URL names, {url}, does not answer ({why}): start it (`prefect server start`), "
            "or `unset PREFECT_API_URL` to run without a server"
        )
    place_prefect_home()
    return True


def place_prefect_home() -> None:
    """Put PREFECT_HOME, where Prefect writes a few files, below our home unless the user chose another place.

    Prefect reads it when it is imported, so this comes first.
    """
    from pipeline.settings import settings

    os.environ.setdefault("PREFECT_HOME", str(settings().home.absolute() / "prefect"))


def unreachable(url: str) -> str:
    """Why the server at an API address does not answer; empty where it does."""
    import httpx

    try:
        answer = httpx.get(f"{url.rstrip('/')}/health", timeout=ANSWERS_S, headers=_headers(), follow_redirects=True)
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, ValueError) as fault:
        return f"{type(fault).__name__}: {fault}"
    return "" if answer.status_code < httpx.codes.BAD_REQUEST else f"it answers {answer.status_code} to /health"


def _headers() -> dict[str, str]:
    """The key of a server that asks for one."""
    key = os.environ.get("PREFECT_API_KEY")
    return {"Authorization": f"Bearer {key}"} if key else {}


class ServerOutlet:
    """Steps are Prefect tasks, tables and links are artifacts, notifications go through blocks. Only inside a flow run."""

    def step(self, name: str, function: Callable[..., R], *arguments: Any) -> R:
        from prefect import task
        from prefect.cache_policies import NO_CACHE

        done: R = task(name=name, cache_policy=NO_CACHE, persist_result=False)(function)(*arguments)
        return done

    def predictor(self, runner: Runner) -> ShardPredictor:
        from flows.runners import predict_by

        return predict_by(runner)

    def table(self, key: str, rows: Rows, description: str) -> None:
        from prefect.artifacts import create_table_artifact

        create_table_artifact(key=key, table=rows, description=description)

    def markdown(self, key: str, text: str, description: str) -> None:
        from prefect.artifacts import create_markdown_artifact

        create_markdown_artifact(key=key, markdown=text, description=description)

    def link(self, key: str, path: Path) -> None:
        from prefect.artifacts import create_link_artifact

        create_link_artifact(key=key, link=path.as_uri(), link_text=path.name)

    def notify(self, subject: str, body: str) -> None:
        from flows.notify import notify

        notify(subject, body)
