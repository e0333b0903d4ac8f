"""Whether symmetry operations leave the metric of a cell unchanged, as they must."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from data.cif.operations import SymmetryGroup

METRIC_TOLERANCE = 0.015  # of a product of two edges: edges that differ by 1.1 to 1.5 %, or an angle that is 0.9° off

METRIC_NOTED = 0.004  # cells of real files deviate by less, but for a few that programs symmetrised with a large tolerance


def metric_deviation(group: SymmetryGroup, lattice: NDArray[np.float64]) -> float:
    """The largest relative change of the metric tensor that symmetrising it makes; 0 for a cell that has the symmetry.

    Args:
        lattice: (3, 3), Å, one lattice vector a row.
    """
    metric = lattice @ lattice.T
    change = np.abs(metric.ravel() @ group.metric_change).reshape(3, 3)
    edges = np.sqrt(metric.diagonal())
    with np.errstate(divide="ignore", invalid="ignore"):  # an edge whose square is zero fits nothing
        return float((change / edges[:, None] / edges).max())


def fits_metric(group: SymmetryGroup, lattice: NDArray[np.float64], tolerance: float = METRIC_TOLERANCE) -> bool:
    """Whether the deviation lies within the tolerance."""
    if len(group) == 1:
        return True
    metric = lattice @ lattice.T
    change = metric.ravel() @ group.metric_change
    if max(map(abs, change.tolist())) <= tolerance * min(metric.diagonal().tolist()):  # the usual case, quickly
        return True
    return metric_deviation(group, lattice) <= tolerance


def metric_note(group: SymmetryGroup, lattice: NDArray[np.float64]) -> str:
    """How far a cell is from the symmetry, in words; empty where it has it."""
    if fits_metric(group, lattice, METRIC_NOTED):
        return ""
    return f"edges or angles of the cell are {metric_deviation(group, lattice):.1%} off its symmetry"
