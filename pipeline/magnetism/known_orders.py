"""What experiments say of candidates: a look-up by composition in the table that comes with ferroscreen and in the user's own.

The embedded handbook table comes first. A row of it counts for crystals of its structure type only: of manganese sulphides, rock
salt and zinc blende order otherwise, and iron is a ferromagnet where it is body-centred. A composition has a row for each
structure that was measured; some have no order (NO_ORDER). A crystal of another structure gets in words what was measured in
these.
"""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np
import pandas as pd

from data.known_magnets import NO_ORDER, known_magnets, measured_in
from data.sources.literature.compositions import ANTIFERRO, CONTRADICTORY, FERRO
from data.sources.literature.snapshot import LiteratureSnapshot
from data.sources.literature.tables import amounts_of, composition_key

OF_COMPOSITION = ("known_order", "known_tc_K", "known_tn_K", "known_references", "known_dois", "known_spread_K")
KNOWN_COLUMNS = (*OF_COMPOSITION, "known_elsewhere")
OTHER_ORDER, OTHER_TC = "other_order", "other_tc_K"  # of another structure, in numbers what `known_elsewhere` says
OTHER_STRUCTURE = "other_structure"  # whether the handbook has the composition, and not in this structure
FERROMAGNETIC_ORDERS = ("FM", "FiM", FERRO)
ANTIFERROMAGNETIC_ORDERS = ("AFM", ANTIFERRO)
_SYMBOL = re.compile("[A-Z][a-z]?")
MIXED = "mixed"  # of other structures: some have a net moment, others have none
HANDBOOK = "handbook"  # stands before the name of an embedded reference


def known_from_experiment(formulas: pd.Series[str], space_groups: pd.Series[int], own: LiteratureSnapshot | None) -> pd.DataFrame:
    """KNOWN_COLUMNS, OTHER_ORDER, OTHER_TC and OTHER_STRUCTURE, one row a candidate; orders "" and NaN temperatures where nothing
    is known. `known_elsewhere` and the two after it say what the handbook has of the composition in other structures that order.

    Args:
        formulas: reduced formulas of ordered crystals.
        space_groups: numbers, of the same rows.
        own: the user's snapshot of literature; None: only the embedded table.
    """
    table, found = _embedded(), nothing_known(formulas.index)
    rows_of = _rows_of()
    theirs = None if own is None else own.compositions().set_index("key").add_prefix("known_")
    systems = {_elements(key) for key in [*rows_of, *([] if theirs is None else theirs.index)]}
    keys = formulas.map({formula: _key(formula) if _elements(formula) in systems else "" for formula in formulas.unique()})
    if theirs is not None:
        here = keys.isin(theirs.index)
        for name in OF_COMPOSITION:
            found.loc[here, name] = keys[here].map(theirs[name])
    listed = list(zip(keys.tolist(), space_groups.tolist(), strict=True))
    row = pd.Series([_row_in(key, group) for key, group in listed], index=formulas.index, dtype=int)
    here = row >= 0
    others = found["known_references"].where(found["known_order"] != "", 0).astype(int)
    for name, column in (("known_order", "order"), ("known_tc_K", "tc_K"), ("known_tn_K", "tn_K")):
        found.loc[here, name] = row[here].map(table[column])
    found["known_references"] = others + here.astype(int)
    if own is not None:
        found.loc[here, "known_spread_K"] = _spread_with_handbook(keys[here], row[here].map(table["measured_K"]), own)
    text = row[here].map(table["reference"]).map(lambda name: f"{HANDBOOK}: {name}")
    found.loc[here, "known_dois"] = [
        "; ".join(filter(None, pair)) for pair in zip(text, found.loc[here, "known_dois"], strict=True)
    ]
    found[OTHER_STRUCTURE] = ~here & keys.isin(rows_of)
    elsewhere = ~here & keys.isin(_other_structures().index)
    for name, column in (("known_elsewhere", "described"), (OTHER_ORDER, "order"), (OTHER_TC, "tc_K")):
        found.loc[elsewhere, name] = keys[elsewhere].map(_other_structures()[column])
    return found.astype({"known_tc_K": float, "known_tn_K": float, "known_spread_K": float, OTHER_TC: float})


