"""The shipped models on the test rows of a home's own model, so that the first own one has something to be compared with.

A shipped model carries no test rows, only hashes of the chemical systems that it learned from; rows of these are left out.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic

import numpy as np
import pandas as pd

from data.snapshot import open_snapshot
from data.sources.literature.snapshot import open_literature
from models.ordering.order_classifier import CLASSES
from pipeline.ops.progress import Reporter
from pipeline.registry.ensemble import Ensemble
from pipeline.registry.experiment_model import PublishedExperimentModel, answers, error_table
from pipeline.registry.order_classifier import OrderClassifier, log_losses
from pipeline.registry.order_ranker import OrderRanker, place_losses
from pipeline.registry.promotion import Rival
from pipeline.registry.published import M, PublishedModel
from pipeline.registry.shipped import ShippedRival, shipped_of, system_hash, systems_seen
from pipeline.settings import Settings
from pipeline.training.literature_rows import literature_rows
from pipeline.training.order_examples import OrderedCrystal, described, ordered_crystals, own_orders


@dataclass(frozen=True)
class ShippedOrderModel(ABC, Generic[M]):
    """A shipped order model: predicts for the candidate's test rows whose chemical systems it never saw."""

    model: M
    where: Settings
    reporter: Reporter

    def errors(self, candidate: PublishedModel) -> pd.DataFrame:
        """error, truth and system of these rows, by id. Raises UserError where the candidate's snapshot is gone."""
        seen, asked = systems_seen(self.model), set(candidate.held_out()["material_id"])
        crystals = ordered_crystals(open_snapshot(self.where.snapshots, candidate.manifest["snapshot"]))
        rows = [one for one in crystals if one.crystal.id in asked and system_hash(one.crystal.chemsys) not in seen]
        kept, error, truth = self._predicted(rows) if rows else ([], [], [])
        index = pd.Index([one.crystal.id for one in kept], name="material_id")
        columns = {"error": error, "truth": truth, "system": [one.crystal.chemsys for one in kept]}
        return pd.DataFrame(columns, index=index)

    @abstractmethod
    def _predicted(self, rows: list[OrderedCrystal]) -> tuple[list[OrderedCrystal], list[float], list[float]]:
        """(the rows that could be described, their errors, their truths)."""


class ClassifierRival(ShippedOrderModel[OrderClassifier]):
    """The shipped order classifier; the error is the log loss."""

    def _predicted(self, rows: list[OrderedCrystal]) -> tuple[list[OrderedCrystal], list[float], list[float]]:
        columns, kept = described(rows, self.reporter)
        truth = np.array([CLASSES.index(one.order) for one in kept], dtype=np.int64)
        return kept, log_losses(self.model.predict(columns), truth).tolist(), truth.astype(float).tolist()


class RankerRival(ShippedOrderModel[OrderRanker]):
    """The shipped order ranker; the error is one minus the reciprocal place, the truth the number of rivals."""

    def _predicted(self, rows: list[OrderedCrystal]) -> tuple[list[OrderedCrystal], list[float], list[float]]:
        with self.reporter.bar("Orders", len(rows)) as tick:
            found = list(own_orders(rows, tick))
        places = pd.Series([one.rank(self.model.trees) for one in found], dtype="int64")
        return [one.source for one in found], place_losses(places).tolist(), [float(len(one.own)) for one in found]


@dataclass(frozen=True)
class ExperimentRival:
    """The shipped models of experiments."""

    model: PublishedExperimentModel
    where: Settings
    reporter: Reporter

    def errors(self, candidate: PublishedModel) -> pd.DataFrame:
        """error, truth, system and task of the candidate's held-out rows whose systems the shipped model never saw."""
        asked, seen = candidate.held_out(), systems_seen(self.model)
        asked = asked[~asked["chemsys"].map(system_hash).isin(seen)].reset_index(drop=True)
        if asked.empty:
            return error_table(asked)
        rows = literature_rows(open_literature(self.where.literature, candidate.manifest["snapshot"]))
        place = pd.Series(np.arange(len(rows.fold)), index=rows.table["key"])
        said = answers(self.model.model.predict(rows.formulas.take(place[asked["key"]].to_numpy())))
        predicted = np.select([asked["task"] == task for task in said], list(said.values()))
        return error_table(asked.assign(predicted=predicted))


def shipped_rival_of(kind: type[PublishedModel], where: Settings, reporter: Reporter) -> Rival | None:
    """The shipped model of a kind as a rival.

    Args:
        kind: class of the published model.
        where: the home that holds the candidates' snapshots.
        reporter: receives the progress.

    Returns:
        None in a checkout without a shipped model of that kind.
    """
    rivals: dict[type[PublishedModel], Callable[[Any, Settings, Reporter], Rival]] = {
        Ensemble: ShippedRival, OrderClassifier: ClassifierRival, OrderRanker: RankerRival,
        PublishedExperimentModel: ExperimentRival,
    }  # fmt: skip
    shipped = shipped_of(kind)
    return None if shipped is None else rivals[kind](shipped, where, reporter)
