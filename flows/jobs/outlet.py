"""Where a job sends what is not a file: artifacts and notifications, and who runs its steps."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from flows.engines import Runner
    from pipeline.screening.shards import ShardPredictor

R = TypeVar("R")
Rows = list[dict[str, Any]]


class Outlet(Protocol):
    """What runs a job offers it: this process (`InProcess`), or a Prefect flow run (`flows.server.ServerOutlet`)."""

    def step(self, name: str, function: Callable[..., R], *arguments: Any) -> R:
        """Run one step of the job and return its result."""
        ...

    def predictor(self, runner: Runner) -> ShardPredictor:
        """The engine that predicts the shards of a screen.

        Raises:
            UserError: the engine is not installed, or needs a server that is not there.
        """
        ...

    def table(self, key: str, rows: Rows, description: str) -> None:
        """Publish a table under a key that is the same in every run."""
        ...

    def markdown(self, key: str, text: str, description: str) -> None:
        """Publish a text."""
        ...

    def link(self, key: str, path: Path) -> None:
        """Publish a link to a file."""
        ...

    def notify(self, subject: str, body: str) -> None:
        """Send a message to the notification blocks that FERROSCREEN_NOTIFY names."""
        ...


_fresh_process = False


def process_is_fresh() -> bool:
    """Whether this process does one command and nothing else: then no network has run in it before its job."""
    return _fresh_process


def say_process_is_fresh() -> None:
    """The command line calls this once, when it starts."""
    global _fresh_process
    _fresh_process = True


@dataclass(frozen=True)
class InProcess:
    """Steps are called as they are; nothing is published and no notification is sent, since both need a server.

    Args:
        forks: whether workers are copies of this process: only where no network runs in it.
    """

    forks: bool = False

    def step(self, name: str, function: Callable[..., R], *arguments: Any) -> R:
        from pipeline.ops.parallel import copied_workers

        with copied_workers() if self.forks else nullcontext():
            return function(*arguments)

    def predictor(self, runner: Runner) -> ShardPredictor:
        from flows.jobs.engines import predict_by

        return predict_by(runner)

    def table(self, key: str, rows: Rows, description: str) -> None:
        pass

    def markdown(self, key: str, text: str, description: str) -> None:
        pass

    def link(self, key: str, path: Path) -> None:
        pass

    def notify(self, subject: str, body: str) -> None:
        pass
