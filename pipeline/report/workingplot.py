"""Magnetisation at 300 K against the Curie temperature: where a permanent magnet has to be, and who is there already."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from data.known_magnets import known_magnets
from pipeline.magnetism.experiment import MEASURED
from pipeline.report.pareto import apart
from pipeline.report.plot_values import drawable
from pipeline.report.scale import MAX_KELVIN
from pipeline.report.svg import ROLES, WIDE, Sheet, draw

GOOD_KELVIN, GOOD_TESLA = 450.0, 1.0  # the corner of magnets that work in a motor
LIKELY = 0.5  # P(FM or FiM) of a candidate that is drawn
FEWEST = 3
SMALLEST_TESLA = 0.005  # below: no magnet at 300 K, and a third of all dots
LANDMARKS = (  # of the embedded table; named where there is room, in this order
    "Fe", "Nd2Fe14B", "SmCo5", "BaFe12O19", "FeCo", "Co", "Sm2Co17", "Ni", "Gd", "MnBi", "Sm2Fe17N3", "Fe3O4", "YCo5", "MnAl",
    "CoPt", "Fe4N", "Co2FeSi", "CrO2", "Ni2MnGa",
)  # fmt: skip
_COLUMNS = ("tc_K", "saturation_300K_T", "p_fm_or_fim")


def landmarks() -> pd.DataFrame:
    """Known magnets with a Curie temperature and µ0·Ms at 300 K, the most famous first."""
    table = known_magnets().dropna(subset=["tc_K", "saturation_300K_T"])
    table = table.drop_duplicates("formula").set_index("formula")
    found: pd.DataFrame = table.loc[[name for name in LANDMARKS if name in table.index], ["tc_K", "saturation_300K_T"]]
    return found.reset_index()


def saturation_against_tc(ranking: pd.DataFrame, sheet: Sheet = WIDE) -> str | None:
    """Candidates that are likely FM or FiM by Curie temperature (K) and µ0·Ms at 300 K (T); measured ones stand out."""
    shown = likely_magnets(ranking)
    if len(shown) < FEWEST:
        return None
    known = landmarks()
    measured = shown["measured"].to_numpy(dtype=bool)
    tc, tesla = shown["tc_K"].to_numpy(np.float64), shown["saturation_300K_T"].to_numpy(np.float64)
    top = 1.08 * max(float(tesla.max()), float(known["saturation_300K_T"].max()))
    crowded = WIDE.width / sheet.width

    def paint(axes: Axes) -> None:
        axes.add_patch(
            Rectangle((GOOD_KELVIN, GOOD_TESLA), MAX_KELVIN, top, facecolor=ROLES["d0"], alpha=0.5, edgecolor="none", zorder=0)
        )
        axes.grid(True)
        axes.plot(*spots(tc[~measured], tesla[~measured]), "o", color=ROLES["h0"], markersize=2.6, mew=0, label="predicted")
        if measured.any():
            x, y = spots(tc[measured], tesla[measured])
            axes.plot(x, y, "D", color=ROLES["steel"], markersize=3.6, fillstyle="none", mew=0.9, label="Tc measured")
        axes.plot(known["tc_K"], known["saturation_300K_T"], "+", color=ROLES["ink"], markersize=6, label="known magnets")
        rows = np.arange(len(known))
        x, y = known["tc_K"].to_numpy(np.float64), known["saturation_300K_T"].to_numpy(np.float64)
        for k in apart(rows, x / MAX_KELVIN / crowded, y / top, len(known)):
            name = drawable(str(known["formula"].iloc[k]))
            axes.annotate(name, (x[k], y[k]), xytext=(5, 3), textcoords="offset points", fontsize=8.5, parse_math=False)
        axes.set(xlabel="Curie temperature (K)", ylabel="µ0·Ms at 300 K (T)", xlim=(0, MAX_KELVIN), ylim=(-0.02 * top, top))
        axes.legend(loc="upper left")

    label = f"Magnetisation at 300 K against Curie temperature of {len(shown)} candidates"
    return draw(f"working{sheet.suffix}", label, paint, (sheet.width, 4.2))


def likely_magnets(ranking: pd.DataFrame) -> pd.DataFrame:
    """Rows that compete, with a magnetisation at 300 K and a P(FM or FiM) of at least LIKELY; `measured`: whether Tc was."""
    if any(name not in ranking for name in _COLUMNS):
        return pd.DataFrame(columns=[*_COLUMNS, "measured"])
    table = ranking[list(_COLUMNS)].apply(pd.to_numeric, errors="coerce")
    table = table.assign(measured=(ranking["tc_basis"] == MEASURED) if "tc_basis" in ranking else False)
    keep = np.isfinite(table[list(_COLUMNS)].to_numpy(np.float64)).all(axis=1)
    keep &= (table["saturation_300K_T"] > SMALLEST_TESLA) & (table["p_fm_or_fim"] >= LIKELY)
    for name in ("exclusion_reason", "duplicate_of"):
        if name in ranking:
            keep &= ranking[name].fillna("") == ""
    found: pd.DataFrame = table[keep]
    return found


def spots(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(2, n): points that lie on one spot of the drawing once; thousands of dots only cost space."""
    return np.unique(np.stack([(x / 5).round() * 5, y.round(2)]), axis=1)
