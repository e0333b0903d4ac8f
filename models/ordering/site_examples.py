"""What the model of orderings learns from and what it says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.graphs.site_graphs import SiteGraphs
from models.packing import gather

ORDERINGS = ("NM", "FM", "FiM", "AFM")
COMPENSATED = 0.1  # |sum m| / sum |m| of an antiferromagnet at most
SITE_THRESHOLD = 0.1  # µB; below it a site has no moment that counts (definition of the data)


@dataclass(frozen=True, eq=False)
class OrderingExamples:
    """Crystals with labels."""

    graphs: SiteGraphs
    moment: NDArray[np.float64]  # (sites,) signed, µB, sites of all crystals in order
    ordering: NDArray[np.int64]  # (crystals,) place in ORDERINGS

    def __len__(self) -> int:
        return len(self.ordering)

    def take(self, index: NDArray[np.int64]) -> OrderingExamples:
        """Some crystals, in the order asked for."""
        _, sites = gather(self.graphs.site_ptr, index)
        return OrderingExamples(self.graphs.take(index), self.moment[sites], self.ordering[index])

    def moments(self, k: int) -> NDArray[np.float64]:
        """(sites,) of one crystal."""
        return self.moment[self.graphs.site_ptr[k] : self.graphs.site_ptr[k + 1]]


@dataclass(frozen=True, eq=False)
class Pattern:
    """One ordering of a crystal."""

    moments: NDArray[np.float64]  # (sites,) signed, µB, sites in the crystal's own order
    probability: float
    ordering: str  # of ORDERINGS


@dataclass(frozen=True, eq=False)
class OrderingPrediction:
    """What is said of one crystal."""

    p_ordering: NDArray[np.float64]  # (4,) probabilities in the order of ORDERINGS
    size: NDArray[np.float64]  # (sites,) |moment| of each site, µB
    patterns: list[Pattern]  # distinct up to the group, most likely first; probabilities sum to 1

    @property
    def moment_per_atom(self) -> float:
        """Expected |M| per atom, µB."""
        return float(sum(p.probability * abs(p.moments.mean()) for p in self.patterns))

    @property
    def spread(self) -> float:
        """Standard deviation of |M| per atom over the orderings, µB."""
        mean = self.moment_per_atom
        return float(np.sqrt(sum(p.probability * (abs(p.moments.mean()) - mean) ** 2 for p in self.patterns)))
