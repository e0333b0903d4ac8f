"""The one scale that all interval bars of a table share."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from data.labels import MAX_MUB_PER_ATOM
from pipeline.report.text import finite

_STEPS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class Scale:
    """Moments from 0 to `end` (µB/atom) laid over `width` user units of an SVG; the margins hold half a dot."""

    end: float
    step: float
    width: float = 160.0
    margin: float = 6.0

    def x(self, moment: object) -> float | None:
        """Where a moment (µB/atom) lies, held inside the bar; None where there is none."""
        known = finite(moment)
        if known is None:
            return None
        share = min(max(known / self.end, 0.0), 1.0)
        return round(self.margin + share * (self.width - 2 * self.margin), 1)

    def ticks(self) -> list[float]:
        """Round moments (µB/atom) from 0 to the end."""
        return [self.step * place for place in range(round(self.end / self.step) + 1)]


def scale_for(moments: Iterable[object]) -> Scale:
    """The smallest scale of round steps that holds all moments (µB/atom).

    It never goes beyond what an atom can carry, so that one absurd row does not flatten all others.
    """
    known = [moment for moment in map(finite, moments) if moment is not None]
    top = min(max(known, default=1.0), MAX_MUB_PER_ATOM)
    step = next((step for step in _STEPS if top <= 4 * step), _STEPS[-1])
    return Scale(end=step * max(1, math.ceil(round(top / step, 9))), step=step)
