"""What the browser tests share: a page, and everything that it said or asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

ROWS = 600
PATIENCE_MS = 60_000  # a shared machine may take its time


@dataclass
class Visit:
    """A page and everything that it said or asked for."""

    page: Any
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def rows(self) -> list[str]:
        """Ids of the rows that are shown."""
        return list(self.page.locator("#ranking tbody .id").all_text_contents())

    def resize(self, width: int) -> None:
        """Give the window that width, and wait until the page has been drawn in it, with all that observes sizes."""
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
