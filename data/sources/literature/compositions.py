"""From single values to what is known of a composition: order, temperatures, references, spread."""

from __future__ import annotations

import numpy as np
import pandas as pd

from data.sources.literature.tables import TC, TN

FERRO, ANTIFERRO, CONTRADICTORY = "FM or FiM", "AFM", "contradictory"
DOIS = 3  # that a row shows
OUTVOTED = 4  # an order with so many times fewer references than the other is not held against it


def known_compositions(values: pd.DataFrame) -> pd.DataFrame:
    """One row a composition, by `key`: formula, order, tc_K, tn_K (medians of handbook values where there are any), spread_K (of
    the values of that order), references (number) and dois (the first ones, "; " between them)."""
    rows = []
    for key, group in values.groupby("key", sort=True):
        temperature = {kind: _middle(group[group["kind"] == kind]) for kind in (TC, TN)}
        references = {kind: int(group.loc[group["kind"] == kind, "ref"].nunique()) for kind in (TC, TN)}
        order = _order(references)
        decisive = group[group["kind"] == (TN if order == ANTIFERRO else TC)]
        rows.append(
            {
                "key": key, "formula": group["formula"].iloc[0], "order": order, "tc_K": temperature[TC], "tn_K": temperature[TN],
                "spread_K": float(decisive["value_K"].max() - decisive["value_K"].min()) if len(decisive) else np.nan,
                "references": int(group["ref"].nunique()), "dois": "; ".join(_dois(group["ref"])),
            }
        )  # fmt: skip
    columns = ["key", "formula", "order", "tc_K", "tn_K", "spread_K", "references", "dois"]
    return pd.DataFrame(rows, columns=columns)


def _order(references: dict[str, int]) -> str:
    curie, neel = references[TC], references[TN]
    if curie >= OUTVOTED * neel and curie:
        return FERRO
    if neel >= OUTVOTED * curie:
        return ANTIFERRO
    return CONTRADICTORY


def _middle(group: pd.DataFrame) -> float:
    """Handbooks before papers; NaN without a value."""
    best = group[group["manual"]] if group["manual"].any() else group
    return float(best["value_K"].median()) if len(best) else np.nan


def _dois(references: pd.Series[str]) -> list[str]:
    named = sorted({r.removeprefix("doi:") for r in references if r.startswith(("doi:", "10."))})
    return (named or sorted(set(references) - {""}))[:DOIS]
