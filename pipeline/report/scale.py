"""The one scale that all interval bars of a table share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.report.text import finite

MAX_TESLA = 4.0  # holmium, the strongest element, has 3.8 T
MAX_KELVIN = 1500.0  # cobalt, the hottest magnet, has 1388 K
KELVIN_WIDTH, KELVIN_MARGIN = 120.0, 12.0  # the margin holds half of the number at the end of the axis
_KELVIN_STEPS = (50.0, 100.0, 200.0, 300.0, 500.0)
_STEPS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class Scale:
    """µ0·Ms (T) or a temperature (K) from 0 to `end` laid over `width` user units of an SVG; the margins hold half a dot."""

    end: float
    step: float
    width: float = 160.0
    margin: float = 6.0

    def x(self, moment: object, tesla: object = 1.0) -> float | None:
        """Where a moment (µB/atom) is that makes `tesla` T each, held inside the bar; None where there is none."""
        known, factor = finite(moment), finite(tesla)
        if known is None or factor is None:
            return None
        share = min(max(known * factor / self.end, 0.0), 1.0)
        return round(self.margin + share * (self.width - 2 * self.margin), 1)

    def ticks(self) -> list[float]:
        """Round values (T) from 0 to the end."""
        return [self.step * place for place in range(round(self.end / self.step) + 1)]


def temperature_scale(values: Iterable[object]) -> Scale:
    """The smallest scale of round steps that holds all values (K), up to what any magnet has."""
    end, step = _round_end(values, 300.0, MAX_KELVIN, _KELVIN_STEPS)
    return Scale(end, step, width=KELVIN_WIDTH, margin=KELVIN_MARGIN)


def scale_for(values: Iterable[object]) -> Scale:
    """The smallest scale of round steps that holds all values (T).

    It never goes beyond what matter can carry, so that one absurd row does not flatten all others.
    """
    return Scale(*_round_end(values, 1.0, MAX_TESLA, _STEPS))


def _round_end(values: Iterable[object], default: float, most: float, steps: Sequence[float]) -> tuple[float, float]:
    """End and step of the smallest scale that holds all values up to `most`; `default` is held where there is no value."""
    known = [value for value in map(finite, values) if value is not None]
    top = min(max(known, default=default), most)
    step = next((step for step in steps if top <= 4 * step), steps[-1])
    return step * max(1, math.ceil(round(top / step, 9))), step
