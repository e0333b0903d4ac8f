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
        moment=weights @ moments,
        spread=moments.std(axis=0),
        p_magnetic=weights @ np.stack([p.p_magnetic for p in predictions]),
    )
