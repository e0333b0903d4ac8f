"""serve: the scheduled jobs."""

from __future__ import annotations


def serve() -> None:
    """Run the scheduled jobs (refresh, train, screen) in this process, which stays; needs a Prefect server."""
    import os

    from data.errors import UserError

    if not os.environ.get("PREFECT_API_URL"):
        raise UserError(
            "there is no Prefect server: `prefect server start` in another terminal, then "
            "`export PREFECT_API_URL=http://127.0.0.1:4200/api`"
        )
    from flows.serve import serve_jobs

    serve_jobs()
