"""Ranking profiles: what a person is looking for, as a score formula that the manifest and the report spell out.

No profile adds a stability to a score, because a number cannot be weighed against an unknown: crystals whose energy above the
hull is known to be too high are set aside, unknown ones stay and say so (column `stability`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from data.errors import UserError
from data.known_magnets import NO_ORDER
from pipeline.magnetism.temperature_window import probability_between
from pipeline.screening.columns import IN_WINDOW
from pipeline.screening.profile_texts import (
    CHEAP_USD_PER_KG,
    MAGNETOCALORIC,
    MAX_E_ABOVE_HULL,
    REFRIGERANT_K,
    TEXTS,
    WITHOUT_AXIS,
    WORKING_TEMPERATURE_K,
    in_window,
    window_K,
)
from pipeline.screening.profile_texts import DEFAULT_PROFILE as DEFAULT_PROFILE

TEXT_OF_NOTHING = ""

COLDEST_K, HOTTEST_K = 1.0, 1500.0  # of working temperatures
_OF_TEMPERATURE = re.compile(rf"{MAGNETOCALORIC}-(\d+(?:\.\d+)?)K")
_TEMPERATURES = ("tc_K", "tc_low_K", "tc_high_K")
Reasons = Callable[[pd.DataFrame], "pd.Series[str]"]  # for each row why it is set aside; empty where it is not


@dataclass(frozen=True)
class Profile:
    """A pure function from a row of the ranking to its place; `columns` of the row are those of pipeline.screening.ranking.

    `working` is the score once more, as arithmetic over columns: the report puts a candidate's own numbers into it.
    """

    name: str
    purpose: str
    formula: str
    score: Callable[[pd.DataFrame], pd.Series[float]]
    exclusions: tuple[Reasons, ...] = field(default=())
    working: str = ""
    window_K: tuple[float, float] | None = None  # of the Curie temperature; a profile with one adds the column IN_WINDOW

    @property
    def columns(self) -> frozenset[str]:
        """The columns that the score reads; a ranking of an older release may lack some."""
        read = set(re.findall(r"[A-Za-z_]\w*", self.working))
        return frozenset(read - {IN_WINDOW.name} | set(_TEMPERATURES) if self.window_K else read)

    def with_own_column(self, table: pd.DataFrame) -> pd.DataFrame:
        """The table with the column that this profile adds to it, and without that of another one."""
        table = table.drop(columns=IN_WINDOW.name, errors="ignore")
        if self.window_K is None:
            return table
        value, low, high = (table[name].to_numpy(dtype=np.float64) for name in _TEMPERATURES)
        return table.assign(**{IN_WINDOW.name: probability_between(self.window_K, value, low, high)})

    def reasons(self, table: pd.DataFrame) -> pd.Series[str]:
        """Why each row is ranked after all others; empty for those that compete."""
        found = [rule(table) for rule in self.exclusions]
        words = zip(*found, strict=True) if found else ([] for _ in range(len(table)))
        return pd.Series(["; ".join(filter(None, row)) for row in words], index=table.index, dtype=object)


def find_profile(name: str, working_temperature_K: float | None = None) -> Profile:
    """The profile of that name; `magnetocaloric-290K` is magnetocaloric at a working temperature of 290 K.

    Raises:
        UserError: there is none, or a temperature that cannot be used.
    """
    found = _OF_TEMPERATURE.fullmatch(name)
    if found and working_temperature_K is None:
        return magnetocaloric(float(found[1]))
    if working_temperature_K is not None:
        if name != MAGNETOCALORIC:
            raise UserError(f"--working-temperature belongs to --profile {MAGNETOCALORIC}, not to {name}")
        return magnetocaloric(working_temperature_K)
    if name not in PROFILES:
        raise UserError(f"--profile is {' or '.join(PROFILES)}, not {name!r}")
    return PROFILES[name]


def profile_of(manifest: Mapping[str, Any]) -> Profile | None:
    """The profile that a run's manifest names, where this version still has the same one."""
    try:
        found = find_profile(str(manifest["profile"]))
    except UserError:
        return None
    return found if found.formula == manifest["formula"] else None


def magnetocaloric(temperature_K: float) -> Profile:
    """What orders near a working temperature (K).

    Raises:
        UserError: the temperature is not one of COLDEST_K to HOTTEST_K.
    """
    if not isinstance(temperature_K, Real):  # Python programs hand over what they like
        raise UserError(f"--working-temperature is a number of kelvins, not {temperature_K!r}")
    if not COLDEST_K <= temperature_K <= HOTTEST_K:
        raise UserError(f"--working-temperature is a temperature of {COLDEST_K:g} to {HOTTEST_K:g} K, not {temperature_K:g}")
    usual = temperature_K == WORKING_TEMPERATURE_K
    name = MAGNETOCALORIC if usual else f"{MAGNETOCALORIC}-{temperature_K:g}K"
    return _windowed(name, TEXTS[MAGNETOCALORIC][0], window_K(temperature_K))


