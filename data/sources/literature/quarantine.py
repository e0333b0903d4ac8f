"""Values of the literature that cannot be what they claim: each is kept aside with its reason."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from data.crystal import symbol
from data.elements import CUPRATE_HOSTS, MOMENT_CARRIERS, NOT_IN_CUPRATES, OPEN_F, ORDER_SEEN
from data.sources.literature.tables import TC, TN

NO_FORMULA, NO_KIND, NO_NUMBER, IMPOSSIBLE, CELSIUS = "no_formula", "no_kind", "no_number", "impossible_temperature", "celsius"
NOT_MAGNETIC, SUPERCONDUCTOR, DILUTE, NEEL_AS_CURIE = "no_magnetic_element", "superconductor", "dilute", "neel_as_curie"
REASONS = {
    NO_FORMULA: "the formula names no elements",
    NO_KIND: f"the kind is neither {TC} nor {TN}",
    NO_NUMBER: "the value is no finite number",
    IMPOSSIBLE: "no transition of a magnet is there: at or below 0 K, or above cobalt's 1,388 K",
    CELSIUS: "it agrees with the other values of this composition if read in °C, and contradicts them in K",
    NOT_MAGNETIC: "no element that can carry a moment",
    SUPERCONDUCTOR: "a cuprate, or below 2 K without a 4f or 5f element: more likely a superconductor's temperature",
    DILUTE: "less than 5 % magnetic atoms and above 200 K: a doped host, not an ordered phase",
    NEEL_AS_CURIE: "other references give the same temperature as the Néel temperature",
}
HOTTEST_K = 1400.0
ZERO_CELSIUS_K = 273.15
AGREE = 0.03  # two measurements of one transition
LEAST_APART_K = 60.0
DILUTE_SHARE, DILUTE_ABOVE_K = 0.05, 200.0
SUPERCONDUCTING_BELOW_K = 2.0


def reasons(values: pd.DataFrame) -> pd.Series[str]:
    """Why each value is kept aside; empty where it is sound. The first reason that applies, in the order of REASONS.

    Args:
        values: formula, kind, value_K, ref, manual and `fractions` (dictionaries by element, None where there is no formula).
    """
    if values.empty:
        return pd.Series([], index=values.index, dtype=object)
    table = values.reset_index(drop=True)
    number = table["value_K"].to_numpy(dtype=float)
    fractions = [f if f is not None else {} for f in table["fractions"]]
    elements = [frozenset(f) for f in fractions]
    strong_elements, hosts, others = _symbols(MOMENT_CARRIERS), _symbols(CUPRATE_HOSTS), _symbols(NOT_IN_CUPRATES)
    strong = np.array([sum(x for s, x in f.items() if s in strong_elements) for f in fractions])
    has_f = np.array([bool(e & _symbols(OPEN_F)) for e in elements])
    cuprate = np.array([{"Cu", "O"} <= e and bool(e & hosts) and not e & others for e in elements])
    curie = (table["kind"] == TC).to_numpy()
    tests = {
        NO_FORMULA: table["fractions"].isna().to_numpy(),
        NO_KIND: ~table["kind"].isin([TC, TN]).to_numpy(),
        NO_NUMBER: ~np.isfinite(number),
        IMPOSSIBLE: (number <= 0) | (number > HOTTEST_K),
        NOT_MAGNETIC: np.array([not e & _symbols(ORDER_SEEN) for e in elements]),
        SUPERCONDUCTOR: curie & (cuprate | ((number < SUPERCONDUCTING_BELOW_K) & ~has_f)),
        DILUTE: (strong < DILUTE_SHARE) & (number > DILUTE_ABOVE_K),
    }
    found = np.full(len(table), "", dtype=object)
    for reason, wrong in tests.items():
        found = np.where((found == "") & wrong, reason, found)
    for reason, test in ((CELSIUS, _in_celsius), (NEEL_AS_CURIE, _neel_as_curie)):
        sound = found == ""
        found[sound] = np.where(test(table[sound]), reason, "")
    return pd.Series(found, index=values.index, dtype=object)


@lru_cache(maxsize=8)
def _symbols(numbers: frozenset[int]) -> frozenset[str]:
    return frozenset(map(symbol, numbers))


def _in_celsius(table: pd.DataFrame) -> np.ndarray:
    """Values whose composition has at least two other values that agree with it once it is read in °C, and not as it stands."""
    wrong = np.zeros(len(table), dtype=bool)
    place = {index: k for k, index in enumerate(table.index)}
    for _, group in table.groupby(["key", "kind"], sort=False):
        if group["ref"].nunique() < 3:
            continue
        number = group["value_K"].to_numpy()
        for k, index in enumerate(group.index):
            others = np.delete(number, k)
            middle = float(np.median(others))
            read = number[k] + ZERO_CELSIUS_K
            together = np.mean(np.abs(others - middle) < AGREE * middle) > 0.5
            wrong[place[index]] = together and abs(read - middle) < AGREE * middle and abs(number[k] - middle) > LEAST_APART_K
    return wrong


def _neel_as_curie(table: pd.DataFrame) -> np.ndarray:
    """Curie temperatures that are not from a handbook and agree with at least as many references' Néel temperatures."""
    neel = table[table["kind"] == TN].groupby("key").agg(value=("value_K", "median"), references=("ref", "nunique"))
    curie = table[table["kind"] == TC].groupby("key")["ref"].nunique()
    value, references = table["key"].map(neel["value"]), table["key"].map(neel["references"]).fillna(0)
    same = (table["value_K"] - value).abs() <= AGREE * value
    outvoted = references >= table["key"].map(curie).fillna(0)
    wrong: np.ndarray = ((table["kind"] == TC) & ~table["manual"] & same & outvoted).to_numpy()
    return wrong
