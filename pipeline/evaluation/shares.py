"""The uncertainty of a share that was counted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def wilson(share: Floats, rows: Floats) -> tuple[Floats, Floats]:
    """The 95 % confidence interval of a share that was counted in `rows` rows (Wilson's score interval)."""
    z = 1.96
    middle = (share + z**2 / (2 * rows)) / (1 + z**2 / rows)
    half = z / (1 + z**2 / rows) * np.sqrt(share * (1 - share) / rows + z**2 / (4 * rows**2))
    return middle - half, middle + half
