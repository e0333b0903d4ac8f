"""Which members may enter an ensemble: those that know something, measured on validation rows.

A pool that takes everybody in loses to its best member. So a member has to say finite numbers, different ones for different
crystals, and to err less than the better of two dummies (the mean of the training rows, and zero) with confidence.
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
    """On one member."""

    admitted: bool
    reason: str  # why not; empty for an admitted one
    gain: Gain | None  # µB/atom by which it errs less than the better dummy; None where it was not asked

    def to_json(self) -> dict[str, Any]:
        return {"admitted": self.admitted, "reason": self.reason, "gain": None if self.gain is None else self.gain.to_json()}


@dataclass(frozen=True)
class Dummy:
    """The better of the two predictions that need no learning."""

    name: str
    value: float  # µB/atom, said of every crystal

    @classmethod
    def better(cls, training: Floats, truth: Floats) -> Dummy:
        """The one with the lower mean absolute error on the validation rows; `training` gives the mean."""
        mean, zero = cls("the mean of the training rows", float(training.mean())), cls("zero", 0.0)
        return mean if np.abs(truth - mean.value).mean() < np.abs(truth).mean() else zero


def weed(
    training: Floats, truth: Floats, systems: Sequence[str], said: Mapping[str, Prediction], seed: int = 0
) -> dict[str, Verdict]:
    """The verdict on each member: `training` moments, and of the validation rows `truth`, chemical systems and predictions."""
    dummy = Dummy.better(training, truth)
    return {name: judge_member(dummy, truth, systems, prediction, seed) for name, prediction in said.items()}


def judge_member(dummy: Dummy, truth: Floats, systems: Sequence[str], said: Prediction, seed: int = 0) -> Verdict:
    """One member against the dummy."""
    if not (np.isfinite(said.moment).all() and np.isfinite(said.p_magnetic).all()):
        return Verdict(False, "its predictions are not finite", None)
    if len(said.moment) > 1 and np.ptp(said.moment) < VARIES:
        return Verdict(False, CONSTANT, None)
    if len(set(systems)) < FEWEST_SYSTEMS:
        return Verdict(False, f"{len(set(systems))} chemical systems in the validation rows cannot prove anything", None)
    gain = cluster_bootstrap(np.abs(truth - dummy.value) - np.abs(truth - said.moment), systems, seed)
    if gain.low > 0:
        return Verdict(True, "", gain)
    words = f"it is not better than {dummy.name} ({dummy.value:.3g} µB/atom) with confidence: gains {gain.text()} µB/atom"
    return Verdict(False, words, gain)
