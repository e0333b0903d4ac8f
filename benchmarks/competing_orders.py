"""Is the order that a calculation ended with among the few that an export offers?

    python -m benchmarks.competing_orders ../shared/data/mp_site_moments.parquet [--part val|test]

Antiferromagnets and ferrimagnets of the table, as far as their moments are antiparallel on atoms that an export gives a moment.
Each is asked as a candidate would be: its symmetrised primitive cell alone, nothing of its magnetic cell. An export calculates
the ferromagnet and five competitors; the share of crystals whose own order is among the first 1, 2, 3 and 5 of

* the textbook's families, the most antiparallel first (what an export offered before, and still does where spins are many),
* all orders of small cells as the shipped trees rank them, and as an export takes them from there (one of the primitive cell at
  least), and
* the same by chance: the mean over all their sequences.

Crystals with more spins in the primitive cell than can be enumerated count as "not offered" everywhere.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.special import gammaln

from benchmarks.order_table import crystals_of
from benchmarks.smoke import arguments
from flows.console import Console
from pipeline.demos.figures import markdown
from pipeline.magnetism.competing_orderings import chosen_orderings, family_names, textbook
from pipeline.magnetism.starting_moments import start_moments
from pipeline.registry.order_cards import WITHIN
from pipeline.registry.order_models import order_ranker
from pipeline.training.order_examples import OwnOrder, own_orders
from pipeline.training.train_order import ANTIPARALLEL

NAMES = ("textbook's families", "trees", "trees, as exported")


def places(found: OwnOrder) -> list[int]:
    """The place of the own order in each of NAMES."""
    if found.orderings is None or not found.own.any():
        return [0] * len(NAMES)
    cell = found.orderings.magnetic_cell.cell
    place = {name: k for k, name in family_names(found.orderings, start_moments(cell.numbers)).items()}
    families = [place[ordering.name] for ordering in textbook(cell) if ordering.name in place]
    log_weight = order_ranker().trees.log_weight(found.features())
    ranked = np.argsort(-log_weight, kind="stable").tolist()
    return [found.rank_in(one) for one in (families, ranked, chosen_orderings(found.orderings, log_weight))]


def by_chance(found: OwnOrder, first: int) -> float:
    """That the first so many of all orders, shuffled, hold an own one."""
    every, own = len(found.own), int(found.own.sum())
    if not own or every - own < first:
        return float(own > 0)

    def log_ways(n: int) -> float:
        return float(gammaln(n + 1) - gammaln(n - first + 1))

    return float(1.0 - np.exp(log_ways(every - own) - log_ways(every)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--part", choices=["val", "test"], default="val")
    options = arguments(parser, lambda made: [made.site_moments()])
    rows = [one for one in crystals_of(options.table) if one.part == options.part and one.order in ANTIPARALLEL]
    with Console().bar("Orderings", len(rows)) as tick:
        ranked = [(found.source.order, places(found), found) for found in own_orders(rows, tick)]
    for kind in ANTIPARALLEL:
        those = [(reached, found) for ordering, reached, found in ranked if ordering == kind]
        lines = []
        for k, name in enumerate(NAMES):
            reached = np.array([r[k] for r, _ in those])
            lines.append([name, *(f"{((reached > 0) & (reached <= first)).mean():.3f}" for first in WITHIN)])
        lines.append(["chance", *(f"{np.mean([by_chance(found, first) for _, found in those]):.3f}" for first in WITHIN)])
        listed = np.mean([found.own.any() for _, found in those])
        many = np.median([len(found.own) for _, found in those])
        print(f"\n{kind}, {options.part}: {len(those)} crystals, {listed:.3f} of them with their order among those looked at "
              f"({many:.0f} in the median)\n")  # fmt: skip
        print(markdown(["orders", *(f"first {first}" for first in WITHIN)], lines))


if __name__ == "__main__":
    main()
