"""The trees of orders that come with ferroscreen: learned from a table of site moments, asked by every export."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.errors import UserError
from data.store.artifact import file_hash
from models.contract import ModelError
from models.ordering.order_ranker import Features, OrderTrees, order_features
from models.ordering.site_examples import SITE_THRESHOLD
from models.saved import WEIGHTS_FILE
from pipeline.magnetism.enumerate_orderings import Orders, small_orders
from pipeline.magnetism.magnetic_cell import place
from pipeline.magnetism.site_moments import OrderedRow, site_moment_rows
from pipeline.magnetism.starting_moments import start_moments
from pipeline.ops.progress import Reporter
from pipeline.registry.order_classifier import put_on_shelf
from pipeline.registry.shipped import PRETRAINED

FOLDER = PRETRAINED / "orders"
ANTIPARALLEL = ("AFM", "FiM")
UNLISTED = np.iinfo(np.int64).max  # the place of an order that is not among those looked at
WITHIN = (1, 2, 3, 5)  # places that are reported


@dataclass(frozen=True, eq=False)
class OwnOrder:
    """A calculation whose moments are antiparallel, and the orders that its crystal's small cells allow."""

    row: OrderedRow
    orders: Orders | None  # None: too many spins
    own: NDArray[np.bool_]  # (m,) which of them it has

    def features(self) -> Features:
        """(m, columns)"""
        assert self.orders is not None
        return order_features(self.orders.cell, self.orders.signs, self.orders.size, self.orders.index)

    def place(self, ranked: list[int]) -> int:
        """The first place, from 1 on, of an own order in a list of orders; UNLISTED if it holds none."""
        return next((k for k, order in enumerate(ranked, start=1) if self.own[order]), UNLISTED)


@lru_cache(maxsize=1)
def order_trees() -> OrderTrees:
    """The shipped trees, loaded once a process. Raises UserError where they are damaged or missing."""
    try:
        return OrderTrees.load(FOLDER)
    except ModelError as fault:
        raise UserError(f"the trees of magnetic orders cannot be loaded; restore them from the repository: {fault}") from fault


@lru_cache(maxsize=1)
def order_trees_id() -> str:
    """What an export says of them."""
    return file_hash(FOLDER / WEIGHTS_FILE)[:16]


def own_orders(rows: list[OrderedRow], tick: Callable[[int], None]) -> Iterator[OwnOrder]:
    """Of the rows whose moments are antiparallel on atoms that a calculation would start with a moment."""
    for row in rows:
        tick(1)
        placed = place(row.crystal)
        orders = small_orders(placed.cell, start_moments(placed.cell.numbers))
        if orders is None:
            yield OwnOrder(row, None, np.zeros(0, dtype=bool))
        elif (own := orders.own(placed, row.moments, SITE_THRESHOLD)) is not None:
            yield OwnOrder(row, orders, own)


def train_order_trees(table: Path, reporter: Reporter) -> OrderTrees:
    """Learn from the train rows of a table with signed site moments; judged on its val rows.

    Raises:
        UserError: the table has no such rows.
    """
    rows = [row for row in site_moment_rows(table) if row.ordering in ANTIPARALLEL]
    parts = {name: [row for row in rows if row.split == name] for name in ("train", "val")}
    if not all(parts.values()):
        raise UserError(f"{table} has no antiferromagnets and ferrimagnets for train and val")
    learned = 0

    def shown() -> Iterator[tuple[Features, NDArray[np.bool_]]]:
        nonlocal learned
        for found in own_orders(parts["train"], tick):
            if found.own.any():
                learned += 1
                yield found.features(), found.own

    with reporter.bar("Orders", len(rows)) as tick:
        grown = OrderTrees.fit(shown())
        places = [(found.row.ordering, _place(found, grown)) for found in own_orders(parts["val"], tick)]
    facts: dict[str, Any] = {"data": table.name, "rows": {"train": learned, "val": len(places)}}
    for kind in ANTIPARALLEL:
        reached = np.array([place for ordering, place in places if ordering == kind])
        facts[kind] = {"rows": len(reached), "within": {str(k): round(float((reached <= k).mean()), 4) for k in WITHIN}}
    return OrderTrees(grown.trees, facts)


def put_trees_on_shelf(grown: OrderTrees, folder: Path = FOLDER) -> None:
    """Write the trees and their card in the place of the shipped ones."""
    put_on_shelf(grown, _card(grown.facts), folder)


def _place(found: OwnOrder, trees: OrderTrees) -> int:
    if not found.own.any():
        return UNLISTED
    return found.place(np.argsort(-trees.log_weight(found.features()), kind="stable").tolist())


def _card(facts: dict[str, Any]) -> str:
    reached = "\n".join(
        f"| {kind} | {facts[kind]['rows']} | " + " | ".join(f"{share:.3f}" for share in facts[kind]["within"].values()) + " |"
        for kind in ANTIPARALLEL
    )
    return f"""# Model card: trees of magnetic orders

Which of the collinear orders that a crystal's small cells allow a calculation of the Materials Project ends with. Learned from
the signed DFT site moments of {facts["rows"]["train"]:,} antiferromagnets and ferrimagnets ({facts["data"]}). On
validation rows of other chemical systems the order is among the likeliest

| calculation | rows | {" | ".join(f"{k}" for k in WITHIN)} |
|---|---|{"---|" * len(WITHIN)}
{reached}

of the orders in cells of up to four primitive ones. What is said is an order of preference, no probability, and only among orders
that are antiparallel somewhere: whether the crystal is a ferromagnet is for the classes of magnetic orderings to say. Those who
made the calculations tried few orders of each crystal, mostly simple ones, and the trees have learned that, too. The structures
were relaxed in their order, then symmetrised within 0.1 Å; a measured structure bears no such mark.

Data: Materials Project (materialsproject.org), CC-BY 4.0; the trees are shared under the same licence, and no row is among them.
"""
