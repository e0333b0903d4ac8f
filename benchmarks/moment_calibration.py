"""Fit the constants of the net moment's mixture on measurements, and test that on other chemical systems.

    python -m benchmarks.moment_calibration ../shared/data [--smoke]

Fitted on the medians of published moments and on solved magnetic structures with a net moment (FM, FiM, canted):

* the reductions of 4f moments without d moments: their 5 and 95 % quantiles, and the value with the least mean error; beside d
  moments: the pair of values with the least mean error, and the smallest half width with which WANTED of the rows lie in the
  interval given FM or FiM;
* what a ferrimagnet keeps of its parallel sum: the deciles 1, 3, 5, 7 and 9 of those without a rule;
* the weight of the sublattice rules in the value: that with the least mean error given FM or FiM; in the interval: the share of
  ferrimagnets within NEAR of the rule, less those that are so by chance; and how many crystals with such sublattices
  are ferrimagnets (Laplace's rule of succession);
* the factors of the d moments' width: the smallest with which WANTED of the rows lie in the interval given FM or FiM.

The table of coverages is that of five fits, each on four fifths of the chemical systems and tested on the others. The last lines
are the constants of all rows, for pipeline/magnetism/moment_constants.py.
"""

from __future__ import annotations

import argparse
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.measured_moments import FOLDS, chemical_systems, papers, solved, with_orders
from benchmarks.smoke import arguments
from pipeline.demos.figures import markdown
from pipeline.magnetism.moment_columns import has_4f_moment
from pipeline.magnetism.moment_constants import FITTED, MomentConstants
from pipeline.magnetism.moment_facts import LEAST_4F, LEAST_D, is_opposed
from pipeline.training.member_weights import system_folds

WANTED = 0.90
ORDERS = ("FM", "FiM/canted", "AFM")
NEAR = 0.2  # of r
WEIGHTS = (0.0, 0.25, 0.5, 0.7, 0.85, 1.0)
REDUCTIONS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
# beside d moments an exchange field works against the crystal field
HALF_WIDTHS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
FACTORS = np.arange(0.5, 4.01, 0.25)
LEAST_ROWS = 8
MOST_EXCESS = 1.2  # a published moment above g_J·J by more is not the 4f shells' alone
DECILES = (0.1, 0.3, 0.5, 0.7, 0.9)


def rows_of(data: Path) -> pd.DataFrame:
    """Both tables in one; `source` is papers, FM, FiM/canted or AFM, `whole` the parallel sum where a structure is solved."""
    structures = solved(data)
    structures = structures[structures["sensible"] & structures["order"].isin(ORDERS)]
    structures = structures.rename(columns={"sum_abs_moment_muB_per_atom": "whole"})
    published = papers(data).assign(order="papers", whole=np.nan)
    table = pd.concat([published, structures], join="inner", ignore_index=True).rename(columns={"order": "source"})
    return table.assign(system=chemical_systems(table))


def fitted(rows: pd.DataFrame) -> MomentConstants:
    """The constants of some rows; where there are too few, the present ones stay."""
    net = rows[rows["source"] != "AFM"]
    total = net["light_4f"] + net["heavy_4f"] + net["spin_4f"]
    without_d = net["typical_d"] < LEAST_D
    alone = net[(total >= 0.05) & without_d & (net["truth"] <= MOST_EXCESS * total)]
    one, several = alone["orbits_4f"] < 1.5, (alone["orbits_4f"] >= 1.5) & (alone["spin_4f"] < LEAST_4F)
    heavy, spin = alone["heavy_4f"] > alone["light_4f"], alone["spin_4f"] > alone["light_4f"] + alone["heavy_4f"]
    d_only = net[~has_4f_moment(net)]
    ferri = d_only[d_only["source"].eq("FiM/canted") & (d_only["whole"] > 0)]
    free = (ferri["truth"] / ferri["whole"])[~is_opposed(ferri["fim_share"])]
    spin_low, _, spin_high = _reduction(alone[spin], FITTED.spin_c)  # no crystal field acts on a shell without an orbital moment
    found = replace(
        FITTED,
        light_alone=_reduction(alone[one & ~heavy & ~spin], FITTED.light_alone),
        heavy_alone=_reduction(alone[one & heavy & ~spin], FITTED.heavy_alone),
        several_alone=_reduction(alone[several], FITTED.several_alone),
        spin_c=(spin_low, 1.0, spin_high),
        any_r=tuple(np.quantile(free, DECILES).tolist()) if len(free) >= LEAST_ROWS else FITTED.any_r,
    )
    opposed = d_only[is_opposed(d_only["fim_share"]) & d_only["source"].isin(("FM", "FiM/canted"))]
    found = replace(found, ruled=float((opposed["source"].eq("FiM/canted").sum() + 1) / (len(opposed) + 2)))
    ruled = ferri[is_opposed(ferri["fim_share"])]
    if len(ruled) >= LEAST_ROWS and len(free):
        near = float((ruled["truth"] / ruled["whole"] - ruled["fim_share"]).abs().le(NEAR).mean())
        chance = float(np.mean([(free - r).abs().le(NEAR).mean() for r in ruled["fim_share"]]))
        found = replace(found, rule_right=max(near - chance, 0.0) / (1.0 - chance))
    if len(opposed) >= LEAST_ROWS:
        tried = [replace(found, rule_weight=weight) for weight in WEIGHTS]
        found = tried[int(np.argmin([_off(opposed, one) for one in tried]))]
    for kind, with_spread in ((0.0, _with_spread_of_metals), (1.0, _with_spread_of_salts)):
        here = d_only[d_only["salt"].eq(kind)]
        if len(here) >= LEAST_ROWS:
            held = [_held(here, with_spread(found, float(factor))).mean() for factor in FACTORS]
            enough = np.flatnonzero(np.array(held) >= WANTED)
            found = with_spread(found, float(FACTORS[enough[0] if len(enough) else int(np.argmax(held))]))
    return _beside(net[has_4f_moment(net) & (net["typical_d"] >= LEAST_D)], found)