def _windowed(name: str, purpose: str, window: tuple[float, float]) -> Profile:
    working = f"saturation_if_fm_or_fim_T * p_fm_or_fim * {IN_WINDOW.name}"
    return Profile(name, purpose, in_window(*window), _in_window, (_measured_otherwise, _radioactive), working, window)


def _lowest(table: pd.DataFrame) -> pd.Series[float]:
    return table["saturation_dft_T_low"]


def _sure(table: pd.DataFrame) -> pd.Series[float]:
    return table["saturation_sure_T"]


def _per_price(table: pd.DataFrame) -> pd.Series[float]:
    return _sure(table) / (1.0 + table["price_USD_per_kg"] / CHEAP_USD_PER_KG)


def _permanent(table: pd.DataFrame) -> pd.Series[float]:
    axis = WITHOUT_AXIS + (1.0 - WITHOUT_AXIS) * table["uniaxial_possible"]
    return table["saturation_300K_T"] * table["p_fm_or_fim"] * table["p_tc_above_450"] * axis


def _soft(table: pd.DataFrame) -> pd.Series[float]:
    return table["saturation_300K_T"] * table["p_fm_or_fim"] * table["p_tc_above_450"]


def _in_window(table: pd.DataFrame) -> pd.Series[float]:
    return table["saturation_if_fm_or_fim_T"] * table["p_fm_or_fim"] * table[IN_WINDOW.name]


def _hopeful(table: pd.DataFrame) -> pd.Series[float]:
    return table["p_fm_or_fim"] * table["saturation_T_high"]


def _rare_earths(table: pd.DataFrame) -> pd.Series[str]:
    return _said("rare earth: " + table["rare_earths"], table["rare_earths"] != "")


def _radioactive(table: pd.DataFrame) -> pd.Series[str]:
    return _said("radioactive: " + table["radioactive"], table["radioactive"] != "")


def _without_price(table: pd.DataFrame) -> pd.Series[str]:
    return _said(pd.Series("an element without a known price", index=table.index), table["price_USD_per_kg"].isna())


def _unstable(table: pd.DataFrame) -> pd.Series[str]:
    energy = table["e_above_hull"]
    return _said(energy.map("{:.2f} eV/atom above the hull".format), energy > MAX_E_ABOVE_HULL)


def _known(table: pd.DataFrame) -> pd.Series[str]:
    moment = table["known_moment"].notna()
    said = ("moment known: " + table["known_id"]).where(moment, "known to the model: " + table["known_id"])
    return _said(said, table["known_id"] != "")


def _duplicates(table: pd.DataFrame) -> pd.Series[str]:
    return _said("duplicate of " + table["duplicate_of"], table["duplicate_of"] != "")


def _measured_otherwise(table: pd.DataFrame) -> pd.Series[str]:
    said = table["known_order"].map({"AFM": "measured antiferromagnet", NO_ORDER: "measured: no magnetic order"})
    return _said(said, (table["order_basis"] == "measured") & said.notna())


def _said(text: pd.Series[str], where: pd.Series[bool]) -> pd.Series[str]:
    return pd.Series(np.where(where, text, TEXT_OF_NOTHING), index=text.index, dtype=object)


def _named(name: str, score: Callable[[pd.DataFrame], pd.Series[float]], working: str, *exclusions: Reasons) -> Profile:
    return Profile(name, *TEXTS[name], score, exclusions, working)


PROFILES = {
    profile.name: profile
    for profile in (
        _named(
            DEFAULT_PROFILE,
            _permanent,
            "saturation_300K_T * p_fm_or_fim * p_tc_above_450 * "
            f"({WITHOUT_AXIS:g} + {1 - WITHOUT_AXIS:g} * uniaxial_possible)",
            _measured_otherwise,
        ),
        _named("soft-magnet", _soft, "saturation_300K_T * p_fm_or_fim * p_tc_above_450", _measured_otherwise),
        magnetocaloric(WORKING_TEMPERATURE_K),
        _windowed("low-temperature-refrigerant", TEXTS["low-temperature-refrigerant"][0], (0.0, REFRIGERANT_K)),
        _named("high-ms", _sure, "saturation_sure_T"),
        _named("as-calculated", _lowest, "saturation_dft_T_low"),
        _named("rare-earth-free", _sure, "saturation_sure_T", _rare_earths, _radioactive, _unstable),
        _named(
            "low-cost",
            _per_price,
            f"saturation_sure_T / (1 + price_USD_per_kg / {CHEAP_USD_PER_KG:g})",
            _without_price,
            _radioactive,
            _unstable,
        ),
        _named("explore", _hopeful, "p_fm_or_fim * saturation_T_high", _known, _duplicates, _unstable),
    )
}
