"""How right order and Curie temperature are: drawings of counts that the models of experiments carry with them.

The counts are of compositions whose chemical systems the members had not seen; no single value is among them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.patches import Patch

from pipeline.evaluation.shares import wilson
from pipeline.report.plots import DENSITY, DENSITY_EDGES
from pipeline.report.svg import ROLES, draw


def order_reliability(bins: Sequence[Mapping[str, Any]]) -> str | None:
    """Stated P(FM or FiM) against the share that experiments found FM or FiM, with its 95 % interval.

    Args:
        bins: each with `rows`, `stated` (mean probability) and `found` (share).
    """
    if not bins:
        return None
    rows, stated, found = (np.array([float(each[name]) for each in bins]) for name in ("rows", "stated", "found"))
    low, high = wilson(found, rows)

    def paint(axes: Axes) -> None:
        axes.grid(True)
        axes.plot([0, 1], [0, 1], color=ROLES["ink"], linewidth=0.9, dashes=(4, 3))
        axes.vlines(stated, low, high, color=ROLES["rust"], linewidth=1.4)
        axes.plot(stated, found, "o-", color=ROLES["rust"], markersize=4.5, linewidth=1.0)
        axes.set(xlabel="stated P(FM or FiM)", ylabel="share that experiments found FM or FiM")
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")

    return draw("order-reliability", f"Reliability of P(FM or FiM) on {int(rows.sum())} compositions", paint)


def temperature_parity(found: Mapping[str, Any]) -> str | None:
    """Predicted over measured Curie temperature as counts of compositions in cells.

    Args:
        found: `edges_K` (n + 1 of them, of both axes) and `counts` (n by n: measured, then predicted).
    """
    if not found:
        return None
    edges, counts = np.array(found["edges_K"], dtype=np.float64), np.array(found["counts"], dtype=np.float64)
    if counts.shape != (len(edges) - 1, len(edges) - 1) or not counts.any():
        return None

    def paint(axes: Axes) -> None:
        axes.grid(True)
        shades = ListedColormap([ROLES[role] for role in DENSITY.values()])
        measured, predicted = np.nonzero(counts)
        left, right, low, high = edges[measured], edges[measured + 1], edges[predicted], edges[predicted + 1]
        corners = np.stack([np.stack(pair, axis=1) for pair in ((left, low), (right, low), (right, high), (left, high))], axis=1)
        filled = shades(BoundaryNorm(DENSITY_EDGES, len(DENSITY))(counts[measured, predicted]))
        axes.add_collection(PolyCollection(list(corners), facecolors=filled, edgecolors="none", linewidths=0), autolim=False)
        axes.plot(edges[[0, -1]], edges[[0, -1]], color=ROLES["ink"], linewidth=0.9, dashes=(4, 3))
        axes.set(xlabel="measured Tc (K)", ylabel="predicted Tc (K)", aspect="equal")
        axes.set(xlim=(edges[0], edges[-1]), ylim=(edges[0], edges[-1]))
        patches = [Patch(facecolor=ROLES[role], label=label) for label, role in DENSITY.items()]
        axes.legend(handles=patches, title="in a cell", loc="center left", bbox_to_anchor=(1.0, 0.5))

    return draw("tc-parity", f"Predicted against measured Curie temperature of {int(counts.sum())} compositions", paint)
