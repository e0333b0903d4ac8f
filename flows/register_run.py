"""Start of every job: it is registered in the ledger with its flow run, and flow runs whose process died are set to Crashed."""

from __future__ import annotations

from uuid import UUID

from prefect import runtime
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from prefect.states import Crashed

from flows.notify import notify
from pipeline.ops.ledger import LOST, Ledger, engine_run
from pipeline.settings import settings

DIED = "its process died; see `ferroscreen jobs`"
LOOKED_AT = 200  # newest entries of the ledger


def register_run() -> None:
    """To be called first in a flow. Of each run that it sets to Crashed it sends a notification.

    Prefect goes on to show a run as Running whose machine went away. The ledger knows better, since it holds a lease that dies
    with the process. A flow run that is done again has an entry for each attempt: the newest one counts, and this run is alive.
    One that waits to be done again has no entry of its new attempt yet, but it is scheduled or pending.
    """
    own = str(runtime.flow_run.id) if runtime.flow_run.id else None
    engine_run.set(own)
    newest = {e.engine_run: e.state for e in Ledger(settings().home).entries(LOOKED_AT) if e.engine_run}
    lost = {identifier for identifier, state in newest.items() if state == LOST and identifier != own}
    if not lost:
        return
    with get_client(sync_client=True) as client:
        for identifier in sorted(lost):
            try:
                run = client.read_flow_run(UUID(identifier))
            except ObjectNotFound:  # of another server
                continue
            if run.state is not None and (run.state.is_running() or run.state.is_cancelling()):
                client.set_flow_run_state(UUID(identifier), Crashed(message=DIED), force=True)
                notify("a job crashed", f"Flow run {run.name}: {DIED}")  # no hook of a process that is gone does
