"""Candidate by candidate: new, withdrawn, up or down, and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pipeline.comparison.causes import OTHER_CONTENTS, Cause, Difference, differences
from pipeline.comparison.contents import crystal_changes, read_alike, same_places
from pipeline.comparison.pairs import common_key
from pipeline.comparison.predictions import prediction_changes
from pipeline.comparison.profile_change import ProfileChange, profile_change
from pipeline.screening.licence import without_withheld_columns
from pipeline.screening.profiles import Profile, profile_of
from pipeline.screening.ranking import in_order
from pipeline.screening.screened import Screened

COLUMNS = [
    "change", "candidate_id", "formula", "source_file", "rank_before", "rank_after", "moved", "moved_by_settings",
    "moved_by_prediction", "saturation_T_low_before", "saturation_T_low_after", "why",
]  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """Of an earlier run with a later one.

    `changes` has COLUMNS and a row for each candidate that is new, withdrawn, up or down, or another crystal in the same place
    (`changed`), those near the top of either ranking first. `moved` counts places among the candidates that both runs have, up
    is positive, so that a newcomer at the top does not move everybody; it is the sum of what the other profile does to the
    earlier predictions (`moved_by_settings`) and of what the other predictions do (`moved_by_prediction`).
    """

    before: dict[str, Any]
    after: dict[str, Any]
    differences: list[Difference]
    changes: pd.DataFrame
    unmoved: int
    profile: ProfileChange | None = None  # what the other profile alone does to the earlier run

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(self.changes["change"])
        return {**{name: found[name] for name in ("new", "withdrawn", "up", "down", "changed")}, "unmoved": self.unmoved}


def compare(before: Screened, after: Screened) -> Comparison:
    """Compare two finished screens."""
    why = differences(before.manifest, after.manifest)
    earlier = without_withheld_columns(before.ranking())
    profile = profile_change(earlier, before.manifest, after.manifest)
    old, new = _keyed(earlier, after.ranking())
    if _screen_code(before) != _screen_code(after):  # earlier releases counted the sites of the cell as it was given
        old = old.assign(n_sites=None)
    common = old.index.intersection(new.index, sort=False)
    both = old.loc[common], new.loc[common]
    crystals = crystal_changes(*both, before, after)
    alike = zip(crystals, read_alike(*both, before, after), strict=True)
    other_contents = Difference(Cause.DATA, OTHER_CONTENTS.format(before.manifest["source"]))
    if other_contents in why and same_places(before, after) and not any(words and same for words, same in alike):
        why = [one for one in why if one != other_contents]
    moved = _moves(*both, profile_of(before.manifest), profile_of(after.manifest), why, crystals)
    gone, come = old.drop(common), new.drop(common)
    parts = [
        _alone(come, "new", "after", _reasons(come, before, "was", why, "not in the earlier run's source")),
        _alone(gone, "withdrawn", "before", _reasons(gone, after, "now", why, "no longer in the source")),
        moved[(moved["moved"] != 0) | (moved["change"] == "changed")],
    ]
    changes = pd.concat([part for part in parts if len(part)] or [moved.head(0)], ignore_index=True)[COLUMNS]
    nearest = changes[["rank_before", "rank_after"]].min(axis=1)
    changes = changes.assign(nearest=nearest).sort_values(["nearest", "candidate_id"], kind="stable", ignore_index=True)[COLUMNS]
    return Comparison(before.manifest, after.manifest, why, changes, len(moved) - len(parts[2]), profile)


def _screen_code(run: Screened) -> str:
    return next(iter(run.manifest.get("code") or []), "")


def _keyed(old: pd.DataFrame, new: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both in the order of their ranks, with one key for one candidate."""
    keys = common_key(old, new)
    return old.set_index(pd.Index(keys[0])).sort_values("rank"), new.set_index(pd.Index(keys[1])).sort_values("rank")


def _places(ranks: pd.Series[int]) -> pd.Series[int]:
    return ranks.rank(method="first").astype(int)


