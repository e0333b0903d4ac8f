"""The moments that a calculation starts from: those of `data.elements`, for every code and every command."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from data.elements import STRONGLY_MAGNETIC, WEAKLY_MAGNETIC, starting_moment


def start_moments(numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n,) size in µB of the moment that each site starts from; 0 on sites that carry none, if there are others."""
    present = set(numbers.tolist())
    magnetic = present & STRONGLY_MAGNETIC or present & WEAKLY_MAGNETIC or present
    return np.array([starting_moment(z) if z in magnetic else 0.0 for z in numbers.tolist()])