def _row_in(key: str, group: int) -> int:
    """The row of the handbook that has this composition in a structure of this space group; -1 where none has."""
    groups = measured_in()
    return next((row for row in _rows_of().get(key, ()) if group in groups[row]), -1)


def _spread_with_handbook(keys: pd.Series[str], measured_K: pd.Series[float], own: LiteratureSnapshot) -> pd.Series[float]:
    """Largest minus smallest (K) of the handbook's temperature and all values of the user, whose references count beside it: one
    that contradicts the handbook must be seen. NaN where the user has none.

    Args:
        keys: of crystals that the handbook has.
        measured_K: its temperatures, of the same crystals; NaN where it has no order.
        own: the user's values.
    """
    theirs = own.values().groupby("key")["value_K"].agg(["min", "max"])
    low, high = keys.map(theirs["min"]), keys.map(theirs["max"])
    spread: pd.Series[float] = high.where(~(high < measured_K), measured_K) - low.where(~(low > measured_K), measured_K)
    return spread.where(low.notna())


def _described(table: pd.DataFrame) -> pd.Series[str]:
    """What was measured, in words: "FM, Tc 1044 K (bcc)"."""
    kelvin = table["tc_K"].map(lambda t: f", Tc {t:.0f} K").where(table["tc_K"].notna(), "")
    kelvin += table["tn_K"].map(lambda t: f", TN {t:.0f} K").where(table["tn_K"].notna(), "")
    return table["order"] + kelvin + " (" + table["structure_type"] + ")"


def is_contradictory(order: pd.Series[str]) -> pd.Series[bool]:
    """Where the literature reports both kinds of order: shown, and not taken for a measurement."""
    return order == CONTRADICTORY


def nothing_known(index: pd.Index) -> pd.DataFrame:
    """The columns of `known_from_experiment` where nothing was measured."""
    n = len(index)
    return pd.DataFrame(
        {
            "known_order": [""] * n, "known_tc_K": np.full(n, np.nan), "known_tn_K": np.full(n, np.nan),
            "known_references": np.zeros(n, dtype=int), "known_dois": [""] * n, "known_spread_K": np.full(n, np.nan),
            "known_elsewhere": [""] * n, OTHER_ORDER: [""] * n, OTHER_TC: np.full(n, np.nan), OTHER_STRUCTURE: np.full(n, False),
        },
        index=index,
    ).astype(dict.fromkeys(("known_order", "known_dois", "known_elsewhere", OTHER_ORDER), object))  # fmt: skip


def _elements(formula: str) -> frozenset[str]:
    """What stands in a formula or key like a symbol. Most formulas share none of the tables' sets and need not be read."""
    return frozenset("H" if symbol in ("D", "T") else symbol for symbol in _SYMBOL.findall(formula))


def _key(formula: str) -> str:
    fractions = amounts_of(formula)
    return "" if fractions is None else composition_key(fractions)


@lru_cache(maxsize=1)
def _embedded() -> pd.DataFrame:
    table = known_magnets()
    ferro = table["order"].isin(FERROMAGNETIC_ORDERS)
    return table.assign(
        key=table["formula"].map(_key), described=_described(table), measured_K=table["tc_K"].where(ferro, table["tn_K"])
    )


@lru_cache(maxsize=1)
def _rows_of() -> dict[str, list[int]]:
    """By composition, the rows of the handbook: one for each structure that was measured."""
    table = _embedded()
    return {str(key): rows.index.tolist() for key, rows in table.groupby("key")}


@lru_cache(maxsize=1)
def _other_structures() -> pd.DataFrame:
    """What a crystal of none of the measured structures is told, by composition: all of them in words, their order, MIXED where
    some have a net moment and others have none, and the Curie temperature of the first one that has any. That one of them has no
    order says little of another one."""
    table = _embedded()
    rows = table[table["order"] != NO_ORDER].groupby("key")
    order = rows["order"].agg(lambda orders: orders.iloc[0] if orders.eq("AFM").nunique() == 1 else MIXED)
    return pd.DataFrame({"described": rows["described"].agg(" and ".join), "order": order, "tc_K": rows["tc_K"].first()})
