"""Calibrates the estimated size of an error, so that intervals hold their stated share.

Split conformal prediction, binned by predicted moment (Mondrian; Vovk et al. 2005). One quantile over all rows would cover the
many non-magnetic crystals and miss the few large moments, which a report shows. Crystals of one chemical system err alike, and a
new crystal is of another one: in each bin, a system counts as the square root of its rows. In a bin of few rows, where a few
systems decide the quantile, the rows of both neighbours count, too, with half the weight. The signed scores of a bin are stored
as well: they are the distribution of a crystal's moment (a conformal predictive system; Vovk et al. 2019).

Within BLEND of the edge of a bin, what the two bins say is mixed linearly: a small change of the structure must not move the
stated bounds by a jump.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.metrics import MOMENT_BINS

Floats = NDArray[np.float64]
LEVEL = 0.90  # of the interval
ONE_SIGMA = 0.6827
MIN_ROWS = 30  # a bin with fewer rows also uses those of the neighbouring bins
FEW_ROWS = 300  # a bin with fewer rows asks its neighbours, too
NEIGHBOUR = 0.5  # weight of their rows; of 0.1, 0.25, 0.5 and 1 the best in cross-validation (docs/results/uncertainty.md)
FLOOR = (
    0.1  # of a bin's median error; on validation rows 0 to 0.3 made no difference, and 1 cost a fifteenth of the rank correlation
)
SMALLEST = 1e-4  # µB/atom
BLEND = 0.2  # of a bin's edge, on both sides of it; the regions of two edges do not overlap
STEPS = 200  # of the stored distribution: every half per cent


@dataclass(frozen=True)
class Calibration:
    """The calibration of an ensemble; each tuple has one entry for each bin of MOMENT_BINS."""

    floor: tuple[float, ...]  # µB/atom; added to the spread in squares, because members that agree can all be wrong
    quantile: tuple[float, ...]  # half width of the 90 % interval, in units of that sum
    one_sigma: tuple[float, ...]  # the same for a standard deviation
    rows: tuple[int, ...]  # validation rows behind the bin
    signed: tuple[tuple[float, ...], ...] = ()  # quantiles of (truth - moment) in that unit; older models have none

    @classmethod
    def fit(cls, truth: Floats, moment: Floats, spread: Floats, systems: Sequence[str] | None = None) -> Self:
        """Calibrate on validation rows.

        Args:
            truth: (rows,) DFT moments, µB/atom.
            moment: (rows,) predicted moments, µB/atom.
            spread: (rows,) estimated sizes of the error, µB/atom. The estimate of a row must not be fitted to its own error.
            systems: (rows,) their chemical systems; None: each row is one of its own.
        """
        of_system = np.arange(len(truth)) if systems is None else np.unique(list(systems), return_inverse=True)[1]
        error, floors = np.abs(truth - moment), bin_floors(truth, moment)
        quantiles, sigmas, counts, signed = [], [], [], []
        for k, floor in enumerate(floors):
            here = _bin_rows(moment, k)
            scale, weight = np.hypot(spread, floor), _by_system(_weights(moment, k, here), of_system)
            quantiles.append(_conformal_quantile(error / scale, LEVEL, weight))
            sigmas.append(_conformal_quantile(error / scale, ONE_SIGMA, weight))
            counts.append(int(here.sum()))
            signed.append(tuple(np.quantile(((truth - moment) / scale)[here], np.linspace(0, 1, STEPS + 1)).tolist()))
        return cls(floors, tuple(quantiles), tuple(sigmas), tuple(counts), tuple(signed))

    def interval(self, moment: Floats, spread: Floats) -> tuple[Floats, Floats, Floats]:
        """The 90 % interval and the standard deviation.

        Args:
            moment: (rows,) predicted moments, µB/atom.
            spread: (rows,) estimated sizes of the error, µB/atom.

        Returns:
            Low end (never negative), high end and standard deviation, (rows,) each, µB/atom.
        """
        shares, scale = _shares(moment), self._scale(spread)
        half = (shares * np.array(self.quantile)[:, None] * scale).sum(axis=0)
        one_sigma = (shares * np.array(self.one_sigma)[:, None] * scale).sum(axis=0)
        return np.maximum(moment - half, 0.0), moment + half, one_sigma

    def p_above(self, threshold: float | Floats, moment: Floats, spread: Floats) -> Floats:
        """The probability that the true moment is above a threshold.

        Args:
            threshold: one threshold or (rows,), µB/atom.
            moment: (rows,) predicted moments, µB/atom.
            spread: (rows,) estimated sizes of the error, µB/atom.

        Returns:
            (rows,) probabilities; NaN for a model that stores no distribution.
        """
        if not self.signed:
            return np.full(len(moment), np.nan)
        shares, needed = _shares(moment), (threshold - moment) / self._scale(spread)
        levels, above = np.linspace(0, 1, STEPS + 1), np.zeros(len(moment))
        for share, steps, quantiles in zip(shares, needed, self.signed, strict=True):
            rows = share > 0
            above[rows] += share[rows] * (1 - np.interp(steps[rows], quantiles, levels))
        # an event that never occurred in so many rows is rare, not impossible
        least = (shares * (0.5 / (np.array(self.rows) + 1))[:, None]).sum(axis=0)
        return np.clip(above, least, 1 - least)

    def level(self, truth: Floats, moment: Floats, spread: Floats) -> Floats:
        """The level of the narrowest central interval of the stated distribution that holds the truth.

        The levels are distributed evenly from 0 to 1 if the stated distribution is right.

        Args:
            truth: (rows,) DFT moments, µB/atom.
            moment: (rows,) predicted moments, µB/atom.
            spread: (rows,) estimated sizes of the error, µB/atom.

        Returns:
            (rows,) levels, 0 to 1.
        """
        return np.abs(1 - 2 * self.p_above(truth, moment, spread))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        parts = {name: tuple(values) for name, values in content.items() if name != "signed"}
        return cls(**parts, signed=tuple(tuple(values) for values in content.get("signed", ())))

    def _scale(self, spread: Floats) -> Floats:
        """(bins, rows) what each bin adds its floor to."""
        scale: Floats = np.hypot(spread, np.array(self.floor)[:, None])
        return scale


def bin_floors(truth: Floats, moment: Floats) -> tuple[float, ...]:
    """What each bin of MOMENT_BINS adds to the spread in squares, µB/atom.

    Args:
        truth: (rows,) DFT moments of the validation rows, µB/atom.
        moment: (rows,) predicted moments, µB/atom.
    """
    error = np.abs(truth - moment)
    bins = (_bin_rows(moment, k) for k in range(len(MOMENT_BINS) - 1))
    return tuple(float(max(FLOOR * np.median(error[here]), SMALLEST)) for here in bins)


def widened(spread: Floats, moment: Floats, factor: Floats, floor: Sequence[float]) -> Floats:
    """The spreads with which intervals are `factor` times as wide, the floors included: members that agree about a crystal unlike
    the training data, or a single member, have no spread that could be multiplied.

    Args:
        spread: (rows,) of the members, µB/atom.
        moment: (rows,) predicted moments, µB/atom.
        factor: (rows,) at least 1.
        floor: of each bin, µB/atom.
    """
    own = (_shares(moment) * np.array(floor)[:, None]).sum(axis=0)
    wide = np.sqrt(factor**2 * (spread**2 + own**2) - own**2)
    return np.where(factor > 1, wide, spread)  # as they are, to the last bit, where nothing is to be widened


def _shares(moment: Floats) -> Floats:
    """(bins, rows) how far each bin is to be asked: 1 for the bin that holds the moment, mixed within BLEND of an edge."""
    edges = np.array(MOMENT_BINS[1:-1])[:, None]
    passed = np.clip((moment - (1 - BLEND) * edges) / (2 * BLEND * edges), 0.0, 1.0)
    one, zero = np.ones((1, len(moment))), np.zeros((1, len(moment)))
    shares: Floats = np.concatenate([one, passed]) - np.concatenate([passed, zero])
    return shares


def _bin_rows(moment: Floats, k: int) -> NDArray[np.bool_]:
    """Which rows calibrate bin k: its own, and those of neighbouring bins on both sides until there are MIN_ROWS."""
    last = len(MOMENT_BINS) - 1
    for reach in range(last):
        low, high = max(k - reach, 0), min(k + reach + 1, last)
        here = (moment >= MOMENT_BINS[low]) & (moment < MOMENT_BINS[high])
        if here.sum() >= MIN_ROWS:
            break
    return here if here.any() else np.ones(len(moment), dtype=bool)


def _weights(moment: Floats, k: int, here: NDArray[np.bool_]) -> Floats:
    """(rows,) 1 for the rows `here` of bin k, NEIGHBOUR for those of both neighbours if the bin has few, else 0."""
    weight = here.astype(np.float64)
    if k > 0 and here.sum() < FEW_ROWS:  # the first bin holds crystals without a moment, whose errors are of another kind
        low, high = max(k - 1, 1), min(k + 2, len(MOMENT_BINS) - 1)
        weight[~here & (moment >= MOMENT_BINS[low]) & (moment < MOMENT_BINS[high])] = NEIGHBOUR
    return weight


def _by_system(weight: Floats, system: NDArray[np.int64]) -> Floats:
    """(rows,) weights, those of a system's n rows over the root of n."""
    many = np.bincount(system[weight > 0], minlength=int(system.max(initial=0)) + 1)
    found: Floats = weight / np.sqrt(np.maximum(many[system], 1))
    return found


def _conformal_quantile(score: Floats, level: float, weight: Floats) -> float:
    """The finite-sample quantile, in which the new crystal counts as one more of mean weight; with too few rows, the largest
    score."""
    score, weight = score[weight > 0], weight[weight > 0]
    order = np.argsort(score, kind="stable")
    passed = np.cumsum(weight[order])
    place = np.searchsorted(passed, (passed[-1] + weight.mean()) * level)
    return float(score[order[min(int(place), len(order) - 1)]])
