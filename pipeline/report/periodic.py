"""Heat maps over the periodic table, each an SVG element as text; None where there is nothing to draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from markupsafe import Markup

from pipeline.report.elements import holders, periodic_table
from pipeline.report.plots import finite_columns
from pipeline.report.text import number

FEWEST_ROWS = 10  # test rows of an element, below which its mean error is chance
BEST = 500  # candidates that are counted
_ERRORS = (0.01, 0.02, 0.05, 0.1, 0.2)  # µB/atom
_COUNTS = (3, 10, 30, 100, 300)
_WIDTH, _HEIGHT, _GAP = 46, 40, 8  # of a field; above the rows below the table


def error_map(evaluation: pd.DataFrame) -> str | None:
    """Mean absolute error of the test rows that hold each element (µB/atom)."""
    rows = evaluation[np.isfinite(evaluation[["moment_dft", "moment_muB_per_atom"]].apply(pd.to_numeric, errors="coerce")).all(axis=1)]
    truth, guess = finite_columns(rows, "moment_dft", "moment_muB_per_atom")
    error = np.abs(guess - truth)
    found = {z: float(error[held].mean()) for z, held in holders(rows["formula"].map(str).to_list()).items() if len(held) >= FEWEST_ROWS}
    return _heat_map("Mean error by element", found, _ERRORS, "mean error, µB/atom", lambda value: number(value, 2 if value >= 0.1 else 3))


def candidate_map(ranking: pd.DataFrame) -> str | None:
    """How many of the best candidates hold each element."""
    best = ranking.sort_values("rank", kind="stable").head(BEST)
    found = {z: float(len(held)) for z, held in holders(best["formula"].map(str).to_list()).items()}
    return _heat_map(f"Elements of the best {len(best)} candidates", found, _COUNTS, f"of the best {len(best):,} candidates", "{:.0f}".format)


def _heat_map(
    label: str, values: dict[int, float], edges: Sequence[float], legend: str, shown: Callable[[float], str]
) -> str | None:  # fmt: skip
    if not values:
        return None
    parts = []
    for place in periodic_table():
        x, y = (place.column - 1) * _WIDTH, (place.row - 1) * _HEIGHT + (_GAP if place.row > 7 else 0)
        value = values.get(place.z)
        shade = "none" if value is None else f"d{int(np.searchsorted(edges, value, side='right'))}"
        text = Markup('<text class="v" x="{}" y="{}">{}</text>').format(x + _WIDTH / 2, y + 31, shown(value)) if value is not None else ""
        parts.append(
            Markup('<g class="e e-{}"><rect x="{}" y="{}" width="{}" height="{}" rx="3"/><text x="{}" y="{}">{}</text>{}</g>').format(
                shade, x + 1, y + 1, _WIDTH - 2, _HEIGHT - 2, x + _WIDTH / 2, y + 17, place.symbol, text
            )
        )
    parts += _legend(edges, legend)
    size = f"0 0 {18 * _WIDTH} {9 * _HEIGHT + _GAP}"
    return str(
        Markup('<svg xmlns="http://www.w3.org/2000/svg" viewBox="{}" class="plot elements" role="img" aria-label="{}">{}</svg>').format(
            size, label, Markup("").join(parts)
        )
    )


def _legend(edges: Sequence[float], title: str) -> list[Markup]:
    """In the gap above the transition metals."""
    x, y, step = 3.2 * _WIDTH, 1.15 * _HEIGHT, 1.2 * _WIDTH
    words = [f"< {edges[0]:g}", *(f"{low:g}–" for low in edges[:-1]), f"≥ {edges[-1]:g}"]
    parts = [Markup('<text class="l" x="{}" y="{}">{}</text>').format(x, y - 8, title)]
    for k, word in enumerate(words):
        parts.append(
            Markup('<g class="e e-d{}"><rect x="{}" y="{}" width="{}" height="14"/></g><text class="l t" x="{}" y="{}">{}</text>').format(
                k, round(x + k * step, 1), y, step, round(x + k * step + step / 2, 1), y + 27, word
            )
        )
    return parts
