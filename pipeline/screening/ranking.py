"""From predictions to a ranking, by the score of a profile, best first."""

from __future__ import annotations

import numpy as np
import pandas as pd

from data.labels import TESLA_PER_MUB_PER_A3
from pipeline.screening.columns import COLUMNS, DISORDER, EXPERIMENT, KNOWN_MOMENT, LICENSED, MEMBER_PREFIX
from pipeline.screening.profiles import Profile


def rank(predictions: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """The ranking table, in this order: COLUMNS; those of EXPERIMENT that the predictions have; `moment_dft` where a moment is
    known; `licensed` where a crystal is; those of DISORDER where a crystal is disordered; one column a member; `place` where the
    predictions have that column (so that a caller finds each row's crystal again).

    Order: crystals that compete before those that the profile sets aside; then the profile's score; where that is equal (often
    zero), probability times µ0·Ms; then the id, so that the same predictions always give the same file.
    """
    tesla = TESLA_PER_MUB_PER_A3 / predictions["volume_per_atom"]
    table = predictions.assign(
        saturation_T=predictions["moment_muB_per_atom"] * tesla,
        saturation_T_low=predictions["moment_low"] * tesla,
        saturation_T_high=predictions["moment_high"] * tesla,
        stability=np.where(predictions["e_above_hull"].notna(), "known", "unknown"),
    )
    table = in_order(table, profile)
    known = [KNOWN_MOMENT.name] if table[KNOWN_MOMENT.name].notna().any() else []
    licensed = [LICENSED.name] if LICENSED.name in table and table[LICENSED.name].any() else []
    disorder = [column.name for column in DISORDER if column.name in table]
    if disorder:
        table = table.assign(
            occupancies=table["occupancies"].fillna(""), n_approximants=table["n_approximants"].astype("Int64")
        )
    members = [c for c in table.columns if c.startswith(MEMBER_PREFIX)]
    place = ["place"] if "place" in table else []
    measured = [column.name for column in EXPERIMENT if column.name in table]
    return table[[*COLUMNS, *measured, *known, *licensed, *disorder, *members, *place]]


def in_order(table: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """The rows by a profile, with its `score`, `exclusion_reason` and `rank`; it puts any ranking in another order."""
    scored = table.assign(score=profile.score(table), exclusion_reason=profile.reasons(table))
    keys = scored.assign(aside=scored["exclusion_reason"] != "", expected=scored["saturation_T"] * scored["p_magnetic"])
    keys = keys.sort_values(
        ["aside", "score", "expected", "candidate_id", "source_file"], ascending=[True, False, False, True, True], kind="stable"
    )
    ordered = scored.loc[keys.index].reset_index(drop=True)
    ordered["rank"] = np.arange(1, len(ordered) + 1)
    return ordered
