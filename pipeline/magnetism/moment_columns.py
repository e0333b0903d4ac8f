"""The net moment's columns of a ranking, from a prediction, the facts of its structure and the probabilities of its orders.

The rows may be means over several ordered cells of a disordered crystal; nothing here needs a structure.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.known_magnets import NO_ORDER
from pipeline.magnetism.d_moment import d_moment
from pipeline.magnetism.moment_constants import FITTED, MomentConstants
from pipeline.magnetism.moment_facts import LEAST_4F, LEAST_D, MomentFacts, is_opposed
from pipeline.magnetism.net_moment import Far, NetMoments, Orders, net_moments, p_4f_moment
from pipeline.magnetism.working_temperature import SIGMAS_OF_90

Floats = NDArray[np.float64]
MEASURED = "measured"  # in the column order_basis
# least P(ferromagnetic d moments) of a ferrimagnet that heavy 4f moments explain, or V and Cr, which the calculation has turned
EXPLAINED = 0.85
NOTHING_LIKE = 2.0  # out-of-domain score, that of an element that was never seen
SHOWN = 0.005  # µB/atom; smaller contributions are not named
NO_SUBLATTICE = 0.02  # of the 4f moments; smaller d moments without an element that carries them are not named


def has_4f_moment(table: pd.DataFrame) -> pd.Series[bool]:
    """Which crystals have a sublattice of 4f moments, columns of `moment_facts`."""
    return table["light_4f"] + table["heavy_4f"] + table["spin_4f"] >= LEAST_4F


def p_4f(table: pd.DataFrame) -> pd.Series[float]:
    """P(4f moments): 0 without a sublattice of them, below 1 where a valence without a moment is possible."""
    total = (table["light_4f"] + table["heavy_4f"] + table["spin_4f"]).to_numpy(np.float64)
    p = p_4f_moment(total, table["doubt_4f"].to_numpy(np.float64))
    return pd.Series(np.where(has_4f_moment(table), p, 0.0), index=table.index)


def heavy_against_d(table: pd.DataFrame) -> pd.Series[bool]:
    """Which crystals have 4f moments that are antiparallel to d moments: ferrimagnets."""
    return (table["heavy_4f"] + table["spin_4f"] >= LEAST_4F) & (table["typical_d"] >= LEAST_D)


def label_alone(table: pd.DataFrame) -> pd.Series[bool]:
    """Which crystals have 4f shells of Gd or Eu, whose moment a calculation contains, and no d moments."""
    return (table["label_4f"] >= LEAST_4F) & (table["typical_d"] < LEAST_D)


def p_d_magnetic(table: pd.DataFrame, p_magnetic: pd.Series[float]) -> pd.Series[float]:
    """P(d moments): of the calculation or, beside 4f moments (which order anyway), of a Curie temperature that 4f moments alone
    do not reach. `table` has the columns of `moment_facts` and p_tc_above_300."""
    beside = has_4f_moment(table) & (table["typical_d"] >= LEAST_D)
    return p_magnetic.mask(beside, np.maximum(p_magnetic, table["p_tc_above_300"]))


def ferrimagnets_by_structure(table: pd.DataFrame, constants: MomentConstants) -> dict[str, pd.Series[float]]:
    """p_ferromagnetic and p_ferrimagnetic of the d moments, with their sum kept, by the sublattice rules.

    DFT starts ferromagnetic and often stays there, but nearly all solved structures with a net moment in which the rules oppose
    two sublattices are ferrimagnets (`MomentConstants.ruled`). A share of ALIGNED or more is that of a ferromagnet.
    """
    both, ferri = table["p_ferromagnetic"] + table["p_ferrimagnetic"], table["p_ferrimagnetic"]
    ferri = ferri.mask(is_opposed(table["fim_share"]), np.maximum(ferri, constants.ruled * both))
    return {"p_ferromagnetic": both - ferri, "p_ferrimagnetic": ferri}


def moment_columns(
    table: pd.DataFrame,
    p_calculated: pd.Series[float],
    p_magnetic: pd.Series[float],
    p_net: pd.Series[float],
    constants: MomentConstants = FITTED,
) -> dict[str, Any]:
    """`moment_3d`, `moment_4f`, `moment_net`, `moment_if_fm_or_fim` with their intervals, `moment_sure` (all µB/atom), and
    `moment_explained`.

    Args:
        table: the predicted moment with its interval, the columns of `moment_facts`, p_ferromagnetic and p_ferrimagnetic of the d
            moments (of which only the ratio counts), afm_risk, p_tc_above_300 and order_basis; ood_score, without which all
            crystals are like the learned ones.
        p_calculated: predicted P(magnetic) of a calculation, which the predicted moment contains.
        p_magnetic: the same, or near 1 where magnetic order was measured.
        p_net: P(FM or FiM) of the crystal, 4f moments included, for `moment_explained`.
        constants: the fitted numbers of the mixture.
    """
    facts = MomentFacts.of(table)
    measured = (table["order_basis"].eq(MEASURED) & table["known_order"].ne(NO_ORDER)).to_numpy()
    p_d = p_d_magnetic(table, p_magnetic).to_numpy(np.float64)
    p_d = np.where(label_alone(table), 0.0, p_d)
    aligned = (1.0 - table["afm_risk"]).to_numpy(np.float64)
    fm, fim = (table[name].to_numpy(np.float64) for name in ("p_ferromagnetic", "p_ferrimagnetic"))
    ferro = np.divide(fm, fm + fim, out=np.full(len(fm), 0.5), where=fm + fim > 0)
    explained = (heavy_against_d(table).to_numpy() | (facts.follows >= 0.5)) & ~facts.opposed
    ferro = np.where(explained, np.maximum(ferro, EXPLAINED), ferro).astype(np.float64)
    orders = Orders(np.asarray(p_d, dtype=np.float64), aligned, ferro, measured)
    above = table["p_tc_above_300"].to_numpy(np.float64)
    beyond = np.where(has_4f_moment(table), above * aligned, 0.0)
    demanded = np.where(measured, aligned, beyond)
    moment, low, high = (table[name].to_numpy(np.float64) for name in ("moment_muB_per_atom", "moment_low", "moment_high"))
    d = d_moment(facts, moment, np.asarray(p_calculated, dtype=np.float64), demanded, beyond)
    found = net_moments(facts, d, 0.5 * (high - low) / SIGMAS_OF_90, _far(table, high - moment), orders, constants)
    return {
        "moment_3d": found.d, "moment_3d_low": found.d_low, "moment_3d_high": found.d_high, "moment_4f": found.f,
        "moment_4f_low": found.f_low, "moment_4f_high": found.f_high, "moment_net": found.net, "moment_net_low": found.net_low,
        "moment_net_high": found.net_high, "moment_if_fm_or_fim": found.given, "moment_if_fm_or_fim_low": found.given_low,
        "moment_if_fm_or_fim_high": found.given_high, "moment_sure": found.sure,
        "moment_explained": explanations(facts, found, p_net),
    }  # fmt: skip


def _far(table: pd.DataFrame, above: Floats) -> Far:
    """From a score of 1 on, where the predicted moment's interval is widened, by degrees up to NOTHING_LIKE."""
    score = table["ood_score"].to_numpy(np.float64) if "ood_score" in table else np.zeros(len(table))
    return Far(np.clip((np.nan_to_num(score) - 1.0) / (NOTHING_LIKE - 1.0), 0.0, 1.0), above)


