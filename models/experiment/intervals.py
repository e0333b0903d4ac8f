"""The distribution of a transition temperature around its prediction, from held-out residuals binned by prediction.

A conformal predictive system (Vovk et al. 2019) per bin (Mondrian): the signed residuals of rows whose chemical systems the model
never saw, in units of a spread, are the distribution of the truth. One distribution over everything would be too narrow for high
temperatures and too wide for low ones.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
EDGES_K = (0.0, 30.0, 100.0, 200.0, 300.0, 450.0, 600.0, np.inf)
LEVEL = 0.90
STEPS = 200  # of the kept distribution: every half per cent
FLOOR_K = 2.0  # two measurements of one compound seldom agree better
FLOOR_SHARE = 0.10  # of the prediction, added in squares: agreeing members can all be wrong
MIN_ROWS = 40  # a bin with fewer borrows from its neighbours


@dataclass(frozen=True)
class BinnedResiduals:
    """One row a bin of EDGES_K."""

    quantiles: tuple[tuple[float, ...], ...]  # of (truth - predicted) / scale, STEPS + 1 levels from 0 to 1
    rows: tuple[int, ...]  # held-out rows behind the bin

    @classmethod
    def fit(cls, truth: Floats, predicted: Floats, spread: Floats) -> Self:
        """From held-out rows, (rows,) K each; `spread` is the members' standard deviation."""
        score = (truth - predicted) / scale(predicted, spread)
        levels, kept, counts = np.linspace(0.0, 1.0, STEPS + 1), [], []
        for k in range(len(EDGES_K) - 1):
            here = _rows_near(predicted, k)
            kept.append(tuple(np.quantile(score[here], levels).tolist()))
            counts.append(int(here.sum()))
        return cls(tuple(kept), tuple(counts))

    def quantile(self, level: float | Floats, predicted: Floats, spread: Floats) -> Floats:
        """(rows,) K below which the truth lies with probability `level` (one, or (rows,)); never negative."""
        levels, bins = np.linspace(0.0, 1.0, STEPS + 1), _bins(predicted)
        wanted = np.broadcast_to(np.asarray(level, dtype=np.float64), predicted.shape)
        steps = np.zeros(len(predicted))
        for k, quantiles in enumerate(self.quantiles):
            steps[bins == k] = np.interp(wanted[bins == k], levels, quantiles)
        return np.maximum(predicted + steps * scale(predicted, spread), 0.0)

    def interval(self, predicted: Floats, spread: Floats) -> tuple[Floats, Floats]:
        """(low, high) of the central 90 % interval, K; with the finite-sample widening of split conformal prediction."""
        tail = np.array([_tail(n) for n in self.rows])[_bins(predicted)]
        return self.quantile(tail, predicted, spread), self.quantile(1.0 - tail, predicted, spread)

    def p_above(self, threshold_K: float, predicted: Floats, spread: Floats) -> Floats:
        """(rows,) probability that the truth is above `threshold_K`."""
        needed = (threshold_K - predicted) / scale(predicted, spread)
        levels, bins, above = np.linspace(0.0, 1.0, STEPS + 1), _bins(predicted), np.zeros(len(predicted))
        for k, quantiles in enumerate(self.quantiles):
            rows = bins == k
            above[rows] = 1.0 - np.interp(needed[rows], quantiles, levels)
        least = 0.5 / (np.array(self.rows)[bins] + 1)  # what was never seen in so many rows is rare, not impossible
        return np.clip(above, least, 1.0 - least)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """Raises ValueError, KeyError or TypeError for anything else than `to_json` wrote."""
        quantiles = tuple(tuple(float(v) for v in row) for row in content["quantiles"])
        rows = tuple(int(n) for n in content["rows"])
        bins = len(EDGES_K) - 1
        if len(quantiles) != bins or len(rows) != bins or any(len(row) != STEPS + 1 for row in quantiles):
            raise ValueError("the residuals do not have one distribution a bin")
        if not np.isfinite(quantiles).all() or (np.diff(quantiles, axis=1) < 0).any() or min(rows) < 1:
            raise ValueError("the residuals are no distributions")
        return cls(quantiles, rows)


def scale(predicted: Floats, spread: Floats) -> Floats:
    """(rows,) K: the unit in which a bin's residuals are alike."""
    unit: Floats = np.sqrt(spread**2 + (FLOOR_SHARE * predicted) ** 2 + FLOOR_K**2)
    return unit


def _tail(rows: int) -> float:
    """The level of the lower end of the 90 % interval from so many residuals.

    A further one lies below the k-th smallest of n with the probability k / (n + 1); that one has the level (k - 1) / (n - 1) in
    a sample's quantiles. With too few residuals it is the smallest one.
    """
    below = 0.5 * (1.0 - LEVEL) * (rows + 1)
    return max(below - 1.0, 0.0) / max(rows - 1, 1)


def _bins(predicted: Floats) -> NDArray[np.int64]:
    return np.clip(np.searchsorted(EDGES_K, predicted, side="right") - 1, 0, len(EDGES_K) - 2).astype(np.int64)


def _rows_near(predicted: Floats, k: int) -> NDArray[np.bool_]:
    """Rows of bin k, widened bin by bin on both sides until there are enough (or all)."""
    last = len(EDGES_K) - 1
    here = np.zeros(len(predicted), dtype=bool)
    for reach in range(last):
        low, high = EDGES_K[max(k - reach, 0)], EDGES_K[min(k + reach + 1, last)]
        here = (predicted >= low) & (predicted < high)
        if here.sum() >= MIN_ROWS:
            break
    return here
