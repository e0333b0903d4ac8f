"""serve: the scheduled jobs."""

from __future__ import annotations


def serve() -> None:
    """Run the scheduled jobs (refresh, train, screen) in this process until it is stopped. Needs a Prefect server."""
    from flows.engines import need_server
    from flows.server import server_named

    need_server("there is no Prefect server")
    server_named()  # one that does not answer is told before anything starts
    from flows.serve import serve_jobs

    serve_jobs()
