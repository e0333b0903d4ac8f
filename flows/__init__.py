"""Top floor, the doors: Prefect flows, deployments, the command line. No science, no file formats."""

import os

# Before anything imports Prefect: no telemetry, and an embedded server where no other is named.
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
if "PREFECT_API_URL" not in os.environ:
    os.environ.setdefault("PREFECT_SERVER_ALLOW_EPHEMERAL_MODE", "true")
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "180")  # a busy machine takes its time
