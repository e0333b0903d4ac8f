"""What a job says of jobs whose process died: each is set to Crashed and told of once, and a run that is done again, or waits
to be, is not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.deployments.test_real_server import _save_webhook, _webhook
from tests.servers.prefect import ROOT, prefect_server

_CODE = """
import json, sqlite3, sys
from prefect import flow, runtime
from prefect.client.orchestration import get_client
from prefect.states import AwaitingRetry, Pending, Running
from flows.register_run import register_run
from pipeline.ops.ledger import Ledger, engine_run
from pipeline.settings import settings

def lose(flow_run):
    "A run in the ledger whose process died."
    engine_run.set(str(flow_run))
    with Ledger(settings().home).run("screen", "k", {}):
        pass
    with sqlite3.connect(settings().home / "ledger.sqlite") as base:
        base.execute("update run set state = 'running', ended = null where engine_run = ?", (str(flow_run),))

@flow
def job(again):
    if again:
        lose(runtime.flow_run.id)
    register_run()
    with get_client(sync_client=True) as client:
        return client.read_flow_run(runtime.flow_run.id).state.name

with get_client(sync_client=True) as client:
    states = Running(), AwaitingRetry(), Pending()
    dead = [client.create_flow_run(job, parameters={"again": False}, state=state).id for state in states]
    for one in dead:
        lose(one)
    said = [job(False), job(False), *(client.read_flow_run(one).state.name for one in dead), job(True)]
print(json.dumps(said))
"""


def test_the_dead_are_told_of_once_and_the_living_left_alone(tmp_path: Path) -> None:
    told: list[dict[str, str]] = []
    with prefect_server(tmp_path, None) as server, _webhook(told) as hook:
        server.environment.update(FERROSCREEN_HOME=str(tmp_path / "home"), FERROSCREEN_NOTIFY="custom-webhook/tests")
        _save_webhook(server, hook)
        done = subprocess.run(
            [sys.executable, "-c", _CODE], cwd=ROOT, env=server.environment, capture_output=True, text=True, timeout=300
        )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said[:2] == ["Running"] * 2 and said[2:5] == ["Crashed", "AwaitingRetry", "Pending"]
    assert said[5] == "Running", "it is done again after a crash"
    assert [text["text"].partition(": Flow run")[0] for text in told] == ["ferroscreen: a job crashed"]
