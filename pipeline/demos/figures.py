"""Means over seeds, tables in Markdown, and figures as SVG that stand alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from pipeline.report.svg import ROLES, draw

LOOKS = (("rust", "o", "-"), ("steel", "s", "--"), ("ink", "^", "-."), ("muted", "D", ":"), ("d4", "v", "-"), ("d2", "P", "--"))
_BACKGROUND = '<svg font-family="sans-serif" style="background:#ffffff" '  # a figure of the docs has no page around it


@dataclass(frozen=True)
class Measured:
    """Mean and, of two seeds or more, sample standard deviation."""

    mean: float
    deviation: float | None
    seeds: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Measured:
        deviation = float(np.std(values, ddof=1)) if len(values) > 1 else None
        return cls(float(np.mean(values)), deviation, len(values))

    def text(self, digits: int) -> str:
        spread = "" if self.deviation is None else f" ± {self.deviation:.{digits}f}"
        return f"{self.mean:.{digits}f}{spread}"


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


def curves(label: str, x_label: str, y_label: str, series: Mapping[str, Mapping[float, Measured]]) -> str:
    """An SVG with one line a series over x, both axes logarithmic, error bars of one standard deviation."""
    places = sorted({x for points in series.values() for x in points})
    values = [m.mean for points in series.values() for m in points.values()]
    low, high = min(values), max(values)

    def paint(axes: Axes) -> None:
        axes.grid(True)
        for (name, points), (role, marker, dashes) in zip(series.items(), LOOKS, strict=False):
            x = sorted(points)
            bars = [points[k].deviation or 0.0 for k in x]
            axes.errorbar(
                x,
                [points[k].mean for k in x],
                yerr=bars,
                color=ROLES[role],
                marker=marker,
                linestyle=dashes,
                markersize=4.5,
                linewidth=1.3,
                elinewidth=1.0,
                capsize=2.5,
                label=name,
            )
        axes.set(xscale="log", yscale="log", xlabel=x_label, ylabel=y_label, ylim=(0.85 * low, 1.2 * high))
        axes.xaxis.set_major_locator(FixedLocator(places))
        axes.yaxis.set_major_locator(FixedLocator(_round_steps(low, high)))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_minor_locator(NullLocator())
            axis.set_minor_formatter(NullFormatter())
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}" if value < 1000 else f"{value:,.0f}"))
        axes.legend(loc="upper right")

    return single_figure("curves", label, paint)


def dots(label: str, y_label: str, groups: Mapping[str, Sequence[float]]) -> str:
    """An SVG with one column of dots a group, a dot a seed, and a dash at the mean; the axis starts at zero."""

    def paint(axes: Axes) -> None:
        axes.grid(True, axis="y")
        for place, values in enumerate(groups.values()):
            axes.plot([place] * len(values), values, "o", color=ROLES["rust"], markersize=4.5)
            axes.plot([place - 0.2, place + 0.2], [np.mean(values)] * 2, color=ROLES["ink"], linewidth=1.3)
        highest = max(value for values in groups.values() for value in values)
        axes.set(ylabel=y_label, xlim=(-0.6, len(groups) - 0.4), ylim=(0, 1.1 * highest))
        axes.set_xticks(range(len(groups)), list(groups))

    return single_figure("dots", label, paint)


def _round_steps(low: float, high: float) -> list[float]:
    """1, 1.5, 2, 3, 5 and 7 times the powers of ten around the values."""
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    return [m * 10.0**p for p in powers for m in (1, 1.5, 2, 3, 5, 7) if 0.85 * low <= m * 10.0**p <= 1.2 * high]


def single_figure(name: str, label: str, paint: Callable[[Axes], None]) -> str:
    """An SVG with what `paint` puts on the axes, on a white background."""
    return draw(name, label, paint).replace("<svg ", _BACKGROUND, 1) + "\n"
