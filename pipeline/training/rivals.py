"""The shipped models on the test rows of a home's own model, so that the first own one has something to be compared with.

A shipped model carries no test rows, only hashes of the chemical systems that it learned from; rows of these are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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
from pipeline.registry.published import PublishedModel
from pipeline.registry.shipped import shipped_of, shipped_rival, system_hash, systems_seen
from pipeline.settings import Settings
from pipeline.training.literature_rows import literature_rows
from pipeline.training.order_examples import OrderedCrystal, described, ordered_crystals, own_orders


@dataclass(frozen=True)
class ClassifierRival:
    """The shipped order classifier."""

    model: OrderClassifier
    where: Settings
    reporter: Reporter

    def errors(self, candidate: PublishedModel) -> pd.DataFrame:
        """Log loss, truth and system of the candidate's test rows whose systems the shipped model never saw, by id."""
        rows = _unseen(self.model, candidate, self.where)
        if not rows:
            return _none()
        columns, kept = described(rows, self.reporter)
        truth = np.array([CLASSES.index(one.order) for one in kept], dtype=np.int64)
        losses = log_losses(self.model.predict(columns), truth)
        return _table(kept, losses.tolist(), truth.astype(float).tolist())


@dataclass(frozen=True)
class RankerRival:
    """The shipped order ranker."""

    model: OrderRanker
    where: Settings
    reporter: Reporter

    def errors(self, candidate: PublishedModel) -> pd.DataFrame:
        """One minus the reciprocal place, rivals and system of such rows, by id."""
        rows = _unseen(self.model, candidate, self.where)
        if not rows:
            return _none()
        with self.reporter.bar("Orders", len(rows)) as tick:
            found = list(own_orders(rows, tick))
        places = pd.Series([one.place(self.model.trees) for one in found], dtype="int64")
        return _table([one.source for one in found], place_losses(places).tolist(), [float(len(one.own)) for one in found])


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


def experiment_rival(where: Settings, reporter: Reporter) -> ExperimentRival | None:
    """None in a checkout without shipped models of experiments."""
    shipped = shipped_of(PublishedExperimentModel)
    return None if shipped is None else ExperimentRival(shipped, where, reporter)


def classifier_rival(where: Settings, reporter: Reporter) -> ClassifierRival | None:
    """None in a checkout without a shipped order classifier."""
    shipped = shipped_of(OrderClassifier)
    return None if shipped is None else ClassifierRival(shipped, where, reporter)


def ranker_rival(where: Settings, reporter: Reporter) -> RankerRival | None:
    """None in a checkout without a shipped order ranker."""
    shipped = shipped_of(OrderRanker)
    return None if shipped is None else RankerRival(shipped, where, reporter)


def _unseen(shipped: PublishedModel, candidate: PublishedModel, where: Settings) -> list[OrderedCrystal]:
    """The candidate's test rows whose chemical systems the shipped model never saw."""
    seen, asked = systems_seen(shipped), set(candidate.held_out()["material_id"])
    crystals = ordered_crystals(open_snapshot(where.snapshots, candidate.manifest["snapshot"]))
    return [one for one in crystals if one.crystal.id in asked and system_hash(one.crystal.chemsys) not in seen]


def _table(crystals: list[OrderedCrystal], error: list[float], truth: list[float]) -> pd.DataFrame:
    index = pd.Index([one.crystal.id for one in crystals], name="material_id")
    return pd.DataFrame({"error": error, "truth": truth, "system": [one.crystal.chemsys for one in crystals]}, index=index)


def _none() -> pd.DataFrame:
    return pd.DataFrame({"error": [], "truth": [], "system": []})


def shipped_rival_of(kind: type[PublishedModel], where: Settings, reporter: Reporter) -> Rival | None:
    """The shipped model of any kind as a rival; None in a checkout without one."""
    makers: dict[type[PublishedModel], Callable[[Settings, Reporter], Rival | None]] = {
        Ensemble: shipped_rival, OrderClassifier: classifier_rival, OrderRanker: ranker_rival,
        PublishedExperimentModel: experiment_rival,
    }  # fmt: skip
    return makers[kind](where, reporter)
