"""What experiments say of candidates: a look-up by composition in the table that comes with ferroscreen and in the user's own.

The embedded handbook table comes first. A row of it counts for crystals of its structure type only: of manganese sulphides, rock
salt and zinc blende order otherwise, and iron is a ferromagnet where it is body-centred. A crystal of another structure gets in
words what was measured in that one.
"""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np
import pandas as pd

from data.known_magnets import known_magnets, measured_in
from data.sources.literature.compositions import ANTIFERRO, CONTRADICTORY, FERRO
from data.sources.literature.snapshot import LiteratureSnapshot
from data.sources.literature.tables import amounts_of, composition_key

OF_COMPOSITION = ("known_order", "known_tc_K", "known_tn_K", "known_references", "known_dois", "known_spread_K")
KNOWN_COLUMNS = (*OF_COMPOSITION, "known_elsewhere")
OTHER_ORDER, OTHER_TC = "other_order", "other_tc_K"  # of another structure, in numbers what `known_elsewhere` says
FERROMAGNETIC_ORDERS = ("FM", "FiM", FERRO)
ANTIFERROMAGNETIC_ORDERS = ("AFM", ANTIFERRO)
_SYMBOL = re.compile("[A-Z][a-z]?")
HANDBOOK = "handbook"  # stands before the name of an embedded reference


def known_from_experiment(formulas: pd.Series[str], space_groups: pd.Series[int], own: LiteratureSnapshot | None) -> pd.DataFrame:
    """KNOWN_COLUMNS, OTHER_ORDER and OTHER_TC, one row a candidate; orders "" and NaN temperatures where nothing is known.
    `known_elsewhere` and the last two say what the handbook has of the composition in another structure.

    Args:
        formulas: reduced formulas of ordered crystals.
        space_groups: numbers, of the same rows.
        own: the user's snapshot of literature; None: only the embedded table.
    """
    table, found = _embedded(), nothing_known(formulas.index)
    theirs = None if own is None else own.compositions().set_index("key").add_prefix("known_")
    systems = {_elements(key) for key in [*table.index, *([] if theirs is None else theirs.index)]}
    keys = formulas.map({formula: _key(formula) if _elements(formula) in systems else "" for formula in formulas.unique()})
    if theirs is not None:
        here = keys.isin(theirs.index)
        for name in OF_COMPOSITION:
            found.loc[here, name] = keys[here].map(theirs[name])
    listed, groups = list(zip(keys.tolist(), space_groups.tolist(), strict=True)), dict(table["groups"])
    here = pd.Series([group in groups.get(key, ()) for key, group in listed], index=formulas.index, dtype=bool)
    others = found["known_references"].where(found["known_order"] != "", 0).astype(int)
    for name, column in (("known_order", "order"), ("known_tc_K", "tc_K"), ("known_tn_K", "tn_K")):
        found.loc[here, name] = keys[here].map(table[column])
    found["known_references"] = others + here.astype(int)
    if own is not None:
        found.loc[here, "known_spread_K"] = keys[here].map(_spread_with_handbook(table, own))
    text = keys[here].map(table["reference"]).map(lambda name: f"{HANDBOOK}: {name}")
    found.loc[here, "known_dois"] = [
        "; ".join(filter(None, pair)) for pair in zip(text, found.loc[here, "known_dois"], strict=True)
    ]
    elsewhere = [key in groups and group not in groups[key] for key, group in listed]
    for name, column in (("known_elsewhere", "described"), (OTHER_ORDER, "order"), (OTHER_TC, "tc_K")):
        found.loc[elsewhere, name] = keys[elsewhere].map(table[column])
    return found.astype({"known_tc_K": float, "known_tn_K": float, "known_spread_K": float, OTHER_TC: float})


def _spread_with_handbook(table: pd.DataFrame, own: LiteratureSnapshot) -> pd.Series[float]:
    """Largest minus smallest (K) of the handbook's temperature and all values of the user, whose references count beside it: one
    that contradicts the handbook must be seen. By key, of compositions that both have."""
    theirs = own.values().set_index("key")["value_K"]
    theirs = theirs[theirs.index.isin(table.index)]
    handbook = table["tc_K"].where(table["order"].isin(FERROMAGNETIC_ORDERS), table["tn_K"])
    every = pd.concat([theirs, handbook[handbook.index.isin(theirs.index)]]).groupby(level=0)
    spread: pd.Series[float] = every.max() - every.min()
    return spread


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
            "known_elsewhere": [""] * n, OTHER_ORDER: [""] * n, OTHER_TC: np.full(n, np.nan),
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
    formula = table["formula"]
    return table.assign(
        key=formula.map(_key), groups=formula.map(measured_in()), described=_described(table)
    ).set_index("key")
