"""Progress of a flow: bars on the error stream, so that standard output stays for results."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.ops.progress import Quiet, Reporter, Tick


class Console:
    """Bars and lines by rich; plain lines where the stream is no terminal."""

    def __init__(self) -> None:
        from rich.console import Console as RichConsole

        self.console = RichConsole(stderr=True)

    @contextmanager
    def bar(self, label: str, total: int) -> Iterator[Tick]:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description:<24}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self.console) as progress:
            task = progress.add_task(label, total=total)
            yield lambda n: progress.advance(task, n)

    def say(self, line: str) -> None:
        self.console.print(line, highlight=False, markup=False)


class Logged:
    """Progress in a deployment: each step is a line in the flow run's log."""

    @contextmanager
    def bar(self, label: str, total: int) -> Iterator[Tick]:
        self.say(f"{label}: {total} to do")
        yield lambda n: None
        self.say(f"{label}: done")

    def say(self, line: str) -> None:
        from prefect.logging import get_run_logger

        get_run_logger().info(line)


_current: Reporter = Logged()


def reporter() -> Reporter:
    """Who listens in this process."""
    return _current


def show_progress(quiet: bool) -> None:
    """Progress of this process on its error stream; flows started by a worker keep the log."""
    global _current
    _current = Quiet() if quiet or not sys.stderr.isatty() else Console()


def use_console(quiet: bool) -> None:
    """The command line calls this once, before Prefect is imported."""
    show_progress(quiet)
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")  # the command line words errors itself
