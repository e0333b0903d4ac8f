"""What can be asked for before Prefect is imported: the names of the engines, and whether a server is there."""

from __future__ import annotations

import os
from enum import StrEnum

from data.errors import UserError


class Runner(StrEnum):
    """The engines of a screen."""

    LOCAL = "local"  # our own worker processes, one task in all
    THREADS = "threads"  # one Prefect task a shard, like the following
    PROCESSES = "processes"
    DASK = "dask"
    RAY = "ray"


def need_server(why: str) -> None:
    """Raises UserError, with how to start one, where no Prefect server is named."""
    if not os.environ.get("PREFECT_API_URL"):
        raise UserError(
            f"{why}: `prefect server start` in another terminal, then `export PREFECT_API_URL=http://127.0.0.1:4200/api`"
        )
