"""How a step tells what it is doing, without knowing who listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Tick = Callable[[int], None]


class Reporter(Protocol):
    """Shows progress to a person, or to no one."""

    def bar(self, label: str, total: int) -> AbstractContextManager[Tick]:
        """A bar of `total` units; the tick is told how many more are done."""
        ...

    def say(self, line: str) -> None:
        """One line that stays."""
        ...


class Quiet:
    """Tells no one."""

    @contextmanager
    def bar(self, label: str, total: int) -> Iterator[Tick]:
        yield lambda n: None

    def say(self, line: str) -> None:
        pass
