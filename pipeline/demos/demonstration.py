"""The result of a demonstration: a table, the checks of the method, and a figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data.store.artifact import write_bytes


@dataclass(frozen=True)
class Check:
    """One statement about a method that the demonstration tests."""

    statement: str
    measured: str
    passed: bool | None  # None: this size of the demonstration is too small to decide

    @property
    def verdict(self) -> str:
        return {True: "passed", False: "FAILED", None: "not checked at this size"}[self.passed]


@dataclass(frozen=True)
class Demonstration:
    """What `ferroscreen demo METHOD` shows."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    checks: Sequence[Check]
    figure: str  # SVG

    @property
    def failed(self) -> list[Check]:
        return [check for check in self.checks if check.passed is False]

    def save_figure(self, path: Path) -> None:
        """Write the SVG file; the folder is created where there is none."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, self.figure.encode())
