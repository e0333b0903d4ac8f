"""How probable it is that a transition temperature lies in a window, from the value and its 90 % interval alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from pipeline.magnetism.working_temperature import SIGMAS_OF_90

Floats = NDArray[np.float64]
LEAST_HALF_K = 1.0  # half width of an interval; nobody knows a temperature better


def probability_between(window_K: tuple[float, float], value_K: Floats, low_K: Floats, high_K: Floats) -> Floats:
    """P(window_K[0] < T < window_K[1]) of temperatures with the 90 % interval (low_K, high_K) around the median value_K.

    The distribution is two half normals that meet at the median; temperatures below 0 K count as 0 K. NaN stays NaN.
    """
    below = np.maximum(value_K - low_K, LEAST_HALF_K) / SIGMAS_OF_90
    above = np.maximum(high_K - value_K, LEAST_HALF_K) / SIGMAS_OF_90

    def up_to(temperature: float) -> Floats:
        step = temperature - value_K
        found: Floats = ndtr(step / np.where(step < 0, below, above))
        return found if temperature > 0 else np.where(np.isnan(found), np.nan, 0.0)

    return up_to(window_K[1]) - up_to(window_K[0])
