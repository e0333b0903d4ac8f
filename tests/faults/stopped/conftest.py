"""A command in a process of its own, stopped in the middle, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.servers.commands import Command, call

PATIENCE_S = 120.0


@dataclass
class Stage:
    """A home, and the commands started in it."""

    home: Path
    more: dict[str, str] = field(default_factory=dict)
    started: list[Command] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "FERROSCREEN_", "MP_API", "ICSD_"))}
        return {**clean, "FERROSCREEN_HOME": str(self.home), "FERROSCREEN_WORKERS": "2", **self.more}

    def start(self, *arguments: str) -> Command:
        """The command in a session of its own, as a terminal starts it: Ctrl-C is heard."""
        process = Command(*arguments, env=self.environment, new_session=True)
        self.started.append(process)
        return process

    def once(self, process: Command, begun: Callable[[], bool]) -> None:
        """Wait until the command is in the middle of its work."""
        deadline = time.monotonic() + PATIENCE_S
        while not begun():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline, "the work never began"
            time.sleep(0.02)

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return call(*arguments, env=self.environment)

    def left_behind(self, within_s: float) -> list[str]:
        """Command lines of processes that still have this home in their environment, or are in the session of a command, after so
        many seconds."""
        deadline = time.monotonic() + within_s
        while (found := list(self._living())) and time.monotonic() < deadline:
            time.sleep(0.1)
        return found

    def _living(self) -> Iterator[str]:
        mark = f"FERROSCREEN_HOME={self.home}".encode()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                theirs = os.getsid(int(folder.name)) in {process.pid for process in self.started} and not _ended(folder)
                if theirs or (int(folder.name) != os.getpid() and mark in (folder / "environ").read_bytes().split(b"\0")):
                    yield (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except (OSError, ValueError):
                continue


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    if not sys.platform.startswith("linux"):
        pytest.skip("reads /proc")
    made = Stage(tmp_path / "home")
    yield made
    for process in made.started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def _ended(folder: Path) -> bool:
    """Whether the process of a folder below /proc only waits for its parent to take notice."""
    return (folder / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
