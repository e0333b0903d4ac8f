"""The jobs of prefect.yaml on a real Prefect server  deployed, run by a real worker; a webhook hears of a failure."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from data.sources.starter import StarterSource
from tests.servers.__main__ import database
from tests.servers.materials_project import MaterialsProjectServer
from tests.servers.prefect import POSTGRES, ROOT, PrefectServer, end, postgresql, prefect_server, wait_until

KEY = "canary7kanarienvogel7canari7kana"
POOL = "ferroscreen"
JOBS = {"nightly", "weekly", "weekly-order", "weekly-experiment", "after-changes", "history"}
WAITS_S = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
REGISTRY = "raw.githubusercontent.com"  # `prefect work-pool create` asks for kinds of workers; unanswered, it knows them itself


@dataclass
class Site:
    """A Prefect server with the jobs deployed, a Materials Project, a webhook, and a worker."""

    server: PrefectServer
    home: Path
    short: bool  # one refresh is enough: what all jobs do is seen with the other database
    told: list[dict[str, Any]] = field(default_factory=list)

    def api(self, path: str, body: dict[str, Any]) -> Any:
        return self.ask("POST", path, body).json()

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        """The server's answer. With SQLite it says 503 while another request holds the database: then it is asked again."""
        for wait_s in WAITS_S:
            answer = httpx.request(method, f"{self.server.url}{path}", json=body, timeout=60.0)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            time.sleep(wait_s)
        return answer.raise_for_status()

    def trigger(self, deployment: str, parameters: dict[str, Any]) -> str:
        """Ask for a run through the API, as a schedule or a person does; its id."""
        found = self.ask("GET", f"/deployments/name/{deployment}").json()
        made = self.api(f"/deployments/{found['id']}/create_flow_run", {"parameters": parameters, "state": {"type": "SCHEDULED"}})
        return str(made["id"])

    def ended(self, run: str) -> str:
        """Waits for the end of a run; the name of its last state."""
        wait_until(lambda: self._state(run)["type"] in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}, seconds=600)
        return str(self._state(run)["name"])

    def _state(self, run: str) -> dict[str, Any]:
        state: dict[str, Any] = self.ask("GET", f"/flow_runs/{run}").json()["state"]
        return state


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if request.param == "postgresql" and not POSTGRES:
        pytest.skip("PostgreSQL is not installed")
    home, told = tmp_path_factory.mktemp("home"), []
    with (
        _databases(request.param) as url,
        MaterialsProjectServer(database(StarterSource()), KEY).running() as materials,
        prefect_server(tmp_path_factory.mktemp("prefect"), url) as server,
        _webhook(told) as hook,
    ):
        server.environment.update(
            FERROSCREEN_HOME=str(home), FERROSCREEN_WORKERS="1", FERROSCREEN_MP_ENDPOINT=materials.endpoint, MP_API_KEY=KEY,
            FERROSCREEN_NOTIFY="custom-webhook/tests,custom-webhook/not-there",
            FERROSCREEN_QUALITY=str(request.param == "sqlite"),
        )  # fmt: skip
        if request.param == "sqlite":
            _save_webhook(server, hook)
        server.prefect("work-pool", "create", "--type", "process", POOL)
        server.prefect("deploy", "--all")
        worker = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL]
        log = (home / "worker.log").open("w")
        process = subprocess.Popen(
            worker, cwd=ROOT, env=server.environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            yield Site(server, home, request.param == "postgresql", told)
        finally:
            end(process)
            log.close()


def test_the_server_plans_runs_of_every_schedule(site: Site) -> None:
    """Without anybody's request: else no nightly job ever begins, and only a traceback in the server's log says so."""
    deployed = {d["id"] for d in site.api("/deployments/filter", {})}
    planned = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}
    wait_until(lambda: {run["deployment_id"] for run in site.api("/flow_runs/filter", planned)} == deployed, seconds=90)


