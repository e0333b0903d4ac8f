"""Forecasts of magnetic orderings for candidates, whose magnetic cell nobody knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data.crystal import Crystal, make_crystal
from models.ordering.site_examples import ORDERINGS, OrderingPrediction
from models.ordering.site_model import OrderingModel
from pipeline.magnetism.magnetic_cell import Placement, enlarge, place
from pipeline.magnetism.site_graphs import build_site_graphs

MAX_SITES = 160  # of the enlarged cell; larger primitive cells have room for antiparallel sites as they are


@dataclass(frozen=True, eq=False)
class Forecast:
    """What the model says of a candidate."""

    placement: Placement  # the cell of the patterns: the doubled primitive cell, or the primitive cell
    said: OrderingPrediction

    @property
    def p_ordering(self) -> dict[str, float]:
        """Probability of each of ORDERINGS."""
        return dict(zip(ORDERINGS, self.said.p_ordering.tolist(), strict=True))

    @property
    def crystal(self) -> Crystal:
        """The cell of the patterns, its sites in the order of their moments."""
        cell, supercell = self.placement.cell, self.placement.supercell
        frac = (cell.frac[self.placement.site] + self.placement.translation) @ np.linalg.inv(supercell)
        return make_crystal("forecast", supercell @ cell.lattice, frac, cell.numbers[self.placement.site])


def roomy(crystal: Crystal) -> Placement:
    """The 2×2×2 supercell of the primitive cell, in which all orderings of one doubled lattice vector or more have room.

    The same, up to the numbering of sites, for every cell, pose and order of sites in which the crystal comes.
    """
    cell = place(crystal).cell
    factor = 2 if 8 * len(cell.numbers) <= MAX_SITES else 1
    return enlarge(cell, factor * np.eye(3, dtype=np.int64))


def forecast(model: OrderingModel, crystals: Sequence[Crystal]) -> list[Forecast | None]:
    """One a crystal, in their order; None where an atom has no neighbour."""
    placements = [roomy(crystal) for crystal in crystals]
    graphs, kept = build_site_graphs(placements)
    out: list[Forecast | None] = [None] * len(crystals)
    for k, said in zip(kept.tolist(), model.predict(graphs), strict=True):
        out[k] = Forecast(placements[k], said)
    return out
