"""The report's plots, each an SVG element as text; None where there is nothing to draw. Moments are in µB/atom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from data.labels import MAX_MUB_PER_ATOM
from pipeline.evaluation.shares import wilson
from pipeline.report.logaxis import log_axis
from pipeline.report.plot_values import count_reasons, drawable, finite_columns, moment_range
from pipeline.report.svg import ROLES, WIDE, Sheet, draw
from pipeline.report.text import finite

TOP = 30
FEWEST_FOR_HISTOGRAM = 10  # below that the table says more
MAX_REASONS = 12
PROBABILITIES = {"magnetic": "P(magnetic)", "large": "P(moment > 1 µB/atom)"}
Floats = npt.NDArray[np.float64]
DENSITY = {"1–2": "h0", "3–9": "h1", "10–29": "h2", "30–99": "h3", "100–299": "h4", "300 or more": "h5"}
DENSITY_EDGES = [1, 3, 10, 30, 100, 300, 10**9]


def predicted_against_dft(evaluation: pd.DataFrame) -> str | None:
    """Held-out rows: predicted over DFT moment, darker where there are more rows, with the line of equality."""
    truth, guess = finite_columns(evaluation, "moment_dft", "moment_muB_per_atom")
    if truth.size == 0:
        return None
    end = _top(truth, guess)

    def paint(axes: Axes) -> None:
        axes.grid(True)
        axes.hexbin(
            np.clip(truth, 0, end),
            np.clip(guess, 0, end),
            gridsize=42,
            extent=(0, end, 0, end),
            mincnt=1,
            cmap=ListedColormap([ROLES[role] for role in DENSITY.values()]),
            norm=BoundaryNorm(DENSITY_EDGES, len(DENSITY)),
            linewidths=0.2,
        )
        axes.plot([0, end], [0, end], color=ROLES["ink"], linewidth=0.9, dashes=(4, 3))
        axes.set(xlabel="DFT moment (µB/atom)", ylabel="predicted moment (µB/atom)", aspect="equal")
        axes.set(xlim=(-0.02 * end, 1.02 * end), ylim=(-0.02 * end, 1.02 * end))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        patches = [Patch(facecolor=ROLES[role], label=label) for label, role in DENSITY.items()]
        axes.legend(handles=patches, title="rows in a cell", loc="center left", bbox_to_anchor=(1.0, 0.5))

    return draw("agreement", f"Predicted against DFT moment of {truth.size} held-out crystals", paint)


def error_against_spread(evaluation: pd.DataFrame, floor: float = 0.0) -> str | None:
    """Held-out rows in bins of equal size by stated error: true error over it, with the ideal line.

    Rows with a stated error below `floor` (µB/atom) make one bin, which counts as stating the floor.
    """
    truth, guess, spread = finite_columns(evaluation, "moment_dft", "moment_muB_per_atom", "moment_std")
    below, above = np.flatnonzero(spread < floor), np.flatnonzero(spread >= floor)
    order = above[np.argsort(spread[above], kind="stable")]
    bins = [rows for rows in (below, *np.array_split(order, min(12, max(1, order.size // 20)))) if rows.size]
    believed = np.maximum(spread, floor)
    stated = np.array([np.sqrt(np.mean(believed[rows] ** 2)) for rows in bins])
    actual = np.array([np.sqrt(np.mean((guess - truth)[rows] ** 2)) for rows in bins])
    drawable = (stated > 0) & (actual > 0)
    if not drawable.any():
        return None
    stated, actual = stated[drawable], actual[drawable]
    ends = [0.7 * min(stated.min(), actual.min()), 1.4 * max(stated.max(), actual.max())]

    def paint(axes: Axes) -> None:
        axes.grid(True)
        axes.plot(ends, ends, color=ROLES["ink"], linewidth=0.9, dashes=(4, 3), label="ideal: true = stated")
        axes.plot(stated, actual, "o-", color=ROLES["rust"], markersize=4.5, linewidth=1.2, label="a bin of test rows")
        axes.set(xscale="log", yscale="log", xlabel="stated error, one σ (µB/atom)", ylabel="true error, RMS (µB/atom)")
        for axis in (axes.xaxis, axes.yaxis):
            log_axis(axis, *ends)
        axes.legend(loc="upper left")

    return draw("spread", "True error against stated error on held-out crystals", paint)


def moment_histogram(ranking: pd.DataFrame, sheet: Sheet = WIDE) -> str | None:
    """All candidates by predicted moment, on a logarithmic count, split by P(magnetic) at one half."""
    probability = pd.to_numeric(ranking["p_magnetic"], errors="coerce").fillna(0.0)
    moments, p_magnetic = finite_columns(ranking.assign(p_magnetic=probability), "moment_muB_per_atom", "p_magnetic")
    if moments.size < FEWEST_FOR_HISTOGRAM:
        return None
    end = _top(moments)
    edges = np.linspace(0, end, 61)
    likely = np.histogram(np.clip(moments[p_magnetic >= 0.5], 0, end), edges)[0]
    unlikely = np.histogram(np.clip(moments[p_magnetic < 0.5], 0, end), edges)[0]

    def paint(axes: Axes) -> None:
        axes.grid(True, axis="y")
        axes.stairs(likely, edges, baseline=0.7, fill=True, color=ROLES["d2"], label="P(magnetic) at least one half")
        axes.stairs(unlikely, edges, baseline=0.7, color=ROLES["steel"], linewidth=1.4, label="less, or unknown")
        axes.set(yscale="log", xlabel="predicted moment (µB/atom)", ylabel="candidates", xlim=(0, end))
        axes.set_ylim(0.7, 2.5 * max(likely.max(), unlikely.max(), 2))
        log_axis(axes.yaxis, *axes.get_ylim())
        axes.legend(loc="upper right")

    return draw(
        f"moments{sheet.suffix}", f"Histogram of {moments.size} candidates by predicted moment", paint, (sheet.width, 3.0)
    )


def coverage_by_bin(bins: Sequence[Mapping[str, Any]]) -> str | None:
    """Share of held-out rows whose DFT moment lies in the 90 % interval, by predicted moment, with its 95 % error."""
    known = [entry for entry in bins if finite(entry.get("coverage")) is not None and (finite(entry.get("n")) or 0) > 0]
    if not known:
        return None
    share = np.array([float(entry["coverage"]) for entry in known])
    rows = np.array([float(entry["n"]) for entry in known])
    low, high = wilson(share, rows)

    def paint(axes: Axes) -> None:
        places = np.arange(len(known))
        axes.grid(True, axis="y")
        axes.axhline(0.9, color=ROLES["ink"], linewidth=0.9, dashes=(4, 3))
        axes.vlines(places, low, high, color=ROLES["rust"], linewidth=1.4)
        axes.plot(places, share, "o", color=ROLES["rust"], markersize=5.5)
        axes.set_xticks(places, [f"{moment_range(entry)}\nn = {int(entry['n'])}" for entry in known], fontsize=8)
        axes.set(xlabel="predicted moment (µB/atom), and test rows", ylabel="share inside the 90 % interval")
        axes.set(xlim=(-0.5, len(known) - 0.5), ylim=(max(0.0, min(0.78, low.min() - 0.03)), 1.01))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))

    return draw("coverage", "Coverage of the 90 % interval by predicted moment", paint)


def reliability(found: Mapping[str, Any]) -> str | None:
    """Stated probability against the share for which it came true, a line of points for each kind of probability."""
    known = {name: entry["bins"] for name, entry in found.items() if finite(entry.get("calibration_error")) is not None}
    if not known:
        return None

    def paint(axes: Axes) -> None:
        axes.grid(True)
        axes.plot([0, 1], [0, 1], color=ROLES["ink"], linewidth=0.9, dashes=(4, 3))
        for (name, bins), (role, marker) in zip(known.items(), (("rust", "o"), ("steel", "s")), strict=False):
            stated, share = [row["stated"] for row in bins], [row["found"] for row in bins]
            axes.plot(stated, share, marker, linestyle="-", color=ROLES[role], markersize=4.5, label=PROBABILITIES[name])
        axes.set(xlabel="stated probability", ylabel="share that came true", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        axes.set_aspect("equal")
        axes.legend(loc="upper left")

    return draw("reliability", "Stated probabilities against the shares that came true", paint)


def rejected_by_reason(rejected: pd.DataFrame) -> str | None:
    """Bars: how many crystals were rejected for each reason, the most frequent first."""
    counts = count_reasons(rejected)
    if not counts:
        return None
    labels = [drawable(reason) for reason, _ in counts[:MAX_REASONS]]
    values = [crystals for _, crystals in counts[:MAX_REASONS]]
    if len(counts) > MAX_REASONS:
        labels.append(f"{len(counts) - MAX_REASONS} other reasons")
        values.append(sum(crystals for _, crystals in counts[MAX_REASONS:]))

    def paint(axes: Axes) -> None:
        places = np.arange(len(values))
        bars = axes.barh(places, values, height=0.62, color=ROLES["steel"])
        axes.bar_label(bars, [f"{value:,}" for value in values], padding=4)
        axes.set_yticks(places, labels, parse_math=False)
        axes.invert_yaxis()
        axes.set(xticks=[], xlim=(0, 1.12 * max(values)), ylim=(len(values) - 0.4, -0.6))
        axes.tick_params(length=0)
        axes.spines[["left", "bottom"]].set_visible(False)

    return draw("reasons", "Rejected crystals by reason", paint, size=(5.2, 0.55 + 0.27 * len(values)))


def truth_of_ranking(ranking: pd.DataFrame, sheet: Sheet = WIDE) -> str | None:
    """The best 30 candidates by rank: interval and prediction, with the DFT moment where it is known."""
    if "moment_dft" not in ranking:
        return None
    top = ranking.sort_values("rank", kind="stable").head(TOP)
    rank, low, high, guess = finite_columns(top, "rank", "moment_low", "moment_high", "moment_muB_per_atom")
    known_rank, known = finite_columns(top, "rank", "moment_dft")
    if known.size == 0 or rank.size == 0:
        return None

    def paint(axes: Axes) -> None:
        axes.grid(True, axis="y")
        held = [np.clip(moments, 0, MAX_MUB_PER_ATOM) for moments in (low, high, guess, known)]
        axes.vlines(rank, held[0], held[1], color=ROLES["d2"], linewidth=4.0, label="90 % interval")
        axes.plot(rank, held[2], "o", color=ROLES["rust"], markersize=4.5, label="predicted")
        axes.plot(known_rank, held[3], "D", color=ROLES["steel"], markersize=4.5, fillstyle="none", label="DFT")
        axes.set(xlabel="rank", ylabel="moment (µB/atom)")
        axes.set_ylim(0, 1.22 * max(held[1].max(), held[3].max(), 0.1))
        axes.set_xlim(rank.min() - 0.8, rank.max() + 0.8)
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 5, 10]))
        axes.legend(loc="upper right", ncols=3)

    return draw(
        f"truth{sheet.suffix}", f"Predicted interval and DFT moment of the top {rank.size} candidates", paint, (sheet.width, 3.2)
    )


def two_against_dft(rows: pd.DataFrame, sheet: Sheet = WIDE) -> str | None:
    """Intervals and predictions of two models against the DFT moments of the same crystals (columns of SecondOpinion)."""
    of_each = ("moment_low", "moment_high", "moment_muB_per_atom")
    truth, *words = finite_columns(rows, "moment_dft", *of_each, *(f"{name}_other" for name in of_each))
    if truth.size == 0:
        return None

    def paint(axes: Axes) -> None:
        axes.grid(True)
        top = 1.06 * _top(truth, words[1], words[4])
        axes.plot([0, top], [0, top], "--", color=ROLES["muted"], linewidth=0.9)
        for colour, mark, name, (low, high, said) in (
            ("steel", "o", "this model", words[:3]),
            ("rust", "D", "shipped model", words[3:]),
        ):
            axes.vlines(truth, low, high, color=ROLES[colour], linewidth=1.0, alpha=0.5)
            axes.plot(truth, said, mark, color=ROLES[colour], markersize=4.5, fillstyle="none", label=name)
        axes.set(xlabel="DFT moment (µB/atom)", ylabel="predicted (µB/atom)", xlim=(-0.02 * top, top), ylim=(-0.02 * top, top))
        axes.legend(loc="upper left")

    return draw(
        f"second{sheet.suffix}", f"Predictions of two models for {truth.size} crystals against DFT", paint, (sheet.width, 4.4)
    )


def _top(*moments: Floats) -> float:
    """Where an axis of moments ends (µB/atom): at the largest, but never beyond what an atom can carry."""
    return float(min(max(0.1, *(values.max() for values in moments)), MAX_MUB_PER_ATOM))
