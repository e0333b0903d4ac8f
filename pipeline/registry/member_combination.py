"""Members to one prediction: their weighted mean or their median, and the spread of the members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from models.contract import Prediction

Floats = NDArray[np.float64]


class Rule(StrEnum):
    """How the members' moments become one."""

    MEAN = "mean"  # weighted
    MEDIAN = "median"  # a member that errs far off does not move it


@dataclass(frozen=True, eq=False)
class Combined:
    """Predictions of an ensemble; (rows,) each."""

    moment: Floats  # µB/atom
    spread: Floats  # µB/atom, standard deviation of all members, those of weight zero included
    p_magnetic: Floats  # weighted mean
    correction: Floats | None = None  # µB/atom, what `moment` holds beside the members' answer; None: nothing


def combine(predictions: Sequence[Prediction], weights: Floats, rule: Rule = Rule.MEAN) -> Combined:
    """What the ensemble predicts; members in the order of the weights."""
    moments = np.stack([p.moment for p in predictions])
    return Combined(
        moment=np.median(moments, axis=0) if rule is Rule.MEDIAN else weighted_mean(weights, moments),
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
