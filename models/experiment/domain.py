"""How far a composition lies from those that the models of experiments learned from.

The distance to the nearest of some hundred centres (k-means) in the principal components of the descriptors. Centres are means of
several compositions, so that a file of them holds no row of the data. A score of 1 is the distance below which 95 % of the rows
lie whose chemical systems were left out when the centres were found.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = NDArray[np.float32]
COMPONENTS, CENTRES = 40, 600
FEWEST = 2  # rows behind a centre
FAR = 0.95  # of held-out rows lie below a score of 1
CLIP = 6.0  # standard deviations
UNSEEN = 2.0  # the least score of a composition with an element that was never seen
PARTS = ("mean", "deviation", "axes", "centres", "seen")


@dataclass(frozen=True, eq=False)
class CompositionDomain:
    """Where the learned compositions lie."""

    mean: Rows  # (columns,)
    deviation: Rows  # (columns,) always positive; infinite for a column that never varied
    axes: Rows  # (components, columns)
    centres: Rows  # (centres, components)
    seen: NDArray[np.bool_]  # (atomic numbers,) whether an element was learned from
    unit: float = 1.0  # distance at which the score is 1

    @classmethod
    def fit(cls, columns: Rows, numbers: NDArray[np.int64], seed: int = 0) -> Self:
        """From (rows, columns) descriptors and all atomic numbers in them; the unit is still 1."""
        from sklearn.cluster import MiniBatchKMeans
        from sklearn.decomposition import PCA

        mean, deviation = columns.mean(axis=0), columns.std(axis=0)
        deviation = np.where(deviation > 1e-8, deviation, np.inf).astype(np.float32)
        scaled = np.clip((columns - mean) / deviation, -CLIP, CLIP)
        axes = PCA(min(COMPONENTS, *scaled.shape), random_state=seed).fit(scaled).components_.astype(np.float32)
        place = scaled @ axes.T
        centres_wanted = max(min(CENTRES, len(place) // FEWEST), 1)
        groups = MiniBatchKMeans(centres_wanted, random_state=seed, n_init=1, batch_size=2048).fit_predict(place)
        names, counts = np.unique(groups, return_counts=True)
        centres = [place[groups == name].mean(axis=0) for name in names[counts >= FEWEST]]
        seen = np.zeros(119, dtype=bool)
        seen[numbers] = True
        return cls(mean, deviation, axes, np.stack(centres).astype(np.float32), seen)

    def scaled_to(self, held_out: Floats) -> Self:
        """The same with the unit from (rows,) scores, in the unit 1, of rows that a domain like this had not seen."""
        return replace(self, unit=float(max(np.quantile(held_out, FAR), 1e-6)))

    def score(self, columns: Rows, numbers: NDArray[np.int64], start: NDArray[np.int64]) -> Floats:
        """(formulas,) scores; `numbers` are the formulas' atomic numbers one after the other, `start` each formula's first."""
        from scipy.spatial import cKDTree

        if not len(start):
            return np.zeros(0)
        scaled = np.clip((columns - self.mean) / self.deviation, -CLIP, CLIP)
        # no matrix product: a row's bits are its own, whatever the processor
        place = np.einsum("rc,kc->rk", scaled.astype(np.float64), self.axes.astype(np.float64))
        near: Floats = cKDTree(self.centres).query(place)[0] / self.unit
        strange = np.logical_or.reduceat(~self.seen[numbers], start)
        return np.where(strange, np.maximum(near, UNSEEN), near)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What a file holds of it, beside the unit."""
        return {name: getattr(self, name) for name in PARTS}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]], unit: float) -> Self:
        """Raises ValueError, KeyError or TypeError for arrays that describe no domain."""
        found = cls(**{name: arrays[name] for name in PARTS}, unit=float(unit))
        columns, components = found.mean.shape, found.axes.shape[:1]
        shaped = found.deviation.shape == columns and found.axes.shape == (*components, *columns)
        shaped = shaped and found.centres.shape[1:] == components and found.seen.shape == (119,) and found.seen.dtype == bool
        finite = all(np.isfinite(arrays[name]).all() for name in ("mean", "axes", "centres")) and np.isfinite(found.unit)
        if not (shaped and finite and len(found.centres) and found.unit > 0 and (found.deviation > 0).all()):
            raise ValueError("the arrays describe no domain of compositions")
        return found
