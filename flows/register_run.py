"""Start of every job: it is registered in the ledger with its flow run, and flow runs whose process died are set to Crashed."""

from __future__ import annotations

from uuid import UUID

from prefect import runtime
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from prefect.states import Crashed

from pipeline.ops.ledger import LOST, Ledger, engine_run
from pipeline.settings import settings

LOOKED_AT = 200  # newest entries of the ledger


def register_run() -> None:
    """To be called first in a flow.

    Prefect goes on to show a run as Running whose machine went away. The ledger knows better, since it holds a lease that dies
    with the process.
    """
    engine_run.set(str(runtime.flow_run.id) if runtime.flow_run.id else None)
    lost = {e.engine_run for e in Ledger(settings().home).entries(LOOKED_AT) if e.state == LOST and e.engine_run}
    if not lost:
        return
    with get_client(sync_client=True) as client:
        for identifier in sorted(lost):
            try:
                state = client.read_flow_run(UUID(identifier)).state
            except ObjectNotFound:  # of another server
                continue
            if state is not None and not state.is_final():
                client.set_flow_run_state(
                    UUID(identifier), Crashed(message="its process died; see `ferroscreen jobs`"), force=True
                )
