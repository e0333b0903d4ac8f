"""Heat maps over the periodic table, each an SVG element as text; None where there is nothing to draw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pipeline.report.assets import page_environment
from pipeline.report.elements import holders, periodic_table
from pipeline.report.text import number

BEST = 500  # candidates that are counted
_ERRORS = (0.01, 0.02, 0.05, 0.1, 0.2)  # µB/atom
_COUNTS = (3, 10, 30, 100, 300)


def error_map(groups: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Mean absolute error of the test rows that hold each element (µB/atom), from a model's metrics."""
    places = {place.symbol: place.z for place in periodic_table()}
    found = {places[symbol]: float(group["mae"]) for symbol, group in groups.items() if symbol in places}
    return _heat_map("Mean error by element", "mean error, µB/atom", found, _ERRORS, lambda v: number(v, 2 if v >= 0.1 else 3))


def candidate_map(ranking: pd.DataFrame) -> str | None:
    """How many of the best candidates hold each element."""
    best = ranking.sort_values("rank", kind="stable").head(BEST)
    found = {z: float(len(held)) for z, held in holders(best["formula"].map(str).to_list()).items()}
    label = f"of the best {len(best):,} candidates"
    return _heat_map(f"Elements {label}", label, found, _COUNTS, "{:.0f}".format)


def _heat_map(
    label: str, legend: str, values: dict[int, float], edges: Sequence[float], shown: Callable[[float], str]
) -> str | None:
    """Six shades with five edges between them; elements without a value stay empty."""
    if not values:
        return None
    shades = {z: int(np.searchsorted(edges, value, side="right")) for z, value in values.items()}
    words = {z: shown(value) for z, value in values.items()}
    template = page_environment().get_template("periodic.svg.j2")
    return template.render(
        label=label, legend=legend, places=periodic_table(), shades=shades, words=words, edges=[f"{e:g}" for e in edges]
    )
