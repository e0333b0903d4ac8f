"""Crystals without moments, as they are learned before any moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.graphs.crystal_graphs import CrystalGraphs


@dataclass(frozen=True, eq=False)
class Structures:
    """Graphs, and how stable the crystals are."""

    graphs: CrystalGraphs
    energy: NDArray[np.float64]  # (crystals,) eV/atom above the convex hull; NaN where unknown

    @classmethod
    def of(cls, graphs: CrystalGraphs, energy: NDArray[np.float64] | None = None) -> Self:
        """Crystals with energies above the hull (crystals,), eV/atom; None: unknown of all."""
        return cls(graphs, np.full(len(graphs), np.nan) if energy is None else energy)

    @classmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        """One after the other."""
        return cls(CrystalGraphs.join([part.graphs for part in parts]), np.concatenate([part.energy for part in parts]))

    def __len__(self) -> int:
        return len(self.graphs)
