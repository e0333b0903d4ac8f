"""From predictions to a ranking, by the score of a profile, best first."""

from __future__ import annotations

import numpy as np
import pandas as pd

from data.labels import TESLA_PER_MUB_PER_A3
from pipeline.screening.columns import (
    COLUMNS,
    DISORDER,
    EXPERIMENT,
    FAMILY_DISAGREEMENT,
    IN_WINDOW,
    KNOWN_MOMENT,
    LICENSED,
    MEMBER_PREFIX,
)
from pipeline.screening.profiles import Profile


def rank(predictions: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """The ranking table, in this order: COLUMNS; those of EXPERIMENT that the predictions have; `p_tc_in_window` where the
    profile has a window; `moment_dft` where a moment is known; `licensed` where a crystal is; those of DISORDER where one is
    disordered; `family_disagreement` where there are two families; one column a member; `place` where the predictions have that
    column (so that a caller finds each row's crystal again).

    Order: crystals that compete before those that the profile sets aside; then the profile's score; where that is equal (often
    zero), probability times µ0·Ms; then the id, so that the same predictions always give the same file.
    """
    tesla = TESLA_PER_MUB_PER_A3 / predictions["volume_per_atom"]
    given = predictions.columns
    table = with_tesla(_with_net_moment(predictions), tesla)
    table = table.assign(stability=np.where(table["e_above_hull"].notna(), "known", "unknown"))
    table = in_order(table, profile)
    known = [KNOWN_MOMENT.name] if table[KNOWN_MOMENT.name].notna().any() else []
    licensed = [LICENSED.name] if LICENSED.name in table and table[LICENSED.name].any() else []
    disorder = [column.name for column in DISORDER if column.name in table]
    if disorder:
        table = table.assign(
            occupancies=table["occupancies"].fillna(""), n_approximants=table["n_approximants"].astype("Int64")
        )
    members = [c for c in table.columns if c.startswith(MEMBER_PREFIX)]
    families = table[members].T.groupby(_family).mean()
    differ = [FAMILY_DISAGREEMENT.name] if len(families) > 1 else []
    table = table.assign(**{name: families.std(axis=0, ddof=0) for name in differ})
    place = ["place"] if "place" in table else []
    measured = [column.name for column in EXPERIMENT if column.name in given]
    window = [IN_WINDOW.name] if IN_WINDOW.name in table else []
    return table[[*COLUMNS, *measured, *window, *known, *licensed, *disorder, *differ, *members, *place]]


def with_tesla(table: pd.DataFrame, tesla: pd.Series[float]) -> pd.DataFrame:
    """With µ0·Ms of the moments, net and as calculated.

    Args:
        table: with the columns of moments, in µB/atom.
        tesla: (rows,) T of a moment of 1 µB/atom.
    """
    return table.assign(
        saturation_T=table["moment_net"] * tesla,
        saturation_T_low=table["moment_net_low"] * tesla,
        saturation_T_high=table["moment_net_high"] * tesla,
        saturation_if_fm_or_fim_T=table["moment_if_fm_or_fim"] * tesla,
        saturation_sure_T=table["moment_sure"] * tesla,
        saturation_dft_T=table["moment_muB_per_atom"] * tesla,
        saturation_dft_T_low=table["moment_low"] * tesla,
    )


def _family(member: str) -> str:
    """The family in the name of a member's column, `member_FAMILY-SEED`."""
    return member.removeprefix(MEMBER_PREFIX).rsplit("-", 1)[0]


def _with_net_moment(predictions: pd.DataFrame) -> pd.DataFrame:
    """With the net moment; where nothing is known of it, that of a ferromagnet with the DFT moment."""
    if "moment_net" in predictions:
        return predictions
    return predictions.assign(
        moment_net=predictions["moment_muB_per_atom"], moment_net_low=predictions["moment_low"],
        moment_net_high=predictions["moment_high"], moment_if_fm_or_fim=predictions["moment_muB_per_atom"],
        moment_sure=predictions["p_ferromagnetic"] * predictions["moment_low"],
    )  # fmt: skip


def in_order(table: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """The rows by a profile, with its `score`, `exclusion_reason` and `rank`; it puts any ranking in another order."""
    table = profile.with_own_column(table)
    scored = table.assign(score=profile.score(table), exclusion_reason=profile.reasons(table))
    keys = scored.assign(aside=scored["exclusion_reason"] != "", expected=scored["saturation_T"] * scored["p_magnetic"])
    keys = keys.sort_values(
        ["aside", "score", "expected", "candidate_id", "source_file"], ascending=[True, False, False, True, True], kind="stable"
    )
    ordered = scored.loc[keys.index].reset_index(drop=True)
    ordered["rank"] = np.arange(1, len(ordered) + 1)
    return ordered