def _with_spread_of_metals(constants: MomentConstants, factor: float) -> MomentConstants:
    return replace(constants, spread_metal=factor)


def _with_spread_of_salts(constants: MomentConstants, factor: float) -> MomentConstants:
    return replace(constants, spread_salt=factor)


def _beside(rows: pd.DataFrame, constants: MomentConstants) -> MomentConstants:
    """With the reductions beside d moments."""
    if len(rows) < LEAST_ROWS:
        return constants
    pairs = [(light, heavy) for light in REDUCTIONS for heavy in REDUCTIONS]
    off = [_off(rows, replace(constants, light_c=(a, a, a), heavy_c=(b, b, b))) for a, b in pairs]
    light, heavy = pairs[int(np.argmin(off))]
    tried = [
        replace(constants, light_c=_around(light, half), heavy_c=_around(heavy, half)) for half in HALF_WIDTHS
    ]  # fmt: skip
    held = np.array([_held(rows, one).mean() for one in tried])
    enough = np.flatnonzero(held >= WANTED)
    return tried[int(enough[0]) if len(enough) else int(held.argmax())]


def _around(middle: float, half: float) -> tuple[float, float, float]:
    return max(middle - half, 0.0), middle, middle + half


def _off(rows: pd.DataFrame, constants: MomentConstants) -> float:
    said = with_orders(rows, constants=constants)
    return float((said["moment_if_fm_or_fim"] - said["truth"]).abs().mean())


def _reduction(alone: pd.DataFrame, present: tuple[float, float, float]) -> tuple[float, float, float]:
    if len(alone) < LEAST_ROWS:
        return present
    size = (alone["light_4f"] + alone["heavy_4f"] + alone["spin_4f"]).to_numpy(np.float64)
    ratio = alone["truth"].to_numpy(np.float64) / size
    low, high = np.quantile(ratio, [0.05, 0.95]).tolist()
    order = np.argsort(ratio)  # the median weighted with the sizes has the least mean error in µB
    middle = float(ratio[order][np.searchsorted(np.cumsum(size[order]), 0.5 * size.sum())])
    return low, middle, high


def _held(rows: pd.DataFrame, constants: MomentConstants, column: str = "moment_if_fm_or_fim") -> pd.Series:
    said = with_orders(rows, constants=constants)
    return (said["truth"] >= said[f"{column}_low"] - 1e-3) & (said["truth"] <= said[f"{column}_high"] + 1e-3)


def crossed(rows: pd.DataFrame) -> pd.DataFrame:
    """With columns `held_net` and `held_if`, `width_net` and `error`, by constants of other chemical systems."""
    parts = []
    for others, left_out in system_folds(rows["system"].tolist(), FOLDS):
        constants = fitted(rows.iloc[others])
        part = with_orders(rows.iloc[left_out].reset_index(drop=True), constants=constants)
        inside = {
            name: part["truth"].between(part[f"{column}_low"] - 1e-3, part[f"{column}_high"] + 1e-3)
            for name, column in (("held_net", "moment_net"), ("held_if", "moment_if_fm_or_fim"))
        }
        width = part["moment_net_high"] - part["moment_net_low"]
        parts.append(part.assign(**inside, width=width, error=(part["moment_net"] - part["truth"]).abs()))
    return pd.concat(parts, ignore_index=True)


def coverages(rows: pd.DataFrame) -> str:
    """By source and class."""
    four_f, salt = has_4f_moment(rows), rows["salt"] >= 0.5
    lines = []
    for source, of_source in rows.groupby("source"):
        for name, here in {"all": four_f | True, "4f": four_f, "salts": ~four_f & salt, "metals": ~four_f & ~salt}.items():
            part = of_source[here.loc[of_source.index]]
            if len(part):
                numbers = (part[name].mean() for name in ("held_net", "held_if", "width", "error"))
                lines.append([str(source), name, str(len(part)), *(f"{value:.2f}" for value in numbers)])
    net = rows[rows["source"] != "AFM"]
    numbers = (net[name].mean() for name in ("held_net", "held_if", "width", "error"))
    lines.append(["with a net moment", "all", str(len(net)), *(f"{value:.2f}" for value in numbers)])
    head = ["rows", "class", "n", "net moment's interval holds", "interval given FM or FiM holds", "mean width", "mean error"]
    return markdown(head, lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    options = arguments(parser, lambda made: [made.measured()])
    rows = rows_of(options.data)
    if rows["system"].nunique() < FOLDS:
        print("too few chemical systems to cross-validate")
        return
    print(coverages(crossed(rows)))
    found = fitted(rows)
    for one in fields(found):
        value = getattr(found, one.name)
        print(f"{one.name}={tuple(round(v, 2) for v in value) if isinstance(value, tuple) else round(value, 2)},")


if __name__ == "__main__":
    main()
