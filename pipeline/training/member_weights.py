"""Weights of the members, or their median: chosen on validation rows by the best of three methods across chemical systems."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.registry.member_combination import Rule

Floats = NDArray[np.float64]
SELECTION_STEPS = 40
FOLDS = 5
MEDIAN = "median"


@dataclass(frozen=True, eq=False)
class Chosen:
    """The weights, and how they were found."""

    weights: Floats  # (members,) shares: at least zero, sum 1
    way: str
    error: dict[str, float]  # µB/atom by way, across folds; empty where there were too few chemical systems to compare

    @property
    def rule(self) -> Rule:
        """How the moments are combined; with the median, the weights are those of P(magnetic) alone."""
        return Rule.MEDIAN if self.way == MEDIAN else Rule.MEAN


def choose_weights(truth: Floats, moments: Floats, systems: Sequence[str]) -> Chosen:
    """Weights by the method with the lowest cross-validated mean absolute error.

    Folds keep chemical systems together. If methods are equal, greedy selection is taken, because it minimises the same error.
    The median of the members has nothing to fit; its weights are equal.

    Args:
        truth: (rows,) moments of the validation rows, µB/atom.
        moments: (members, rows) predicted moments, µB/atom.
        systems: (rows,) chemical systems.
    """
    folds = system_folds(systems, FOLDS)
    errors: dict[str, float] = {}
    if len(folds) > 1 and len(moments) > 1:
        for way, weights in WAYS.items():
            left_out = [np.abs(weights(truth[a], moments[:, a]) @ moments[:, b] - truth[b]) for a, b in folds]
            errors[way] = float(np.concatenate(left_out).mean())
        errors[MEDIAN] = float(np.abs(np.median(moments, axis=0) - truth).mean())
    way = min(errors, key=lambda name: errors[name]) if errors else next(iter(WAYS))
    even: Floats = np.full(len(moments), 1 / len(moments))
    return Chosen(even if way == MEDIAN else WAYS[way](truth, moments), way, errors)


def greedy(truth: Floats, moments: Floats) -> Floats:
    """(members,) weights by greedy selection with replacement (Caruana et al. 2004): at each step the member whose vote
    lowers the mean absolute error most. `moments` is (members, rows)."""
    votes = np.zeros(len(moments))
    total = np.zeros(moments.shape[1])
    best_error, best_votes = np.inf, votes
    for step in range(1, SELECTION_STEPS + 1):
        errors = np.abs((total + moments) / step - truth).mean(axis=1)
        winner = int(np.argmin(errors))
        votes[winner] += 1
        total += moments[winner]
        if errors[winner] < best_error:
            best_error, best_votes = float(errors[winner]), votes / step
    return best_votes


def least_squares(truth: Floats, moments: Floats) -> Floats:
    """(members,) non-negative least squares (Breiman's stacking, 1996), scaled to shares; equal ones where it finds none."""
    from scipy.optimize import nnls

    found: Floats = nnls(moments.T, truth)[0]
    return found / found.sum() if found.sum() > 0 else np.full(len(moments), 1 / len(moments))


WAYS: dict[str, Callable[[Floats, Floats], Floats]] = {"greedy selection": greedy, "least squares": least_squares}


def system_folds(systems: Sequence[str], folds: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """(others, left out) row numbers of each fold, chemical systems whole; one fold that leaves nothing out where there are
    fewer systems than folds."""
    from sklearn.model_selection import GroupKFold

    names = np.asarray(systems, dtype=str)
    everything = np.arange(len(names))
    if len(set(names.tolist())) < folds:
        return [(everything, everything)]
    return [(a.astype(np.int64), b.astype(np.int64)) for a, b in GroupKFold(folds).split(everything, groups=names)]
