"""Candidates that experiments found antiferromagnetic and that DFT, started ferromagnetic, takes for ferromagnets."""

from __future__ import annotations

import numpy as np
import pandas as pd

from data.labels import MAGNETIC_THRESHOLD
from pipeline.magnetism.experiment import MEASURED
from pipeline.magnetism.known_orders import ANTIFERROMAGNETIC_ORDERS

TOP = 30
KNOWN, PREDICTED = "calculated", "predicted"


def dft_calls_ferromagnets(ranking: pd.DataFrame) -> pd.DataFrame:
    """Rows measured as antiferromagnets whose DFT moment is net: that of the source, else that of the training data, else the
    lower end of the predicted interval above MAGNETIC_THRESHOLD.

    Returns:
        rank, candidate_id, formula, known_tn_K, known_references, dft_tesla (µ0·Ms, T), dft_moment (µB/atom) and dft_basis (KNOWN
        or PREDICTED), the largest magnetisation first; empty for a ranking without measured orders. Duplicates are left out.
    """
    if "order_basis" not in ranking or "known_order" not in ranking:
        return ranking.head(0).reindex(columns=_COLUMNS)
    table = ranking[(ranking["order_basis"] == MEASURED) & ranking["known_order"].isin(ANTIFERROMAGNETIC_ORDERS)]
    if "duplicate_of" in table:
        table = table[table["duplicate_of"].fillna("") == ""]
    known = pd.Series(np.nan, index=table.index)
    for name in ("moment_dft", "known_moment"):
        if name in table:
            known = known.fillna(pd.to_numeric(table[name], errors="coerce"))
    is_net = (known > MAGNETIC_THRESHOLD).where(known.notna(), table["moment_low"] > MAGNETIC_THRESHOLD).astype(bool)
    table = table.assign(
        dft_tesla=table["saturation_dft_T" if "saturation_dft_T" in table else "saturation_T"],
        dft_moment=known.fillna(table["moment_muB_per_atom"]), dft_basis=np.where(known.notna(), KNOWN, PREDICTED)
    )
    found: pd.DataFrame = table[is_net].sort_values("dft_tesla", ascending=False, kind="stable").reindex(columns=_COLUMNS)
    return found


_COLUMNS = [
    "rank", "candidate_id", "formula", "known_tn_K", "known_references", "dft_tesla", "dft_moment", "dft_basis"
]  # fmt: skip
