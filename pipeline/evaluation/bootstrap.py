"""Confidence intervals of mean differences. Errors within a chemical system are correlated, so whole systems are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS = 2000
CONFIDENCE = 0.95
DRAWS_AT_A_TIME = 200  # bounds the memory: draws × systems


@dataclass(frozen=True)
class Gain:
    """A mean with its confidence interval."""

    mean: float
    low: float
    high: float

    def text(self, digits: int = 4) -> str:
        return f"{self.mean:.{digits}f} [{self.low:.{digits}f}, {self.high:.{digits}f}]"

    def to_json(self) -> dict[str, float]:
        return asdict(self)


def cluster_bootstrap(values: NDArray[np.float64], systems: Sequence[str] | NDArray[np.object_], seed: int = 0) -> Gain:
    """The mean of `values` and its percentile interval over draws of whole chemical systems; each row has the same weight.

    Cluster bootstrap: Davison and Hinkley, Bootstrap Methods and their Application (1997), 3.8.

    Args:
        values: (rows,) values; for a paired comparison, differences of errors on the same rows.
        systems: (rows,) chemical systems.
        seed: seed of the draws.
    """
    names, cluster = np.unique(np.asarray(systems, dtype=str), return_inverse=True)
    total, count = np.bincount(cluster, weights=values), np.bincount(cluster).astype(np.float64)
    rng = np.random.default_rng(seed)
    means = []
    for start in range(0, DRAWS, DRAWS_AT_A_TIME):
        times = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), min(DRAWS_AT_A_TIME, DRAWS - start))
        means.append(times @ total / (times @ count))
    low, high = np.quantile(np.concatenate(means), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Gain(float(values.mean()), float(low), float(high))
