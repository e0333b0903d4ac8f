"""How a search for descriptors went, as a drawing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from pipeline.report.svg import ROLES, draw


def selection_trajectory(selection: Mapping[str, Any]) -> str | None:
    """An SVG (None without a search): error of each round's small forest, the best so far, and the size of the pool."""
    found = selection.get("trajectory", ())
    if not found:
        return None
    rounds = np.arange(1, len(found) + 1)
    accepted = np.array([r["accepted"] for r in found], dtype=bool)
    error = np.array([r["error"] for r in found])

    def paint(axes: Axes) -> None:
        axes.grid(True)
        axes.plot(rounds[accepted], error[accepted], "o", color=ROLES["rust"], markersize=4.0, label="accepted set")
        axes.plot(
            rounds[~accepted], error[~accepted], "o", color=ROLES["muted"], markersize=4.0, fillstyle="none", label="rejected"
        )
        axes.plot(rounds, [r["best"] for r in found], color=ROLES["ink"], linewidth=1.2, label="best so far")
        axes.set(xlabel="round", ylabel="error of a small forest (µB/atom)")
        pool = axes.twinx()
        pool.plot(rounds, [r["pool"] for r in found], color=ROLES["steel"], linewidth=1.2, linestyle="--")
        pool.set_ylabel("descriptors in the pool (dashed)")
        axes.legend(loc="upper right")

    return draw("selection", f"Search for {len(selection['columns'])} descriptors in {len(found)} rounds", paint)
