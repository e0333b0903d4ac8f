"""What changed in a candidate's own prediction, of the columns that decide its place, and what changed it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.comparison.causes import Cause
from pipeline.screening.profiles import Profile

SAME_TESLA = 0.005  # T; what rounding and another batch order leave
SAME_NUMBER = 0.005  # of other columns; relative for numbers above 1
MEASURED = ("known_order", "known_tc_K", "known_tn_K", "known_spread_K", "known_references", "known_dois", "known_elsewhere")


def prediction_changes(
    old: pd.DataFrame, new: pd.DataFrame, profile: Profile | None, same_profile: bool, causes: set[Cause]
) -> list[str]:
    """What changed in the prediction of each row, in words with its cause; empty where nothing did.

    Args:
        old: rows of the earlier ranking.
        new: the same candidates in the later ranking, in the same order.
        profile: of the later run; None where this version does not know it.
        same_profile: whether the earlier run has the same one, so that the scores can be compared.
        causes: what differs between the runs.
    """
    words = _saturation(old, new)
    names = sorted(profile.columns - {"saturation_T", "saturation_T_low"} & set(old) & set(new)) if profile else []
    for name in names:
        one, other = _numbers(old, name), _numbers(new, name)
        for k in np.flatnonzero(_differ(one, other, SAME_NUMBER * np.maximum(1.0, np.abs(one)))):
            words[k].append(f"{name} {_said(one[k])} → {_said(other[k])}")
    if same_profile and profile:  # small scores are decided by less than the columns show
        one, other = _numbers(old, "score"), _numbers(new, "score")
        for k in np.flatnonzero(_differ(one, other, SAME_NUMBER * np.abs(one))):
            words[k] = words[k] or [f"score {one[k]:.3g} → {other[k]:.3g}"]
    measured = _other_measurements(old, new) if Cause.MEASURED in causes else np.zeros(len(old), dtype=bool)
    cause = Cause.MODEL if Cause.MODEL in causes else Cause.SETTINGS
    named = [Cause.MEASURED if here else cause for here in measured]
    return [f"{one}: {', '.join(found)}" if found else "" for one, found in zip(named, words, strict=True)]


def _saturation(old: pd.DataFrame, new: pd.DataFrame) -> list[list[str]]:
    """The magnetisation at least, or else its value."""
    words: list[list[str]] = [[] for _ in range(len(old))]
    for name, lead in (("saturation_T_low", "at least "), ("saturation_T", "")):
        one, other = _numbers(old, name), _numbers(new, name)
        for k in np.flatnonzero(_differ(one, other, SAME_TESLA)):
            words[k] = words[k] or [f"{lead}{one[k]:.2f} → {other[k]:.2f} T"]
    return words


def _numbers(table: pd.DataFrame, name: str) -> NDArray[np.float64]:
    return pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def _differ(one: NDArray[np.float64], other: NDArray[np.float64], within: NDArray[np.float64] | float) -> NDArray[np.bool_]:
    """Where both are known and further apart."""
    return np.abs(other - one) > within


def _said(number: float) -> str:
    return f"{number:.0f}" if abs(number) >= 100 else f"{number:.2f}"


def _other_measurements(old: pd.DataFrame, new: pd.DataFrame) -> NDArray[np.bool_]:
    """Where what experiments say of the row is not the same."""
    found = np.zeros(len(old), dtype=bool)
    for name in MEASURED:
        if name in old and name in new:
            one, other = (table[name].astype(object).where(table[name].notna(), "").to_numpy() for table in (old, new))
            found |= one != other
    return found
