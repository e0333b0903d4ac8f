"""The order ranker as a published model: which collinear configurations of a crystal are the likeliest."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from data.errors import UserError
from models.contract import ModelError
from models.ordering.order_ranker import OrderRankerTrees
from pipeline.evaluation.bootstrap import cluster_bootstrap
from pipeline.registry.order_cards import ranker_card
from pipeline.registry.published import RETRAIN, PublishedModel


class OrderRanker(PublishedModel):
    """A published order ranker.

    `held_out` has material_id, chemsys, ordering, place (of the calculation's own order, from 1 on; 0 if it is not among those
    enumerated), rivals (how many were enumerated) and own (how many of them the calculation's moments fit).
    """

    kind: ClassVar[str] = "order ranker"
    directory: ClassVar[str] = "order-rankers"
    train_command: ClassVar[str] = "`ferroscreen train-order`"
    loss: ClassVar[str] = "of one minus the reciprocal place"
    equal: ClassVar[float] = 0.01

    @cached_property
    def trees(self) -> OrderRankerTrees:
        """The loaded trees. Raises UserError where they are damaged or missing."""
        self.verify()
        try:
            return OrderRankerTrees.load(self.folder)
        except ModelError as fault:
            raise UserError(f"{self.kind} {self.id} cannot be loaded: {fault}; {RETRAIN}") from fault

    def load(self) -> None:
        _ = self.trees

    @classmethod
    def shipped_card(cls, manifest: dict[str, Any]) -> str:
        """The card of a shipped order ranker."""
        return ranker_card(manifest)

    def errors(self) -> pd.DataFrame:
        """One minus the reciprocal place, truth (how many rivals) and chemical system of its test rows, by id."""
        rows = self.held_out().set_index("material_id")
        columns = {"error": place_losses(rows["place"]), "truth": rows["rivals"].astype(float), "system": rows["chemsys"]}
        return pd.DataFrame(columns)

    def quality(self) -> str:
        shares = [f"{kind} {found['within']['5']:.2f}" for kind, found in self.manifest["scores"].items()]
        return f"own order among the first five: {', '.join(shares)}"

    def gates(self) -> list[str]:
        """It must place the own order better than chance does."""
        rows = self.held_out()
        if rows.empty:
            return ["it has no test rows"]
        own = rows["own"] if "own" in rows else pd.Series(1, index=rows.index)  # of an older release
        asked = zip(rows["rivals"], own, rows["place"], strict=True)
        chance = np.array([1.0 - _mean_reciprocal(int(n), int(m)) if place else 1.0 for n, m, place in asked])
        better = np.asarray(chance - place_losses(rows["place"]), dtype=np.float64)
        gain = cluster_bootstrap(better, rows["chemsys"].to_list())
        return [] if gain.low > 0 else [f"it is not better than chance with confidence: gains {gain.text()} {self.loss}"]


def place_losses(places: pd.Series[int]) -> pd.Series[float]:
    """One minus the reciprocal of each place; 1 where the order was not among those enumerated (place 0)."""
    return (1.0 - 1.0 / places.where(places > 0)).fillna(1.0)


@lru_cache(maxsize=4096)
def _mean_reciprocal(rivals: int, own: int) -> float:
    """The expected reciprocal place of the first of some own orders among so many in random order.

        sum over k of P(k) / k,   P(k) = C(n - k, m - 1) / C(n, m),   P(1) = m / n,   P(k + 1) = P(k) (n - k - m + 1) / (n - k)
    """
    mean, p = 0.0, own / rivals
    for k in range(1, rivals - own + 2):
        mean += p / k
        p *= (rivals - k - own + 1) / max(rivals - k, 1)
    return mean
