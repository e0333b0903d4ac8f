"""serve: the scheduled jobs."""

from __future__ import annotations


def serve() -> None:
    """Run the scheduled jobs (refresh, train, screen) in this process, which stays; needs a Prefect server."""
    from flows.engines import need_server

    need_server("there is no Prefect server")
    from flows.serve import serve_jobs

    serve_jobs()
