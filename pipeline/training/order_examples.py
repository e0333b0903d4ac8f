"""Crystals with signed site moments, from a snapshot, as the order classifier and the order ranker learn from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.crystal import Crystal
from data.errors import UserError
from data.snapshot import Snapshot
from models.ordering.order_classifier import CLASSES, alignment_class
from models.ordering.order_ranker import Features, OrderRankerTrees, order_features
from pipeline.featurise import Needs, featurise
from pipeline.magnetism.canonical_cell import in_canonical_cell
from pipeline.magnetism.enumerate_orderings import Orderings, enumerate_orderings
from pipeline.magnetism.magnetic_cell import map_to_primitive
from pipeline.magnetism.order_descriptors import order_descriptors
from pipeline.magnetism.starting_moments import start_moments
from pipeline.ops.progress import Reporter
from pipeline.training.splits import split_rows

SITE_THRESHOLD_MUB = 0.1  # below it a site has no moment that counts (definition of the data)
PARTS = ("train", "val", "test")
_AT_ONCE = 512


@dataclass(frozen=True, eq=False)
class OrderedCrystal:
    """A crystal whose calculation ended with moments."""

    crystal: Crystal
    moments: NDArray[np.float64]  # (sites,) signed, µB, in the order of the crystal's sites
    part: str  # train, val or test

    @property
    def order(self) -> str:
        """FM, FiM or AFM, by how far the site moments add up."""
        return CLASSES[alignment_class(self.moments)]


def ordered_crystals(snapshot: Snapshot) -> list[OrderedCrystal]:
    """The crystals of a snapshot that have site moments, one of which at least is not zero; no chemical system is in two parts.

    Raises:
        UserError: the snapshot has no site moments, or its rows cannot be split.
    """
    snapshot.verify()
    moments = snapshot.site_moments()
    if not moments:
        raise UserError(
            f"snapshot {snapshot.id} holds no site moments to learn magnetic order from; refresh from a table that has them"
        )
    table = snapshot.table(["split", "chemsys"])
    split = split_rows(table).apart(table["chemsys"].to_pylist())
    part = np.empty(snapshot.manifest["crystals"], dtype=object)
    for name in PARTS:
        part[split.part(name)] = name
    return [
        OrderedCrystal(crystal, signed, str(name))
        for crystal, name in zip(snapshot.crystals(), part, strict=True)
        if name is not None and np.abs(signed := np.array(moments.get(crystal.id, []), dtype=np.float64)).sum() > 0
    ]


def described(crystals: list[OrderedCrystal], reporter: Reporter) -> tuple[NDArray[np.float32], list[OrderedCrystal]]:
    """(crystals, columns) descriptors that the order classifier reads, and the crystals that have them."""
    needs, columns, kept = Needs(), [], []
    with reporter.bar("Descriptors", len(crystals)) as tick:
        for start in range(0, len(crystals), _AT_ONCE):
            part = crystals[start : start + _AT_ONCE]
            read = featurise([one.crystal for one in part], needs)
            every = np.ones(len(read.kept), dtype=np.bool_)
            columns.append(order_descriptors(read.cells, read.examples.descriptors, every, needs.graph))
            kept += [part[k] for k in read.kept.tolist()]
            tick(len(part))
    return np.concatenate(columns), kept


@dataclass(frozen=True, eq=False)
class OwnOrder:
    """A calculation whose moments are antiparallel, and the orderings that its crystal's small cells allow."""

    source: OrderedCrystal
    orderings: Orderings | None  # None: too many spins
    own: NDArray[np.bool_]  # (m,) which of them it has

    def features(self) -> Features:
        """(m, columns)"""
        assert self.orderings is not None
        return order_features(self.orderings.cell, self.orderings.signs, self.orderings.size, self.orderings.index)

    def rank(self, trees: OrderRankerTrees) -> int:
        """The rank of its own ordering, from 1 on, by the trees; 0 if it is not among those enumerated."""
        if not self.own.any():
            return 0
        return self.rank_in(np.argsort(-trees.log_weight(self.features()), kind="stable").tolist())

    def rank_in(self, ranked: list[int]) -> int:
        """The first rank, from 1 on, of an own ordering in a list of orderings; 0 if it holds none."""
        return next((k for k, order in enumerate(ranked, start=1) if self.own[order]), 0)


def own_orders(crystals: list[OrderedCrystal], tick: Callable[[int], None]) -> Iterator[OwnOrder]:
    """Of the crystals whose moments are antiparallel on atoms that a calculation would start with a moment."""
    for one in crystals:
        tick(1)
        placed = in_canonical_cell(map_to_primitive(one.crystal))
        orderings = enumerate_orderings(placed.cell, start_moments(placed.cell.numbers))
        if orderings is None:
            yield OwnOrder(one, None, np.zeros(0, dtype=bool))
        elif (own := orderings.own(placed, one.moments, SITE_THRESHOLD_MUB)) is not None:
            yield OwnOrder(one, orderings, own)
