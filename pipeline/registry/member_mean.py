"""Members to one prediction: the weighted mean, and the spread of the members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.contract import Prediction

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Combined:
    """What an ensemble says; (rows,) each."""

    moment: Floats  # µB/atom, weighted mean
    spread: Floats  # µB/atom, standard deviation of all members, those of weight zero included
    p_magnetic: Floats


def combine(predictions: Sequence[Prediction], weights: Floats) -> Combined:
    """The ensemble's word; members in the order of the weights."""
    moments = np.stack([p.moment for p in predictions])
    return Combined(
        moment=weighted_mean(weights, moments),
        spread=deviation(moments),
        p_magnetic=weighted_mean(weights, np.stack([p.p_magnetic for p in predictions])),
    )


def weighted_mean(weights: Floats, values: Floats) -> Floats:
    """(members,) weights of (members, rows) values to (rows,). A matrix product's last bits would depend on the other rows."""
    mean = np.zeros(values.shape[1])
    for weight, of_member in zip(weights.tolist(), values, strict=True):
        mean += weight * of_member
    return mean


def deviation(values: Floats) -> Floats:
    """(rows,) standard deviations of (members, rows) values; each row's bits are its own, as in `weighted_mean`."""
    equal = np.full(len(values), 1.0 / len(values))
    found: Floats = np.sqrt(weighted_mean(equal, (values - weighted_mean(equal, values)) ** 2))
    return found
