"""Moment against stability: the plot that says what is given up for what."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from pipeline.report.plot_values import drawable
from pipeline.report.svg import ROLES, WIDE, Sheet, draw

FARTHEST = 0.3  # eV/atom; what lies higher is not drawn
NAMED = 6  # crystals of the front that carry their formula
ROOM = (0.11, 0.08)  # that a formula takes, as shares of the axes
FEWEST = 3


def pareto_front(energy: npt.NDArray[np.float64], gain: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Rows that no other row beats, in stability and gain together; stable ones first."""
    order = np.lexsort((-gain, energy))
    best = np.maximum.accumulate(np.concatenate([[-np.inf], gain[order]]))[:-1]
    return order[gain[order] > best]


def apart(
    rows: npt.NDArray[np.int64], x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], most: int = NAMED
) -> list[int]:
    """The first rows, at `most` so many, whose names do not run into one another; x and y are shares of the axes."""
    named: list[int] = []
    for row in rows.tolist():
        if all(abs(x[row] - x[other]) > ROOM[0] or abs(y[row] - y[other]) > ROOM[1] for other in named):
            named.append(row)
    return named[:most]


def moment_against_stability(ranking: pd.DataFrame, sheet: Sheet = WIDE) -> str | None:
    """µ0·Ms that is sure over the energy above the hull, where that is known, with the Pareto front."""
    if "e_above_hull" not in ranking:
        return None
    sure = "saturation_sure_T" if "saturation_sure_T" in ranking else "saturation_T_low"  # runs of older releases
    table = ranking.assign(
        energy=pd.to_numeric(ranking["e_above_hull"], errors="coerce"),
        gain=pd.to_numeric(ranking[sure], errors="coerce"),
    )
    table = table[np.isfinite(table["energy"]) & np.isfinite(table["gain"]) & (table["energy"] <= FARTHEST)]
    if len(table) < FEWEST:
        return None
    energy, gain = table["energy"].to_numpy(np.float64), table["gain"].to_numpy(np.float64)
    front = pareto_front(energy, gain)
    digits = (3, 2) if sheet == WIDE else (2, 1)
    # thousands of dots on one spot only cost space
    spots = np.unique(np.stack([energy.round(digits[0]), gain.round(digits[1])]), axis=1)
    end = max(0.05, 1.05 * float(energy.max()))
    crowded = WIDE.width / sheet.width  # names take a larger share of a smaller sheet

    def paint(axes: Axes) -> None:
        axes.grid(True)
        axes.plot(*spots, "o", color=ROLES["h0"], markersize=3, markeredgewidth=0, label="a candidate")
        steps = [np.append(energy[front], end), np.append(gain[front], gain[front][-1])]
        axes.step(*steps, where="post", color=ROLES["rust"], linewidth=1.2)
        axes.plot(energy[front], gain[front], "o", color=ROLES["rust"], markersize=5, label="Pareto front")
        for k in apart(front[np.argsort(-gain[front], kind="stable")], energy / end / crowded, gain / max(gain.max(), 0.1)):
            name = drawable(str(table["formula"].iloc[k]))
            axes.annotate(name, (energy[k], gain[k]), xytext=(6, -9), textcoords="offset points", fontsize=8.5, parse_math=False)
        axes.set(xlabel="energy above the hull (eV/atom)", ylabel="µ0·Ms at the lower ends (T)")
        axes.set(xlim=(-0.02 * end, end), ylim=(-0.03 * max(gain.max(), 0.1), 1.12 * max(gain.max(), 0.1)))
        axes.legend(loc="upper right", ncols=2)

    label = f"Magnetisation against stability of {len(energy)} candidates"
    return draw(f"stability{sheet.suffix}", label, paint, (sheet.width, 3.6))
