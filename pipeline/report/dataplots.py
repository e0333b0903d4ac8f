"""Plots of a data set's own quality, each an SVG element as text; None where there is nothing to draw. Moments in µB/atom."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from data.labels import MAGNETIC_THRESHOLD, MAX_MUB_PER_ATOM
from pipeline.report.logaxis import log_axis
from pipeline.report.plot_values import finite_columns
from pipeline.report.svg import ROLES, WIDE, Sheet, draw

STEPS = 60


def label_histogram(crystals: pd.DataFrame, sheet: Sheet = WIDE) -> str | None:
    """All labels by size, on a logarithmic count; the non-magnetic ones apart."""
    (moments,) = finite_columns(crystals, "moment_muB_per_atom")
    if moments.size == 0:
        return None
    end = float(np.clip(moments.max(), 0.1, MAX_MUB_PER_ATOM))
    edges = np.linspace(0, end, STEPS + 1)
    magnetic = np.histogram(moments[moments > MAGNETIC_THRESHOLD], edges)[0]
    others = np.histogram(moments[moments <= MAGNETIC_THRESHOLD], edges)[0]

    def paint(axes: Axes) -> None:
        axes.grid(True, axis="y")
        axes.stairs(magnetic, edges, baseline=0.7, fill=True, color=ROLES["d2"], label=f"above {MAGNETIC_THRESHOLD} µB/atom")
        axes.stairs(others, edges, baseline=0.7, color=ROLES["steel"], linewidth=1.4, label="non-magnetic")
        axes.set(yscale="log", xlabel="DFT moment (µB/atom)", ylabel="crystals", xlim=(0, end))
        axes.set_ylim(0.7, 2.5 * max(magnetic.max(), others.max(), 2))
        log_axis(axes.yaxis, *axes.get_ylim())
        axes.legend(loc="upper right")

    return draw(f"labels{sheet.suffix}", f"Histogram of {moments.size} labels", paint, (sheet.width, 3.0))


def moments_of_duplicates(duplicates: pd.DataFrame) -> str | None:
    """The moment of each duplicate over that of the crystal it repeats, with the line of equality."""
    first, second = finite_columns(duplicates, "moment_of", "moment")
    if first.size == 0:
        return None
    end = float(np.clip(max(first.max(), second.max()), 0.1, MAX_MUB_PER_ATOM))

    def paint(axes: Axes) -> None:
        axes.grid(True)
        axes.plot([0, end], [0, end], color=ROLES["ink"], linewidth=0.9, dashes=(4, 3))
        axes.plot(first, second, "o", color=ROLES["rust"], markersize=4.0, alpha=0.7)
        axes.set(xlabel="moment of the first one (µB/atom)", ylabel="moment of its duplicate (µB/atom)", aspect="equal")
        axes.set(xlim=(-0.03 * end, 1.05 * end), ylim=(-0.03 * end, 1.05 * end))

    return draw("duplicates", f"Moments of {first.size} duplicates", paint)
