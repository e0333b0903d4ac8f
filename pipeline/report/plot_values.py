"""What plots and the page's tables show alike, without what draws: to import that takes as long as all the rest of a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.report.text import MISSING, finite

Floats = npt.NDArray[np.float64]


def finite_columns(frame: pd.DataFrame, *names: str) -> tuple[Floats, ...]:
    """The named columns as floats, without the rows in which one of them is missing or infinite."""
    table = frame[list(names)].apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    return tuple(table[np.isfinite(table).all(axis=1)].T)


def count_reasons(rejected: pd.DataFrame) -> list[tuple[str, int]]:
    """Each reason with its number of crystals, the most frequent first, equal ones by name."""
    counts = rejected["reason"].fillna("").astype(str).value_counts()
    return sorted(((str(reason), int(n)) for reason, n in counts.items()), key=lambda entry: (-entry[1], entry[0]))


def moment_range(entry: Mapping[str, Any]) -> str:
    """A bin's border moments in words (µB/atom); the last bin may be open."""
    low, high = finite(entry.get("low")), finite(entry.get("high"))
    if high is None:
        return f"≥ {low or 0:g}"
    return f"{low or 0:g}–{high:g}"


def drawable(text: str) -> str:
    """Text for a drawing: its font has no glyph for most scripts, and XML has no place for control characters."""
    plain = "".join(character if " " <= character <= "~" else "?" for character in text)
    return (plain if len(plain) <= 32 else plain[:31] + "…") or MISSING
