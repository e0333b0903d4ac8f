"""Selects the members of an ensemble on validation rows.

An ensemble of all members is worse than its best member. A member must predict finite numbers that differ between crystals, and
its error must be lower with confidence than that of the better of two dummies (the mean of the training rows, and zero).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.contract import Prediction
from pipeline.evaluation.bootstrap import Gain, cluster_bootstrap

Floats = NDArray[np.float64]
CONSTANT = "it says the same of every crystal"
FEWEST_SYSTEMS = 5  # chemical systems; fewer cannot carry a confidence interval
VARIES = 1e-6  # µB/atom between the largest and the smallest prediction


@dataclass(frozen=True)
class Verdict:
    """Whether one member is admitted."""

    admitted: bool
    reason: str  # why not; empty for an admitted one
    gain: Gain | None  # µB/atom by which its error is lower than that of the better dummy; None if not measured

    def to_json(self) -> dict[str, Any]:
        return {"admitted": self.admitted, "reason": self.reason, "gain": None if self.gain is None else self.gain.to_json()}


@dataclass(frozen=True)
class Dummy:
    """The better of the two constant predictions."""

    name: str
    value: float  # µB/atom, predicted for every crystal

    @classmethod
    def better(cls, training: Floats, truth: Floats) -> Dummy:
        """The one with the lower mean absolute error on the validation rows; `training` gives the mean."""
        mean, zero = cls("the mean of the training rows", float(training.mean())), cls("zero", 0.0)
        return mean if np.abs(truth - mean.value).mean() < np.abs(truth).mean() else zero


def select_members(
    training: Floats, truth: Floats, systems: Sequence[str], predicted: Mapping[str, Prediction]
) -> dict[str, Verdict]:
    """The verdict on each member.

    Args:
        training: (training rows,) moments, µB/atom.
        truth: (validation rows,) moments, µB/atom.
        systems: (validation rows,) chemical systems.
        predicted: predictions for the validation rows by member.
    """
    dummy = Dummy.better(training, truth)
    return {name: assess_member(dummy, truth, systems, prediction) for name, prediction in predicted.items()}


def assess_member(dummy: Dummy, truth: Floats, systems: Sequence[str], predicted: Prediction) -> Verdict:
    """Compare one member with the dummy.

    Args:
        dummy: the better constant prediction.
        truth: (validation rows,) moments, µB/atom.
        systems: (validation rows,) chemical systems.
        predicted: the member's predictions.
    """
    if not (np.isfinite(predicted.moment).all() and np.isfinite(predicted.p_magnetic).all()):
        return Verdict(False, "its predictions are not finite", None)
    if len(predicted.moment) > 1 and np.ptp(predicted.moment) < VARIES:
        return Verdict(False, CONSTANT, None)
    if len(set(systems)) < FEWEST_SYSTEMS:
        return Verdict(False, f"{len(set(systems))} chemical systems in the validation rows cannot prove anything", None)
    gain = cluster_bootstrap(np.abs(truth - dummy.value) - np.abs(truth - predicted.moment), systems)
    if gain.low > 0:
        return Verdict(True, "", gain)
    words = f"it is not better than {dummy.name} ({dummy.value:.3g} µB/atom) with confidence: gains {gain.text()} µB/atom"
    return Verdict(False, words, gain)
