"""Ranking profiles: what a person is looking for, as a score formula that the manifest and the report spell out.

No profile adds a stability to a score, because a number cannot be weighed against an unknown: crystals whose energy above the
hull is known to be too high are set aside, unknown ones stay and say so (column `stability`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from data.errors import UserError

MAX_E_ABOVE_HULL = 0.1  # eV/atom; nine in ten metastable ICSD crystals lie below 0.067 (Sun et al., Sci. Adv. 2, e1600225, 2016)
CHEAP_USD_PER_KG = 10.0  # between a ferrite and a sintered Nd-Fe-B magnet
WITHOUT_AXIS = 0.5  # of a score where the lattice has no single axis: preferred, not forbidden
TEXT_OF_NOTHING = ""

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

    @property
    def columns(self) -> frozenset[str]:
        """The columns that the score reads; a ranking of an older release may lack some."""
        return frozenset(re.findall(r"[A-Za-z_]\w*", self.working))

    def reasons(self, table: pd.DataFrame) -> pd.Series[str]:
        """Why each row is ranked after all others; empty for those that compete."""
        found = [rule(table) for rule in self.exclusions]
        words = zip(*found, strict=True) if found else ([] for _ in range(len(table)))
        return pd.Series(["; ".join(filter(None, row)) for row in words], index=table.index, dtype=object)


def find_profile(name: str) -> Profile:
    """The profile of that name.

    Raises:
        UserError: there is none.
    """
    if name not in PROFILES:
        raise UserError(f"--profile is {' or '.join(PROFILES)}, not {name!r}")
    return PROFILES[name]


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


def _magnetocaloric(table: pd.DataFrame) -> pd.Series[float]:
    return table["saturation_T"] * table["p_fm_or_fim"] * table["p_tc_260_to_340"]


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


def _antiferromagnets(table: pd.DataFrame) -> pd.Series[str]:
    measured = (table["order_basis"] == "measured") & table["known_order"].eq("AFM")
    return _said(pd.Series("measured antiferromagnet", index=table.index), measured)


def _said(text: pd.Series[str], where: pd.Series[bool]) -> pd.Series[str]:
    return pd.Series(np.where(where, text, TEXT_OF_NOTHING), index=text.index, dtype=object)


_SURE = "µ0·Ms at the lower end of each order's 90 % interval, weighted with the order's probability (T)"
_TOO_HIGH = f"known to lie more than {MAX_E_ABOVE_HULL:g} eV/atom above the hull"
# not the lower end of the interval: it is zero wherever the Curie temperature may be below 300 K, for nine crystals in ten
_AT_WORK = "µ0·Ms at 300 K (T) × P(FM or FiM) × P(Tc > 450 K)"
_NO_AFM = "set aside: measured antiferromagnets"
PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            "permanent-magnet",
            "strong at working temperature, with an easy axis if the lattice allows one; whether it is hard, no column says",
            f"score = {_AT_WORK} × (1 if tetragonal, trigonal or hexagonal, else {WITHOUT_AXIS:g}); {_NO_AFM}",
            _permanent,
            (_antiferromagnets,),
            working="saturation_300K_T * p_fm_or_fim * p_tc_above_450 * "
            f"({WITHOUT_AXIS:g} + {1 - WITHOUT_AXIS:g} * uniaxial_possible)",
        ),
        Profile(
            "soft-magnet",
            "strong at working temperature, whatever the lattice; cubic ones tend to be soft",
            f"score = {_AT_WORK}; {_NO_AFM}",
            _soft,
            (_antiferromagnets,),
            working="saturation_300K_T * p_fm_or_fim * p_tc_above_450",
        ),
        Profile(
            "magnetocaloric",
            "orders near room temperature with a large moment",
            "score = µ0·Ms at 0 K (T) × P(FM or FiM) × P(260 K < Tc < 340 K); set aside: measured antiferromagnets",
            _magnetocaloric,
            (_antiferromagnets,),
            working="saturation_T * p_fm_or_fim * p_tc_260_to_340",
        ),
        Profile(
            "high-ms",
            "the largest magnetisation that is sure, in crystals that are likely ferromagnets",
            f"score = {_SURE}",
            _sure,
            working="saturation_sure_T",
        ),
        Profile(
            "as-calculated",
            "the largest moment that is sure in a calculation that starts ferromagnetic, however nature orders it",
            "score = µ0·Ms of the DFT moment at the lower end of its 90 % interval (T)",
            _lowest,
            working="saturation_dft_T_low",
        ),
        Profile(
            "rare-earth-free",
            "strong magnets without rare earths",
            f"score = {_SURE}; set aside: rare earths (Sc, Y, La to Lu), radioactive elements, crystals {_TOO_HIGH}",
            _sure,
            (_rare_earths, _radioactive, _unstable),
            "saturation_sure_T",
        ),
        Profile(
            "low-cost",
            "magnetisation for little money",
            f"score = {_SURE} / (1 + price of the elements / "
            f"{CHEAP_USD_PER_KG:g} USD/kg); set aside: no known price, radioactive elements, crystals {_TOO_HIGH}",
            _per_price,
            (_without_price, _radioactive, _unstable),
            f"saturation_sure_T / (1 + price_USD_per_kg / {CHEAP_USD_PER_KG:g})",
        ),
        Profile(
            "explore",
            "what nobody has calculated yet and could be large",
            "score = P(FM or FiM) × µ0·Ms at the upper end of the 90 % interval (T); set aside: crystals of the training data, "
            f"duplicates, crystals {_TOO_HIGH}",
            _hopeful,
            (_known, _duplicates, _unstable),
            "p_fm_or_fim * saturation_T_high",
        ),
    )
}
DEFAULT_PROFILE = "permanent-magnet"
