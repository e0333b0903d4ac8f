"""What experiments say of candidates, as the page shows it: orders and their basis as codes, and a sentence for each candidate.

The page's script (web/experiment.js) writes the same sentence from the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pipeline.magnetism.experiment import DISPUTED, ELSEWHERE, MEASURED, PREDICTED
from pipeline.report.text import ORDERS, count, finite, number

BASES = (PREDICTED, MEASURED, DISPUTED, ELSEWHERE)
NAMES = (  # of ORDERS
    "ferromagnet", "ferrimagnet", "ferro- or ferrimagnet", "antiferromagnet", "non-magnetic",
)
FERRIMAGNET, ANTIFERROMAGNET, NON_MAGNETIC = (ORDERS.index(name) for name in ("FiM", "AFM", "NM"))


def order_codes(ranking: pd.DataFrame) -> pd.Series[float]:
    """The measured order where there is one, else the most probable one, as a place in ORDERS; NaN where neither is known."""
    found = _column(ranking, "ordering_most_likely")
    measured = _column(ranking, "order_basis") == MEASURED
    return _places(found.mask(measured, _column(ranking, "known_order")), ORDERS)


def basis_codes(ranking: pd.DataFrame) -> pd.Series[float]:
    """Where the order comes from, as a place in BASES."""
    return _places(_column(ranking, "order_basis"), BASES)


def temperature_basis_codes(ranking: pd.DataFrame) -> pd.Series[float]:
    """Where the Curie temperature comes from, as a place in BASES."""
    return _places(_column(ranking, "tc_basis"), BASES)


def sentence(row: Mapping[str, Any]) -> str:
    """Why a candidate stands where it stands: its order, its Curie or Néel temperature and its magnetisation, with sources.

    Args:
        row: numbers of pipeline.report.view.View.frame.
    """
    parts = [_order(row), *_temperature(row), _magnetisation(row)]
    text = "; ".join(part for part in parts if part)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _order(row: Mapping[str, Any]) -> str:
    code, basis, references = (finite(row.get(name)) for name in ("order", "basis", "known_references"))
    if code is None:
        return ""
    name = NAMES[int(code)]
    said = f"{count(references)} reference{'' if references == 1 else 's'}"
    if basis == BASES.index(MEASURED):
        return f"{name}, measured ({said})"
    p, of = ("p_magnetic", "P(magnetic)") if code == NON_MAGNETIC else ("p_fm_or_fim", "P(FM or FiM)")
    guess = f"predicted {name}" + (f" ({of} {number(row.get(p))})" if finite(row.get(p)) is not None else "")
    if basis == BASES.index(ELSEWHERE):
        return f"{guess}, measured in another structure: {row.get('known_elsewhere')}"
    return f"references disagree on the order ({said}), {guess}" if basis == BASES.index(DISPUTED) else guess


def _temperature(row: Mapping[str, Any]) -> list[str]:
    code = finite(row.get("order"))
    if code is None or code == NON_MAGNETIC:
        return []
    if code == ANTIFERROMAGNET:
        known = finite(row.get("known_tn_K"))
        if known is not None and row.get("basis") == BASES.index(MEASURED):
            return [f"TN {count(known)} K, measured"]
        return _predicted("TN", row, "tn_K", "tn_low_K", "tn_high_K")
    if row.get("tc_from") == BASES.index(MEASURED):
        spread = finite(row.get("known_spread_K"))
        return [f"Tc {count(row['tc_K'])} K, measured{f' (spread {count(spread)} K)' if spread else ''}"]
    return _predicted("Tc", row, "tc_K", "tc_low_K", "tc_high_K")


def _predicted(name: str, row: Mapping[str, Any], value: str, low: str, high: str) -> list[str]:
    if finite(row.get(value)) is None:
        return []
    return [f"{name} {count(row[value])} K, predicted (90 % interval {count(row.get(low))} to {count(row.get(high))} K)"]


def _magnetisation(row: Mapping[str, Any]) -> str:
    if finite(row.get("saturation_T")) is None:
        return ""
    warm, ordered = finite(row.get("saturation_300K_T")), row.get("order") not in (ANTIFERROMAGNET, NON_MAGNETIC)
    at_work = f", {number(warm)} T at 300 K" if warm is not None and ordered else ""
    parallel = ", which may keep its moments parallel" if row.get("order") == FERRIMAGNET else ""
    source = f"DFT{parallel}" if finite(row.get("saturation_dft_T_low")) is None else "net moment"
    given = finite(row.get("saturation_if_fm_or_fim_T"))  # as that at 300 K is; older runs have none
    value, condition = (given, " if FM or FiM") if given is not None and ordered else (row["saturation_T"], "")
    return f"µ0·Ms{condition} {number(value)} T at 0 K ({source}){at_work}"


def _column(ranking: pd.DataFrame, name: str) -> pd.Series[Any]:
    return ranking[name] if name in ranking else pd.Series("", index=ranking.index, dtype=object)


def _places(texts: pd.Series[Any], among: tuple[str, ...]) -> pd.Series[float]:
    return texts.map({text: float(k) for k, text in enumerate(among)}).astype(np.float64)
