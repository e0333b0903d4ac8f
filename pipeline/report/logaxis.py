"""Ticks of a logarithmic axis: enough of them to read it, whatever it spans."""

from __future__ import annotations

import math

from matplotlib.axis import Axis
from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter, NullLocator

FEWEST = 3  # labels: with one alone a reader cannot tell the scale
MOST = 8
_STEPS = ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 8))  # within a decade, coarse ones first


def log_axis(axis: Axis, low: float, high: float) -> None:
    """Make the axis logarithmic from `low` to `high` (both above zero), with at least three labels in plain numbers."""
    ticks = log_ticks(low, high)
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FixedFormatter([f"{tick:,.0f}" if tick >= 1000 else f"{tick:g}" for tick in ticks]))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def log_ticks(low: float, high: float) -> list[float]:
    """Round values between the ends: the coarsest set that has FEWEST of them; the ends' own decades where none has."""
    decades = range(math.floor(math.log10(low)), math.floor(math.log10(high)) + 1)
    found: list[float] = []
    for steps in _STEPS:
        found = [tick for d in decades for step in steps if low <= (tick := float(f"{step * 10.0**d:.2g}")) <= high]
        if len(found) >= FEWEST:
            break
    else:
        found = sorted({float(f"{low * (high / low) ** share:.3g}") for share in (0.1, 0.5, 0.9)})
    return found[:: math.ceil(len(found) / MOST)]
