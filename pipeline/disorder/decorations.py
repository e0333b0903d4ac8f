"""Decorations: which species stands on which place of an approximant, spread as evenly as in a random alloy.

Candidates are drawn at random. Of these the one is taken whose pair correlations, together with those of the approximants before
it, differ least from the random alloy's: the idea of special quasirandom structures (Zunger et al., Phys. Rev. Lett. 65, 353,
1990), with few candidates in place of an optimisation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.disorder.composition import Counts, Mixture
from pipeline.disorder.places import Places

CANDIDATES = 32  # drawn for each set of counts
_CROWDED = 0.3  # how much a place is avoided for each free place that it would exclude
_FORCED = 1e3  # a place that excludes an occupied one is taken only where nothing else is left, the farthest first
Floats = NDArray[np.float64]
Decorations = NDArray[np.int64]  # (candidates, open places) column of the mixture that stands there


def random_decorations(places: Places, mixture: Mixture, counts: Counts, rng: np.random.Generator) -> Decorations:
    """Random decorations with exactly these counts, in which as few places as possible exclude each other."""
    orbit = places.orbit[places.open]
    found = np.full((CANDIDATES, len(places.open)), -1, dtype=np.int64)
    keys = rng.random(found.shape)
    crowded = np.asarray((places.excludes > 0).any(axis=1))
    for k in np.unique(orbit).tolist():
        here = np.flatnonzero(orbit == k)
        columns = np.flatnonzero(mixture.orbit == k)
        if not crowded[here].any():
            species = np.repeat(columns, np.array(counts)[columns])
            order = here[np.argsort(keys[:, here], axis=1)]
            np.put_along_axis(found, order, np.broadcast_to(species, order.shape), axis=1)
    if crowded.any():
        _fill_crowded(places, mixture, counts, keys, found)
    return found


def _fill_crowded(places: Places, mixture: Mixture, counts: Counts, keys: Floats, found: Decorations) -> None:
    """Place atoms one after the other, for all candidates at once, where no occupied place excludes it; in place."""
    orbit = places.orbit[places.open]
    rows = np.arange(len(found))
    excludes = places.excludes
    excluded = (excludes > 0).astype(np.float64)
    todo = [int(k) for k in np.unique(orbit[found[0] < 0])]
    todo.sort(key=lambda k: (-float(excludes[orbit == k].sum(axis=1).max()), k))
    vacant = {int(k): int(np.flatnonzero((mixture.orbit == k) & (mixture.number == 0))[0]) for k in todo}
    blocked = np.zeros(found.shape)
    empty = np.isin(orbit, todo)[None, :] & (found < 0)
    for k in todo:
        here = np.flatnonzero(orbit == k)
        for column in np.flatnonzero((mixture.orbit == k) & (mixture.number > 0)).tolist():
            for _ in range(counts[column]):
                free = empty & (blocked == 0)
                crowd = free.astype(np.float64) @ excluded[:, here]
                score = keys[:, here] - _CROWDED * crowd - _FORCED * blocked[:, here]
                score[~empty[:, here]] = -np.inf
                chosen = here[score.argmax(axis=1)]
                found[rows, chosen] = column
                empty[rows, chosen] = False
                blocked += excludes[chosen]
        left = empty[:, here]
        found[:, here] = np.where(left, vacant[k], found[:, here])
        empty[:, here] = False


class PairCorrelations:
    """Pair correlations of the decorations taken so far; ranks further ones by how near all together come to the random alloy."""

    def __init__(self, places: Places, mixture: Mixture) -> None:
        self.places = places
        elements = np.unique(mixture.number)  # vacancies, with the number 0, are the first
        self.kind = np.searchsorted(elements, mixture.number)
        orbit = places.orbit[places.open]
        shares = np.zeros((len(places.open), len(elements)))
        for column, (k, kind) in enumerate(zip(mixture.orbit.tolist(), self.kind.tolist(), strict=True)):
            here = orbit == k
            if here.any():
                shares[here, kind] += mixture.wanted[column] / here.sum()
        self.random = shares.T @ (places.near @ shares)
        self.scale = np.maximum(places.near.sum(axis=(1, 2)), 1e-9)[:, None, None]
        self.before = np.zeros_like(self.random)

    def ranked(self, drawn: Decorations) -> NDArray[np.int64]:
        """Candidates from the best to the worst; those in which places exclude each other come last."""
        away = self._deviations(drawn)
        occupied = (self.kind[drawn] > 0).astype(np.float64)
        clashes = np.einsum("ci,ci->c", occupied @ self.places.excludes, occupied)
        together = ((away + self.before) ** 2).sum(axis=(1, 2, 3))
        alone = (away**2).sum(axis=(1, 2, 3))
        order: NDArray[np.int64] = np.lexsort((np.round(together + 0.5 * alone, 9), np.round(clashes, 6)))
        return order

    def take(self, decoration: NDArray[np.int64]) -> None:
        """Count a decoration (open places,) among those before."""
        self.before = self.before + self._deviations(decoration[None])[0]

    def _deviations(self, drawn: Decorations) -> Floats:
        """(candidates, laws, elements, elements)"""
        one_hot = (self.kind[drawn][..., None] == np.arange(len(self.random[0]))).astype(np.float64)
        pairs = one_hot.transpose(0, 2, 1)[:, None] @ (self.places.near[None] @ one_hot[:, None])
        deviations: Floats = (pairs - self.random) / self.scale
        return deviations
