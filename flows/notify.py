"""Notifications, through the notification blocks of the Prefect server that FERROSCREEN_NOTIFY names."""

from __future__ import annotations

from typing import Any

from flows.summary import printable
from pipeline.settings import settings


def notify(subject: str, body: str) -> None:
    """Send to every block; one that cannot be reached is logged, and the job goes on.

    A block is any that Prefect can notify by (webhook, Slack, Teams, e-mail, ...), named `type-slug/name`.
    """
    from prefect.blocks.core import Block
    from prefect.logging import get_logger

    for name in settings().notify.split(","):
        if not name.strip():
            continue
        try:
            block: Any = Block.load(name.strip())
            block.notify(body=printable(body), subject=f"ferroscreen: {printable(subject)}")
        except Exception as fault:  # a dead chat server is no reason to lose a screen
            get_logger("ferroscreen").error("%s could not be told: %s", name.strip(), type(fault).__name__)


def failed(flow: Any, flow_run: Any, state: Any) -> None:
    """A hook for flows that fail or crash."""
    notify(f"{flow.name} {state.name.lower()}", f"Flow run {flow_run.name}: {state.message}")