def _moves(
    old: pd.DataFrame, new: pd.DataFrame, old_profile: Profile | None, new_profile: Profile | None, why: list[Difference],
    crystals: list[str],
) -> pd.DataFrame:  # fmt: skip
    """One row a common candidate; `crystals` says what changed in each crystal."""
    first, last = _places(old["rank"]), _places(new["rank"])
    between = pd.Series(np.nan, index=old.index)
    if old_profile == new_profile:
        between = first.astype(float)
    elif new_profile is not None and new_profile.columns <= set(old):  # the earlier predictions in the later profile's order
        again = in_order(old.assign(key=np.arange(len(old))), new_profile)
        between = pd.Series(again.set_index("key")["rank"].sort_index().to_numpy(dtype=float), index=old.index)
    table = pd.DataFrame(
        {
            "change": np.select([first > last, first < last, np.array(crystals) != ""], ["up", "down", "changed"], "unmoved"),
            "candidate_id": new["candidate_id"], "formula": new["formula"], "source_file": new["source_file"],
            "rank_before": old["rank"], "rank_after": new["rank"], "moved": first - last,
            "moved_by_settings": first - between, "moved_by_prediction": between - last,
            "saturation_T_low_before": old["saturation_T_low"], "saturation_T_low_after": new["saturation_T_low"],
        }
    )  # fmt: skip
    changed = prediction_changes(old, new, new_profile, old_profile == new_profile, {one.cause for one in why})
    return table.assign(why=_explain(table, old, new, why, crystals, changed))


def _explain(
    table: pd.DataFrame, old: pd.DataFrame, new: pd.DataFrame, why: list[Difference], other_crystal: list[str],
    other_prediction: list[str],
) -> list[str]:  # fmt: skip
    causes = {difference.cause for difference in why}
    of_crystals = Cause.DATA if Cause.DATA in causes else Cause.SETTINGS
    exclusion_reason = list(zip(old["exclusion_reason"], new["exclusion_reason"], strict=True))
    lines = []
    for k, row in enumerate(table.to_dict("records")):
        words = [f"{of_crystals}: {other_crystal[k]}"] if other_crystal[k] else []
        if other_prediction[k] and not other_crystal[k]:
            words.append(other_prediction[k])
        asides = exclusion_reason[k]
        if asides[0] != asides[1]:
            words.append(f"set aside: {asides[1]}" if asides[1] else f"no longer set aside ({asides[0]})")
        if row["moved_by_settings"] and not np.isnan(row["moved_by_settings"]):
            words.append(f"settings: {row['moved_by_settings']:+.0f} places by the other profile")
        if not words:
            others = "fell behind it" if row["moved"] > 0 else "moved past it"
            words = [f"{' and '.join(sorted(causes)) or 'settings'}: the same prediction, others {others}"]
        lines.append("; ".join(words))
    return lines


def _reasons(rows: pd.DataFrame, other: Screened, when: str, why: list[Difference], absent: str) -> list[str]:
    """Why candidates are in one run only: rejected by the other one, or not in its source."""
    rejected = other.rejected().drop_duplicates("candidate_id").set_index("candidate_id")
    read_alike = all(difference.cause is not Cause.DATA for difference in why)
    lines = []
    for name in rows["candidate_id"].to_list():
        cause = Cause.SETTINGS if read_alike else Cause.DATA
        if name in rejected.index:
            reason, detail = (str(rejected[column].loc[name]) for column in ("reason", "detail"))
            lines.append(f"{cause}: {when} rejected ({reason}: {detail})")
        else:
            lines.append(f"{cause}: {absent}")
    return lines


def _alone(rows: pd.DataFrame, change: str, side: str, why: list[str]) -> pd.DataFrame:
    kept = rows[["candidate_id", "formula", "source_file"]].assign(change=change, why=why)
    kept[f"rank_{side}"], kept[f"saturation_T_low_{side}"] = rows["rank"], rows["saturation_T_low"]
    return kept.reindex(columns=COLUMNS)