def test_the_jobs(site: Site) -> None:
    """All of them with SQLite; one refresh with PostgreSQL, which keeps its states and its artifact."""
    deployed = {d["name"]: d for d in site.api("/deployments/filter", {})}
    assert set(deployed) == JOBS
    for job in deployed.values():
        (schedule,) = job["schedules"]
        assert schedule["active"] and schedule["schedule"]["timezone"] == "UTC"
        assert job["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
    assert site.ended(site.trigger("refresh/nightly", {"source": "mp"})) == "Completed"
    if site.short:
        assert {a["key"] for a in site.api("/artifacts/filter", {})} == {"snapshot"}
        assert KEY not in (site.home / "worker.log").read_text() + json.dumps(site.api("/logs/filter", {}))
        return
    assert site.ended(site.trigger("train/weekly", {"members": ["forest"]})) == "Completed"
    assert site.ended(site.trigger("screen/after-changes", {"paths": ["mp"]})) == "Completed"
    artifacts = {a["key"] for a in site.api("/artifacts/filter", {})}
    assert {"snapshot", "test-metrics", "ranking", "report"} <= artifacts
    jobs = subprocess.run(
        [sys.executable, "-m", "flows", "jobs", "--json"], cwd=ROOT, env=site.server.environment, capture_output=True, text=True
    )
    entries = json.loads(jobs.stdout)
    assert [(e["job"], e["state"]) for e in entries] == [("refresh", "done"), ("train", "done"), ("screen", "done")]
    runs = {r["id"] for r in site.api("/flow_runs/filter", {})}
    assert {e["engine_run"] for e in entries} <= runs, "the ledger knows which flow run it was"
    assert (site.home / "runs").glob("*/report.html")
    assert KEY not in (site.home / "worker.log").read_text() + json.dumps(site.api("/logs/filter", {}))
    assert site.server.lookups <= {REGISTRY}, "somebody looked for another machine"


def test_the_watch_on_names_sees(site: Site) -> None:
    """Else the line above could not fail."""
    code = "import socket; socket.getaddrinfo('nowhere.invalid', 80)"
    done = subprocess.run([sys.executable, "-c", code], env=site.server.environment, capture_output=True)
    assert done.returncode != 0 and "nowhere.invalid" in site.server.lookups


def test_parameters_are_validated(site: Site) -> None:
    with pytest.raises(httpx.HTTPStatusError, match=r"409|422"):
        site.trigger("refresh/nightly", {"source": "mp", "full": "perhaps"})


def test_a_failure_is_told(site: Site) -> None:
    if site.short:
        pytest.skip("seen with SQLite")
    assert site.ended(site.trigger("refresh/nightly", {"source": "parquet:/not/there.parquet"})) == "Failed"
    wait_until(lambda: "refresh failed" in json.dumps(site.told))  # a training that was not promoted may be among them
    assert KEY not in json.dumps(site.told)


def _databases(kind: str) -> Any:
    from contextlib import nullcontext

    return postgresql() if kind == "postgresql" else nullcontext(None)


def _save_webhook(server: PrefectServer, url: str) -> None:
    code = (
        "from prefect.blocks.notifications import CustomWebhookNotificationBlock as Block; import sys; "
        "Block(name='tests', url=sys.argv[1], json_data={'text': '{{subject}}: {{body}}'}).save('tests')"
    )
    done = subprocess.run([sys.executable, "-c", code, url], env=server.environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


class _webhook:
    """Remembers what is posted to it."""

    def __init__(self, told: list[dict[str, Any]]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self) -> str:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_address[1]}/"

    def __exit__(self, *fault: object) -> None:
        self.server.shutdown()


def test_one_process_serves_the_same_jobs(site: Site) -> None:
    """Last, since it takes the jobs over from the worker."""
    if site.short:
        pytest.skip("seen with SQLite")
    for job in site.api("/deployments/filter", {}):
        site.ask("DELETE", f"/deployments/{job['id']}")
    command = [sys.executable, "-m", "flows", "serve"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**site.server.environment, "FERROSCREEN_QUALITY": "false"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_until(lambda: len(site.api("/deployments/filter", {})) == len(JOBS))
        deployed = {d["name"]: d for d in site.api("/deployments/filter", {})}
        assert set(deployed) == JOBS
        assert deployed["nightly"]["schedules"][0]["schedule"]["cron"] == "15 2 * * *"
        assert site.ended(site.trigger("refresh/nightly", {"source": "starter"})) == "Completed"
    finally:
        end(process)
