"""Whether symmetry operations leave the metric of a cell unchanged, as they must."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from data.cif.operations import SymmetryGroup

METRIC_TOLERANCE = 0.01  # of a product of two edges: edges that differ by 1 %, or an angle that is 0.6° off


def metric_deviation(group: SymmetryGroup, lattice: NDArray[np.float64]) -> float:
    """The largest relative change of the metric tensor that symmetrising it makes; 0 for a cell that has the symmetry.

    Args:
        lattice: (3, 3), Å, one lattice vector a row.
    """
    metric = lattice @ lattice.T
    change = (metric.ravel() @ group.metric_mean).reshape(3, 3) - metric
    edges = np.sqrt(metric.diagonal())
    return float(np.abs(change / edges[:, None] / edges).max())


def fits_metric(group: SymmetryGroup, lattice: NDArray[np.float64]) -> bool:
    """Whether the deviation lies within the tolerance."""
    return len(group) == 1 or metric_deviation(group, lattice) <= METRIC_TOLERANCE
