"""From predictions to a ranking: µ0·Ms that the crystal has at least, best first."""

from __future__ import annotations

import numpy as np
import pandas as pd

from data.labels import TESLA_PER_MUB_PER_A3

COLUMNS = [
    "rank", "candidate_id", "formula", "n_sites", "moment_muB_per_atom", "moment_low", "moment_high", "moment_std",
    "saturation_T", "saturation_T_low", "p_magnetic", "source_file", "space_group", "note",
]  # fmt: skip


def rank(predictions: pd.DataFrame) -> pd.DataFrame:
    """The ranking table: COLUMNS, then `moment_dft` where a moment is known, then one column a member.

    Order: the lower end of the 90 % interval of µ0·Ms; where that is equal (often zero), probability times µ0·Ms; then the
    id, so that the same predictions always give the same file.
    """
    tesla = TESLA_PER_MUB_PER_A3 / predictions["volume_per_atom"]
    table = predictions.assign(
        saturation_T=predictions["moment_muB_per_atom"] * tesla, saturation_T_low=predictions["moment_low"] * tesla
    )
    table = table.assign(expected=table["saturation_T"] * table["p_magnetic"])
    table = table.sort_values(
        ["saturation_T_low", "expected", "candidate_id", "source_file"], ascending=[False, False, True, True], kind="stable"
    ).reset_index(drop=True)
    table["rank"] = np.arange(1, len(table) + 1)
    known = ["moment_dft"] if table["moment_dft"].notna().any() else []
    members = [c for c in table.columns if c.startswith("member_")]
    return table[[*COLUMNS, *known, *members]]
