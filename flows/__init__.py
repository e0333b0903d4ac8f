"""Top floor, the doors: the jobs, Prefect flows for servers, the command line. No science, no file formats."""

import os

# Before anything imports Prefect: no telemetry.
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
