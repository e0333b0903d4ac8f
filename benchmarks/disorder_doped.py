"""Measured moments of doped compounds: the average over approximants beside the majority species and the undoped parent.

    python -m benchmarks.disorder_doped measured_moments.parquet mp_magnets.parquet [--smoke]

A measured compound counts whose composition is that of a crystal of the second table, a part of one element replaced by
another one of its kind (3d metals; 4d and 5d metals; rare earths, yttrium and alkaline earths; p block). The parent is the
crystal of that composition with the lowest energy above the hull; the other element is put on the host's sites in the
parent's own lattice. Three predictions are held against the measured moment: of the disordered crystal, of the crystal with
each shared site given to its main species (`majority`), and of the parent. Differences of the mean absolute errors are
bootstrapped by parent.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.cif.reader import read_cif
from data.crystal import Crystal
from data.disordered import DisorderedCrystal, Species
from data.elements import RARE_EARTHS
from data.rejection import Rejection
from data.sources.given import GivenCrystals
from pipeline.demos.figures import markdown
from pipeline.registry.shipped import choose_model
from pipeline.screening.predict import predict_here
from pipeline.settings import settings

KINDS = (
    frozenset(range(21, 31)), frozenset((*range(40, 49), *range(72, 81))),
    frozenset((*RARE_EARTHS, 12, 20, 38, 56)), frozenset((5, 6, 7, 13, 14, 15, 16, 31, 32, 33, 34, 49, 50, 51, 52)),
)  # fmt: skip
LEAST, MOST = 0.02, 0.9  # share of the host that is replaced
SAME_COMPOSITION = 0.01  # sum of the differences of atomic fractions
RESAMPLED = 2000
LARGEST = 60  # sites of a parent
MOST_ROWS = 600


@dataclass(frozen=True)
class Doped:
    """A measured compound and its parent."""

    formula: str
    measured: float  # µB/atom
    host: int
    dopant: int
    share: float
    parent: str


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measured", type=Path)
    parser.add_argument("crystals", type=Path)
    parser.add_argument("--smoke", action="store_true", help="on twenty compounds")
    chosen = parser.parse_args()
    columns = ["material_id", "formula", "n_sites", "cif", "energy_above_hull_eV_atom"]
    crystals = pd.read_parquet(chosen.crystals, columns=columns).query("n_sites <= @LARGEST")
    found = list(_doped(pd.read_parquet(chosen.measured), crystals))
    step = max(-(-len(found) // (20 if chosen.smoke else MOST_ROWS)), 1)
    found = found[::step]
    texts = crystals.set_index("material_id")["cif"]
    said = _predicted(found, {one.parent: str(texts[one.parent]) for one in found})
    table = pd.DataFrame([one.__dict__ for one in found]).join(said).dropna(subset=["average", "majority", "parent_moment"])
    print(f"{len(table)} compounds of {table['parent'].nunique()} parents\n")
    for name, part in (
        ("all", table),
        ("more than 50 % replaced", table[table["share"] > 0.5]),
        ("at most 50 %", table[table["share"] <= 0.5]),
    ):
        print(f"{name}: {len(part)} compounds\n\n{_errors(part)}\n")
    print(_trends(table))


def _doped(measured: pd.DataFrame, crystals: pd.DataFrame) -> Iterator[Doped]:
    ordered = crystals.sort_values(["energy_above_hull_eV_atom", "n_sites", "material_id"], na_position="last")
    parents: dict[tuple[tuple[int, float], ...], tuple[str, dict[int, float]]] = {}
    for identifier, formula in zip(ordered["material_id"], ordered["formula"], strict=True):
        fractions = _fractions(str(formula))
        parents.setdefault(_key(fractions), (str(identifier), fractions))
    grouped = measured.groupby("key").agg({"composition": "first", "formula": "first", "muB_per_atom": "median"})
    for composition, formula, moment in zip(
        grouped["composition"], grouped["formula"], grouped["muB_per_atom"].to_numpy(np.float64), strict=True
    ):
        amounts = _by_number(json.loads(composition))
        if _key(amounts) in parents:
            continue  # a compound of its own
        best = list(_readings(amounts, parents, formula, float(moment)))
        if best:
            yield min(best, key=lambda one: one.share)


def _readings(
    amounts: dict[int, float],
    parents: dict[tuple[tuple[int, float], ...], tuple[str, dict[int, float]]],
    formula: str,
    moment: float,
) -> Iterator[Doped]:
    for host in amounts:
        for dopant in amounts:
            share = amounts[dopant] / (amounts[dopant] + amounts[host])
            if host == dopant or not LEAST <= share <= MOST or not any({host, dopant} <= kind for kind in KINDS):
                continue
            merged = {z: n for z, n in amounts.items() if z != dopant}
            merged[host] += amounts[dopant]
            known = parents.get(_key(merged))
            if (
                known
                and sum(abs(merged.get(z, 0) - known[1].get(z, 0)) for z in merged.keys() | known[1].keys()) < SAME_COMPOSITION
            ):
                yield Doped(formula, moment, host, dopant, share, known[0])


def _fractions(formula: str) -> dict[int, float]:
    from pymatgen.core import Composition

    return _by_number(Composition(formula).get_el_amt_dict())


def _by_number(amounts: dict[str, float]) -> dict[int, float]:
    from pymatgen.core import Element

    total = sum(amounts.values())
    return {Element(symbol).Z: n / total for symbol, n in amounts.items()}


def _key(fractions: dict[int, float]) -> tuple[tuple[int, float], ...]:
    return tuple((z, round(n, 2)) for z, n in sorted(fractions.items()))


def _predicted(found: list[Doped], texts: dict[str, str]) -> pd.DataFrame:
    """(compounds, average, majority, parent_moment) µB/atom; NaN where a crystal could not be predicted."""
    read = {name: next(read_cif(text, "", name)) for name, text in texts.items()}
    items: list[Crystal | DisorderedCrystal] = []
    for k, one in enumerate(found):
        parent = read[one.parent]
        if isinstance(parent, Crystal):
            items += [
                _mixed(parent, one, f"average {k}"),
                _majority(parent, one, f"majority {k}"),
                replace(parent, id=f"parent_moment {k}"),
            ]
    table, rejected = predict_here(GivenCrystals(items), choose_model(settings(), None), settings())
    assert all(isinstance(one, Rejection) for one in rejected)
    names = table["candidate_id"].str.split(" ", expand=True)
    wide = table.assign(name=names[0], row=names[1].astype(int)).pivot(index="row", columns="name", values="moment_muB_per_atom")
    return wide.reindex(range(len(found)))


def _mixed(parent: Crystal, one: Doped, name: str) -> DisorderedCrystal:
    elements = sorted(set(parent.numbers.tolist()))
    shared = tuple(Species(z, x, None) for z, x in sorted(((one.host, 1 - one.share), (one.dopant, one.share))))
    kinds = tuple(shared if z == one.host else (Species(z, 1.0, None),) for z in elements)
    return DisorderedCrystal(name, parent.lattice, parent.frac, np.searchsorted(elements, parent.numbers), kinds)


def _majority(parent: Crystal, one: Doped, name: str) -> Crystal:
    main = one.dopant if one.share > 0.5 else one.host
    return replace(parent, id=name, numbers=np.where(parent.numbers == one.host, main, parent.numbers))


def _errors(table: pd.DataFrame) -> str:
    """Mean absolute errors, and how much larger those of the others are, with 95 % intervals."""
    error = {name: (table[name] - table["measured"]).abs().to_numpy() for name in ("average", "majority", "parent_moment")}
    rows = [("average", f"{error['average'].mean():.3f}", "")]
    for name in ("majority", "parent_moment"):
        low, high = _interval(error[name] - error["average"], table["parent"].to_numpy())
        rows.append(
            (name, f"{error[name].mean():.3f}", f"{(error[name] - error['average']).mean():+.3f} ({low:+.3f} to {high:+.3f})")
        )
    return markdown(("prediction", "mean absolute error, µB/atom", "more than the average's (95 %)"), rows)


def _interval(more: NDArray[np.float64], parents: NDArray[np.object_]) -> tuple[float, float]:
    """Paired bootstrap over parents."""
    names, owner = np.unique(parents.astype(str), return_inverse=True)
    sums, counts = np.bincount(owner, weights=more), np.bincount(owner)
    drawn = np.random.default_rng(0).integers(0, len(names), (RESAMPLED, len(names)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def _trends(table: pd.DataFrame) -> str:
    """Of each parent and dopant with three compounds or more: the rank correlation of measured and predicted moments."""
    found = []
    for _, part in table.groupby(["parent", "host", "dopant"]):
        if len(part) >= 3 and part["measured"].nunique() > 1 and part["average"].nunique() > 1:
            found.append(part["measured"].corr(part["average"], method="spearman"))
    if not found:
        return "no series of three compounds"
    above = np.mean(np.array(found) > 0)
    return f"{len(found)} series of three compounds or more: mean rank correlation {np.mean(found):.2f}, above 0 in {above:.0%}"


if __name__ == "__main__":
    main()
