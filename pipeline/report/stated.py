"""How far the errors that a model states for itself can be trusted, measured on its test rows."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from pipeline.report.plot_values import finite_columns

FEWEST = 50  # test rows; fewer do not tell


def stated_error_floor(evaluation: pd.DataFrame | None) -> float:
    """The stated error (one standard deviation, µB/atom) below which the page does not believe the model; 0 without enough rows.

    It is the smallest value F, in two digits, such that for every G from F on the true error (root mean square) of the test rows
    with a stated error below G is at most G. It is for display alone: intervals and rankings use what the model states.

    Args:
        evaluation: test rows with moment_dft, moment_muB_per_atom and moment_std (µB/atom).
    """
    if evaluation is None or "moment_std" not in evaluation:
        return 0.0
    truth, guess, stated = finite_columns(evaluation, "moment_dft", "moment_muB_per_atom", "moment_std")
    if truth.size < FEWEST:
        return 0.0
    order = np.argsort(stated, kind="stable")
    stated, wrong = stated[order], np.square(guess - truth)[order]
    so_far = np.sqrt(np.cumsum(wrong) / np.arange(1, wrong.size + 1))  # of the rows up to here
    following = np.append(stated[1:], math.inf)
    broken = (so_far > stated) & (following > stated)  # for each G between a row's stated error and the smaller of the two
    floor = float(np.minimum(so_far, following)[broken].max(initial=0.0))
    return _rounded_up(floor) if floor else 0.0


def _rounded_up(value: float) -> float:
    digit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.ceil(round(value / digit, 9)) * digit:.3g}")
