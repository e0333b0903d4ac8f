"""What changed from one literature snapshot to another: new compositions, withdrawn ones, other orders or temperatures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from data.sources.literature.snapshot import LiteratureSnapshot

SAME_K = 0.05


@dataclass(frozen=True)
class LiteratureDifference:
    """Each list in the order of the compositions' keys."""

    new: list[dict[str, Any]]
    withdrawn: list[dict[str, Any]]
    reordered: list[dict[str, Any]]
    remeasured: list[dict[str, Any]]  # the same order, another temperature

    def counts(self) -> dict[str, int]:
        return {name: len(rows) for name, rows in self.lists().items()}

    def lists(self) -> dict[str, list[dict[str, Any]]]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def literature_difference(old: LiteratureSnapshot, new: LiteratureSnapshot) -> LiteratureDifference:
    """From the old snapshot to the new one."""
    a, b = (s.compositions().set_index("key").sort_index() for s in (old, new))
    both = a.index.intersection(b.index)
    was, now = a.loc[both], b.loc[both]
    reordered = (was["order"] != now["order"]).to_numpy()
    moved = np.zeros(len(both), dtype=bool)
    for name in ("tc_K", "tn_K"):
        one, two = was[name].to_numpy(), now[name].to_numpy()
        moved |= (np.isnan(one) != np.isnan(two)) | (np.abs(one - two) > SAME_K)
    return LiteratureDifference(
        _rows(b.loc[b.index.difference(a.index)]), _rows(a.loc[a.index.difference(b.index)]), _pairs(was, now, reordered),
        _pairs(was, now, moved & ~reordered),
    )  # fmt: skip


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {"formula": row.formula, "order": row.order, "tc_K": _known(row.tc_K), "tn_K": _known(row.tn_K)}
        for row in table.itertuples()
    ]


def _pairs(was: pd.DataFrame, now: pd.DataFrame, chosen: np.ndarray) -> list[dict[str, Any]]:
    found = []
    for before, after in zip(_rows(was[chosen]), _rows(now[chosen]), strict=True):
        changes = {f"old_{name}": before[name] for name in ("order", "tc_K", "tn_K")}
        found.append({**after, **changes})
    return found


def _known(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)
