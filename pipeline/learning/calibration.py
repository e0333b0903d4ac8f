"""From the spread of an ensemble to an interval that holds what it says.

Split conformal prediction, binned by predicted moment (Mondrian; Vovk et al. 2005): one quantile over everything would
cover the many non-magnetic crystals and miss the few large moments, the only ones that a report shows.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.learning.metrics import MOMENT_BINS

Floats = NDArray[np.float64]
LEVEL = 0.90  # of the interval
ONE_SIGMA = 0.6827
MIN_ROWS = 30  # a bin with fewer borrows from its neighbours


@dataclass(frozen=True)
class Calibration:
    """One row a bin of MOMENT_BINS."""

    floor: tuple[float, ...]  # µB/atom; added to the spread in squares, since agreeing members can all be wrong
    quantile: tuple[float, ...]  # half width of the 90 % interval, in units of that sum
    one_sigma: tuple[float, ...]  # the same for a standard deviation
    rows: tuple[int, ...]  # validation rows behind the bin

    @classmethod
    def fit(cls, truth: Floats, moment: Floats, spread: Floats) -> Self:
        """From validation rows; (rows,) each, µB/atom."""
        error = np.abs(truth - moment)
        floors, quantiles, sigmas, counts = [], [], [], []
        for k in range(len(MOMENT_BINS) - 1):
            here = _bin_rows(moment, k)
            floor = float(max(np.median(error[here]), 1e-4))
            score = error[here] / np.hypot(spread[here], floor)
            floors.append(floor)
            quantiles.append(_conformal_quantile(score, LEVEL))
            sigmas.append(_conformal_quantile(score, ONE_SIGMA))
            counts.append(int(here.sum()))
        return cls(tuple(floors), tuple(quantiles), tuple(sigmas), tuple(counts))

    def interval(self, moment: Floats, spread: Floats) -> tuple[Floats, Floats, Floats]:
        """(low, high, standard deviation), µB/atom; low is never negative."""
        k = np.clip(np.searchsorted(MOMENT_BINS, moment, side="right") - 1, 0, len(self.floor) - 1)
        scale = np.hypot(spread, np.array(self.floor)[k])
        half = np.array(self.quantile)[k] * scale
        return np.maximum(moment - half, 0.0), moment + half, np.array(self.one_sigma)[k] * scale

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        return cls(**{name: tuple(values) for name, values in content.items()})


def _bin_rows(moment: Floats, k: int) -> NDArray[np.bool_]:
    """Rows of bin k, widened bin by bin on both sides until there are enough (or all)."""
    last = len(MOMENT_BINS) - 1
    for reach in range(last):
        low, high = max(k - reach, 0), min(k + reach + 1, last)
        here = (moment >= MOMENT_BINS[low]) & (moment < MOMENT_BINS[high])
        if here.sum() >= MIN_ROWS:
            break
    return here if here.any() else np.ones(len(moment), dtype=bool)


def _conformal_quantile(score: Floats, level: float) -> float:
    """The finite-sample quantile; with too few rows for the level, the largest score."""
    n = len(score)
    return float(np.sort(score)[min(int(np.ceil((n + 1) * level)), n) - 1])