def explanations(facts: MomentFacts, found: NetMoments, p_net: pd.Series[float]) -> list[str]:
    """One sentence a crystal, whose numbers add up; P(net moment) is P(FM or FiM).

    "d 1.95 µB/atom ferromagnetic, minus 4f 0.74 (Tm 3+, antiparallel) = 1.21; expected over all orders 1.15, P(net moment)
    0.93". Where an order without a net moment is likelier, it begins with "if FM or FiM: ", or "aligned by a field: " of 4f
    moments alone.
    """
    sublattices = np.where(facts.opposed, facts.fim_words, "")
    together = np.where(facts.follows >= 0.5, "with V and Cr as calculated", "ferromagnetic")
    # what is left of a d moment where no element carries one is no sublattice that 4f moments could oppose
    d = np.where((facts.typical_d < LEAST_D) & (found.d < NO_SUBLATTICE * np.abs(found.f)), 0.0, found.d)
    words = zip(facts.ions_4f, sublattices, together, d, found.f, found.net, found.ferri, found.share, p_net, strict=True)
    return [_explained(*row) for row in words]


def _explained(
    ions: str, sublattices: str, together: str, d: float, f: float, net: float, ferri: bool, share: float, p: float
) -> str:  # fmt: skip
    terms = []
    compensated = ferri and sublattices != "" and p >= 0.5  # a probable ferrimagnet whose sublattices leave nothing
    if d >= SHOWN or compensated:
        how = f"ferrimagnetic ({_share(sublattices, share)})" if ferri else together
        terms.append(f"d {d:.2f} µB/atom {how}")
    if abs(f) >= SHOWN:
        unit = "" if terms else " µB/atom"
        beside = "antiparallel" if f < 0 else "parallel"
        told = f"{ions}, {beside}" if terms else ions
        word = ("minus " if f < 0 else "plus ") if terms else ""
        terms.append(f"{word}4f {abs(f):.2f}{unit} ({told})")
    elif ions:
        terms.append(f"no 4f moment ({ions})")
    ending = f"expected over all orders {net:.2f}, P(net moment) {p:.2f}"
    if d < SHOWN and abs(f) < SHOWN and not compensated:
        return f"no net moment{f' ({ions})' if ions else ''}; {ending}"
    condition = "" if p >= 0.5 else "if FM or FiM: " if d >= SHOWN or compensated else "aligned by a field: "
    return f"{condition}{', '.join(terms)} = {abs(d + f):.2f}; {ending}"


def _share(sublattices: str, share: float) -> str:
    return f"{sublattices}: {share:.2f} of the sum" if sublattices else f"{share:.2f} of the sum, no rule for its sublattices"
