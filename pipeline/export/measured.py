"""What experiments report for a candidate's composition, as an export says it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Measured:
    """Measured order and transition temperatures with the first references."""

    order: str
    tc_K: float | None
    tn_K: float | None
    references: int  # all of them
    sources: tuple[str, ...]  # the first ones: DOIs, and handbooks by name

    @property
    def curie(self) -> str:
        """The Curie temperature in words."""
        return _words(self.tc_K)

    @property
    def neel(self) -> str:
        """The Néel temperature in words."""
        return _words(self.tn_K)

    def facts(self) -> dict[str, Any]:
        """For a summary in JSON."""
        return {
            "order": self.order, "tc_K": self.tc_K, "tn_K": self.tn_K, "references": self.references,
            "sources": list(self.sources),
        }  # fmt: skip


def measured(row: dict[str, Any]) -> Measured | None:
    """From the columns `known_...` of a ranking; None where it has none (older releases), or nothing is known."""
    order, tc, tn = _text(row.get("known_order")), _number(row.get("known_tc_K")), _number(row.get("known_tn_K"))
    if not order and tc is None and tn is None:
        return None
    sources = tuple(part.strip() for part in _text(row.get("known_dois")).split(";") if part.strip())
    return Measured(order, tc, tn, int(_number(row.get("known_references")) or 0), sources)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> float | None:
    if not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _words(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"
