"""`python -m flows` in a process that was forked from one with all libraries loaded, for tests whose subject is not the start.

Such a command has its own environment, streams, signals and exit code; what it lacks is the seconds of imports, and a hash seed
of its own. Starts of fresh processes are tested in tests/flows/test_whole_job.py and test_cli_mistakes.py.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[2]
LONGEST_S = 300.0  # of one command on a busy machine


class Command:
    """A command that was started. `pid`, `returncode` and the methods are those of subprocess.Popen.

    Args:
        arguments: of `ferroscreen`.
        env: its whole environment.
        given: its standard input.
        new_session: whether it leads a session of its own, as what a terminal starts does.
        code: run this instead, as `python -c` does, with the arguments in sys.argv.
    """

    def __init__(
        self, *arguments: str, env: Mapping[str, str], given: str = "", new_session: bool = False, code: str = ""
    ) -> None:
        self.arguments = arguments
        self.returncode: int | None = None
        self._out, self._errors = _file(), _file()
        told, tell = os.pipe()
        self._told = os.fdopen(told, "rb", buffering=0)
        order = {"arguments": arguments, "environment": dict(env), "new_session": new_session, "code": code}
        with _file() as stdin:
            stdin.write(given)
            stdin.seek(0)
            streams = [stdin.fileno(), self._out.fileno(), self._errors.fileno(), tell]
            socket.send_fds(_nursery(os.getpid()), [json.dumps(order).encode()], streams)
        os.close(tell)
        self.pid = int(self._line())

    def __enter__(self) -> Command:
        return self

    def __exit__(self, *fault: object) -> None:
        self.wait()

    def poll(self) -> int | None:
        """Its exit code, if it has ended."""
        if self.returncode is None and select.select([self._told], [], [], 0)[0]:
            self.returncode = int(self._line())
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.arguments, timeout or 0.0)
            self.returncode = int(self._line())
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it wrote, when it has ended."""
        self.wait(timeout)
        return _content(self._out), _content(self._errors)

    def send_signal(self, which: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, which)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _line(self) -> bytes:
        line = self._told.readline()
        assert line, "the process that starts commands is gone"
        return line


def call(
    *arguments: str, env: Mapping[str, str] | None = None, given: str = "", code: str = ""
) -> subprocess.CompletedProcess[str]:
    """The command, to its end; the arguments are those of Command, and this process's environment where none is given."""
    command = Command(*arguments, env=os.environ if env is None else env, given=given, code=code)
    try:
        out, errors = command.communicate(LONGEST_S)
    except subprocess.TimeoutExpired:
        command.kill()
        raise
    return subprocess.CompletedProcess(list(arguments), command.wait(), out, errors)


@cache
def _nursery(process: int) -> socket.socket:
    """Takes orders of this process; it ends when the socket is closed."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "FERROSCREEN_", "MP_API", "ICSD_"))}
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.servers.nursery"], cwd=ROOT, env={**clean, "OMP_NUM_THREADS": "1"}, stdin=theirs,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    theirs.close()

    def end() -> None:
        ours.close()
        server.wait()

    atexit.register(end)
    return ours


def _file() -> IO[str]:
    return tempfile.TemporaryFile("w+", encoding="utf-8", errors="surrogateescape", newline="")


def _content(file: IO[str]) -> str:
    file.seek(0)
    return file.read()
