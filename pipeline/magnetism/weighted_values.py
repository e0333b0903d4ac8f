"""Weighted values of many crystals, a row each: their quantiles, and the interval over several possible orders."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
POSSIBLE = 0.05  # least probability of an order that the interval contains
LEVELS = (0.05, 0.95)


def even(values: Floats) -> Floats:
    """Equal weights of the values (n, k) of each row, which sum to 1."""
    return np.full(values.shape, 1.0 / values.shape[1])


def hull(values: Sequence[Floats], weights: Sequence[Floats], probabilities: Sequence[Floats]) -> tuple[Floats, Floats]:
    """The ends (n,) of the narrowest interval with the central 90 % of every order whose probability is at least POSSIBLE.

    Args:
        values: of each order, (n, k); k may differ from order to order.
        weights: of these values, (n, k).
        probabilities: (n,) of each order. A crystal without any that is possible has the interval 0 to 0.
    """
    low, high = np.full(len(values[0]), np.inf), np.zeros(len(values[0]))
    for value, weight, p in zip(values, weights, probabilities, strict=True):
        ends = quantiles(value, weight)
        low = np.where(p >= POSSIBLE, np.minimum(low, ends[0]), low)
        high = np.where(p >= POSSIBLE, np.maximum(high, ends[1]), high)
    return np.minimum(low, high), high


def quantiles(values: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """The LEVELS (n,) of the values (n, k) of each row: the least values that have, with all below them, this share.

    Args:
        values: (n, k).
        weights: (n, k), not negative.
    """
    order = np.argsort(values, axis=1)
    ascending = np.take_along_axis(values, order, axis=1)
    total = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1)
    total /= np.maximum(total[:, -1:], 1e-300)
    low, high = (np.take_along_axis(ascending, (total < level - 1e-12).sum(axis=1)[:, None], axis=1)[:, 0] for level in LEVELS)
    return low, high
