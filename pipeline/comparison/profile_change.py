"""What another profile does to a ranking, with the predictions left as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.screening.profiles import profile_of
from pipeline.screening.ranking import in_order

TOP = 100  # places that are compared
NAMED = 5  # formulas of those that come or leave


@dataclass(frozen=True)
class ProfileChange:
    """The first places of the earlier run by its own profile and by the later run's."""

    before: str
    after: str
    formulas: tuple[str, str]
    missing: tuple[str, ...] = ()  # columns that the later profile needs and the earlier run does not have
    top: int = 0
    stay: int = 0
    leave: tuple[str, ...] = ()  # formulas, those that stood first before
    come: tuple[str, ...] = ()  # formulas, those that stand first after
    aside: int = 0  # set aside by the later profile only

    def sentence(self) -> str:
        """In words."""
        if self.missing:
            return (
                f"The earlier run has no column {', '.join(self.missing)}, so what the profile {self.after} alone does to it is "
                f"not known: screen its source again by {self.after}."
            )
        first = f"first {self.top}"
        changed = f"Of the earlier run's {first} by {self.before}, {self.stay} are among its {first} by {self.after}"
        names = [f"{verb} {_listed(formulas)}" for verb, formulas in (("out", self.leave), ("in", self.come)) if formulas]
        also = f"; {self.aside:,} more are set aside" if self.aside else ""
        return f"{changed}{''.join(f'; {text}' for text in names)}{also}."


def profile_change(old: pd.DataFrame, before: Mapping[str, Any], after: Mapping[str, Any]) -> ProfileChange | None:
    """How the later run's profile would have ranked the earlier run; None where the profiles are one, or the later one is unknown
    to this version.

    Args:
        old: the earlier run's ranking.
        before: the earlier run's manifest.
        after: the later run's manifest.
    """
    profile, formulas = profile_of(after), (str(before["formula"]), str(after["formula"]))
    if profile is None or (before["profile"], formulas[0]) == (profile.name, profile.formula):
        return None
    names = str(before["profile"]), profile.name
    missing = tuple(sorted(profile.columns - set(old)))
    if missing:
        return ProfileChange(*names, formulas, missing)
    again = in_order(old, profile)
    top = min(TOP, len(old))
    first, then = old.sort_values("rank", kind="stable").head(top), again.head(top)
    key = ["candidate_id", "source_file"]
    gone = _without(first, then, key)["formula"]
    fresh = _without(then, first, key)["formula"]
    aside = int((again["exclusion_reason"] != "").sum() - (old["exclusion_reason"] != "").sum())
    return ProfileChange(*names, formulas, (), top, top - len(gone), tuple(gone), tuple(fresh), max(aside, 0))


def _without(rows: pd.DataFrame, others: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    there = pd.MultiIndex.from_frame(others[key])
    return rows[~pd.MultiIndex.from_frame(rows[key]).isin(there)]


def _listed(formulas: tuple[str, ...]) -> str:
    shown = ", ".join(formulas[:NAMED])
    return f"{shown} and {len(formulas) - NAMED} others" if len(formulas) > NAMED else shown
