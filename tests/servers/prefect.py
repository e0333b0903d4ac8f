"""A real Prefect server on a free port, with SQLite or with a PostgreSQL of its own; nothing of it remains."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
WATCHED = Path(__file__).parent / "watched"
LOOKUPS = "lookups"
SLOW_S = 180.0  # a server on a busy machine


@dataclass(frozen=True)
class PrefectServer:
    """A running server, and the environment in which commands talk to it."""

    url: str
    environment: dict[str, str]

    @property
    def lookups(self) -> set[str]:
        """Names of other machines that the server, or a process in its environment, has looked up so far."""
        noted = Path(self.environment["LOOKUPS_FILE"])
        return set(noted.read_text().split()) if noted.exists() else set()

    def prefect(self, *arguments: str) -> str:
        """Standard output of a `prefect` command; fails loudly."""
        command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=SLOW_S)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@contextmanager
def prefect_server(home: Path, database: str | None) -> Iterator[PrefectServer]:
    """Start one.

    Args:
        home: PREFECT_HOME, for its files.
        database: connection URL; None for SQLite in `home`.
    """
    log = home / "server.log"
    with reserved_port() as port, log.open("w") as out:
        url = f"http://127.0.0.1:{port}/api"
        environment = _environment(home, url, database)
        command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port), "--no-ui"]
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            wait_until(lambda: _healthy(url), lambda: log.read_text() if process.poll() is not None else "")
            yield PrefectServer(url, environment)
        finally:
            end(process)


def _environment(home: Path, url: str, database: str | None) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "FERROSCREEN_", "MP_API", "ICSD_"))}
    return {
        **clean, "PREFECT_HOME": str(home), "PREFECT_API_URL": url, "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "PREFECT_SERVER_UI_ENABLED": "false",
        "PREFECT_WORKER_QUERY_SECONDS": "1", "PREFECT_RUNNER_POLL_FREQUENCY": "1",  # 10 s each is idle time before every run
        "PYTHONPATH": str(WATCHED), "LOOKUPS_FILE": str(home / LOOKUPS), "PREFECT_CLI_COLORS": "false",
        **({} if database is None else {"PREFECT_API_DATABASE_CONNECTION_URL": database}),
    }  # fmt: skip


@contextmanager
def postgresql() -> Iterator[str]:
    """A database of its own in a temporary folder, and its URL as Prefect wants it. Root hands over to `postgres`, as it must."""
    binaries = POSTGRES[-1].parent
    folder = Path(tempfile.mkdtemp(prefix="ferroscreen-postgres-"))
    become = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    if become:
        shutil.chown(folder, "postgres")
    data = folder / "data"

    def run(name: str, *arguments: str) -> None:
        done = subprocess.run(
            [*become, str(binaries / name), *arguments], cwd=folder, capture_output=True, text=True, timeout=SLOW_S
        )
        assert done.returncode == 0, done.stdout + done.stderr

    with reserved_port() as port:
        try:
            run("initdb", "-D", str(data), "-A", "trust", "-U", "prefect", "--no-sync")
            options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=60"
            run("pg_ctl", "-D", str(data), "-w", "-t", str(int(SLOW_S)), "-l", str(folder / "log"), "-o", options, "start")
            run("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "prefect", "prefect")
            yield f"postgresql+asyncpg://prefect@127.0.0.1:{port}/prefect"
        finally:
            run("pg_ctl", "-D", str(data), "-m", "immediate", "stop")
            shutil.rmtree(folder, ignore_errors=True)


def end(process: subprocess.Popen[Any]) -> None:
    """End the leader of a session, and where it takes its time about it, all of the session."""
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until(true: Callable[[], bool], trouble: Callable[[], str] = lambda: "", seconds: float = SLOW_S) -> None:
    """Until something becomes true; fails where it does not, or where there is trouble."""
    deadline = time.monotonic() + seconds
    while not true():
        assert not trouble(), trouble()
        assert time.monotonic() < deadline, "it did not come so far"
        time.sleep(0.3)


@contextmanager
def reserved_port() -> Iterator[int]:
    """One on which a server may listen that sets SO_REUSEADDR, as servers do. Until then nobody listens there; nothing else gets
    it meanwhile, as server or for a connection of its own."""
    with socket.socket() as reservation:
        reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reservation.bind(("127.0.0.1", 0))
        yield int(reservation.getsockname()[1])


def _healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=5.0).status_code == 200
    except httpx.HTTPError:
        return False
