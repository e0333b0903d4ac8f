"""Members to one prediction: weights chosen on validation rows, the spread as the raw error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.contract import Prediction

Floats = NDArray[np.float64]
SELECTION_STEPS = 40


@dataclass(frozen=True, eq=False)
class Combined:
    """What an ensemble says; (rows,) each."""

    moment: Floats  # µB/atom, weighted mean
    spread: Floats  # µB/atom, standard deviation of all members, those of weight zero included
    p_magnetic: Floats


def choose_weights(truth: Floats, moments: Floats) -> Floats:
    """(members,) weights by greedy selection with replacement (Caruana et al. 2004): at each step the member whose vote
    lowers the mean absolute error most. `moments` is (members, rows) on validation rows."""
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


def combine(predictions: list[Prediction], weights: Floats) -> Combined:
    """The ensemble's word; members in the order of the weights."""
    moments = np.stack([p.moment for p in predictions])
    return Combined(
        moment=weights @ moments,
        spread=moments.std(axis=0),
        p_magnetic=weights @ np.stack([p.p_magnetic for p in predictions]),
    )
