"""Are measured antiferromagnetic orders among those that an export offers, and in which place?

    python -m benchmarks.known_orders ../shared/data/icsd_candidates.parquet

The structures are those of the candidates, and the orders were measured with neutrons. An order is known by the mean product of
two spins over shells of neighbours, +1 all parallel, -1 all antiparallel; of several crystals of one compound and space group
the smallest one counts. The competitors of an export are compared with the textbook's families, the most antiparallel first.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.smoke import arguments
from data.cif.reader import read_cif
from data.crystal import Crystal
from data.symmetry import SymmetricCell, symmetrise
from pipeline.demos.figures import markdown
from pipeline.magnetism.competing_orderings import MAX_ORDERINGS, Ordering, orderings, textbook

SAME = 0.02  # of a mean product

Shell = tuple[float, float, float]  # from, to (Å), mean product of two spins


@dataclass(frozen=True)
class KnownOrder:
    """A compound and its collinear order, or the collinear part of it."""

    formula: str
    space_group: int  # of the candidate, which need not be the paramagnet's
    words: str
    shells: tuple[Shell, ...]
    element: str  # whose spins are looked at


def _rock_salt(formula: str, element: str, near_A: float, space_group: int = 225) -> KnownOrder:
    far_A = near_A * 2**0.5
    shells = (0.95 * near_A, 1.05 * near_A, 0.0), (0.95 * far_A, 1.05 * far_A, -1.0)
    return KnownOrder(formula, space_group, "type II", shells, element)


def _zinc_blende(formula: str, near_A: float) -> KnownOrder:
    far_A = near_A * 2**0.5
    shells = (0.95 * near_A, 1.05 * near_A, -1 / 3), (0.95 * far_A, 1.05 * far_A, 1 / 3)
    return KnownOrder(formula, 216, "type III", shells, "Mn")


def _neighbours_antiparallel(formula: str, element: str, space_group: int, first_A: float, last_A: float) -> KnownOrder:
    return KnownOrder(formula, space_group, "all neighbours antiparallel", ((first_A, last_A, -1.0),), element)


_RUTILE = ((2.9, 3.45, 1.0), (3.5, 4.0, -1.0))
_COLUMNS = ((2.91, 3.1, -1.0), (3.3, 3.8, 1.0))
# Neutron diffraction, as collected in the standard tables (Landolt-Börnstein III/27; Coey, Magnetism and Magnetic Materials,
# 2010; Goodenough, Magnetism and the Chemical Bond, 1963).
ORDERS = (
    _rock_salt("FeO", "Fe", 3.05),
    _rock_salt("CoO", "Co", 3.01, 166),
    _rock_salt("MnSe", "Mn", 3.86),
    _rock_salt("EuTe", "Eu", 4.66),
    _rock_salt("DySb", "Dy", 4.38),
    _zinc_blende("MnS", 3.5),
    _zinc_blende("MnSe", 4.15),
    KnownOrder("MnF2", 136, "corners against the centre", _RUTILE, "Mn"),
    KnownOrder("NiF2", 136, "corners against the centre", _RUTILE, "Ni"),
    KnownOrder("Cr2O3", 167, "+-+-", ((2.55, 2.78, -1.0), (2.8, 3.0, -1.0)), "Cr"),
    KnownOrder("Fe2O3", 167, "+--+", ((3.28, 3.5, -1.0), (3.6, 3.85, -1.0)), "Fe"),
    _neighbours_antiparallel("FeBO3", "Fe", 167, 3.4, 3.75),
    _neighbours_antiparallel("MnCO3", "Mn", 161, 3.5, 4.1),
    _neighbours_antiparallel("YFeO3", "Fe", 62, 3.6, 4.1),
    _neighbours_antiparallel("LaCrO3", "Cr", 167, 3.6, 4.1),
    _neighbours_antiparallel("KMnF3", "Mn", 127, 3.9, 4.4),
    _neighbours_antiparallel("KMnF3", "Mn", 140, 3.9, 4.4),
    _neighbours_antiparallel("FeRh", "Fe", 221, 2.9, 3.1),
    KnownOrder("LiFePO4", 62, "antiparallel in planes", ((3.75, 4.05, -1.0),), "Fe"),
    KnownOrder("FeSn", 191, "sheets in turn", ((2.5, 2.8, 1.0), (4.4, 4.55, -1.0)), "Fe"),
    KnownOrder("MnNi", 123, "columns in turn", ((2.91, 2.97, -1.0), (2.8, 2.905, 1.0)), "Mn"),
    KnownOrder("MnPt", 123, "columns in turn", _COLUMNS, "Mn"),
    KnownOrder("MnPd", 123, "columns in turn", _COLUMNS, "Mn"),
)


def has(ordering: Ordering, order: KnownOrder) -> bool:
    """Whether the spins of an ordering have the products of a known order."""
    structure = ordering.structure.copy()
    structure.remove_sites([k for k, site in enumerate(structure) if site.specie.symbol != order.element])
    signs = np.sign(np.array(structure.site_properties["magmom"], dtype=float))
    first, second, _, distance = structure.get_neighbor_list(max(shell[1] for shell in order.shells))
    products = signs[first] * signs[second]
    for near, far, wanted in order.shells:
        inside = products[(distance >= near) & (distance <= far)]
        if not len(inside):
            raise SystemExit(f"{order.formula} has no magnetic neighbours at {near:.2f} to {far:.2f} Å")
        if abs(inside.mean() - wanted) > SAME:
            return False
    return True


def crystals(table: Path) -> dict[tuple[str, int], SymmetricCell]:
    """By formula and space group; of several the one with the fewest sites."""
    frame = pd.read_parquet(table, columns=["material_id", "formula", "cif"])
    found: dict[tuple[str, int], SymmetricCell] = {}
    for row in frame[frame.formula.isin({order.formula for order in ORDERS})].itertuples():
        crystal = next(read_cif(str(row.cif), "", str(row.material_id)))
        if isinstance(crystal, Crystal):
            cell = symmetrise(crystal)
            kept = found.setdefault((str(row.formula), cell.space_group), cell)
            if len(cell.numbers) < len(kept.numbers):
                found[str(row.formula), cell.space_group] = cell
    return found


def rank(offered: list[Ordering], order: KnownOrder) -> int | None:
    """From 1 on; None where it is not among them."""
    return next((k for k, ordering in enumerate(offered, start=1) if has(ordering, order)), None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    options = arguments(parser, lambda made: [made.candidates()])
    there = crystals(options.table)
    lines: list[list[str]] = []
    hits: list[list[int | None]] = []
    for order in ORDERS:
        if (cell := there.get((order.formula, order.space_group))) is not None:
            places = [rank(offered[: MAX_ORDERINGS - 1], order) for offered in (orderings(cell)[1:], textbook(cell))]
            hits.append(places)
            lines.append([order.formula, str(order.space_group), order.words, *("-" if p is None else str(p) for p in places)])
    print(markdown(["formula", "space group", "measured order", "place, trees", "place, textbook's families"], lines))
    print()
    for k, name in enumerate(("trees", "textbook's families")):
        reached = [p[k] for p in hits]
        first = sum(p == 1 for p in reached)
        print(f"{name}: {sum(p is not None for p in reached)} of {len(reached)} offered, {first} in the first place")


if __name__ == "__main__":
    main()
