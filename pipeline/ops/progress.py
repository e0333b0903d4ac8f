"""How a step reports progress, independent of where it is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Tick = Callable[[int], None]


class Reporter(Protocol):
    """Receives the progress of a step."""

    def bar(self, label: str, total: int) -> AbstractContextManager[Tick]:
        """A progress bar of `total` units. Call the tick with the number of units done since its last call."""
        ...

    def say(self, line: str) -> None:
        """Print one line that stays visible."""
        ...


class Quiet:
    """A reporter that shows nothing."""

    @contextmanager
    def bar(self, label: str, total: int) -> Iterator[Tick]:
        yield lambda n: None

    def say(self, line: str) -> None:
        pass
