"""Training the order classifier and the order ranker on a snapshot with signed site moments."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.errors import UserError
from data.snapshot import Snapshot
from data.store.artifact import text_hash
from models.ordering.order_classifier import CLASSES, OrderClassifierTrees
from models.ordering.order_ranker import Features, OrderRankerTrees
from pipeline.evaluation.metrics import reliability
from pipeline.evaluation.ordering_metrics import class_scores
from pipeline.magnetism.order_descriptors import ORDER_DESCRIPTOR_CODE
from pipeline.ops.ledger import Ledger
from pipeline.ops.progress import Reporter
from pipeline.ops.provenance import provenance
from pipeline.registry.order_cards import WITHIN, classifier_card, ranker_card
from pipeline.registry.order_classifier import OrderClassifier, log_losses
from pipeline.registry.order_ranker import OrderRanker
from pipeline.registry.published import HELD_OUT_FILE, publish_model
from pipeline.settings import Settings
from pipeline.training.order_examples import PARTS, OrderedCrystal, described, ordered_crystals, own_orders

ORDER_CODE = "order-5"  # raise it whenever the same snapshot would give other models
ANTIPARALLEL = ("AFM", "FiM")


def train_order(snapshot: Snapshot, where: Settings, reporter: Reporter) -> tuple[OrderClassifier, OrderRanker]:
    """Train and publish both models.

    Args:
        snapshot: crystals with signed site moments.
        where: the home.
        reporter: receives the progress.

    Raises:
        UserError: the snapshot has no site moments, or no such crystals in one of train, val and test.
        Busy: another process is training the same.
    """
    key = f"train-order-{text_hash(ORDER_CODE, ORDER_DESCRIPTOR_CODE, snapshot.id)[:16]}"
    with Ledger(where.home).run("train-order", key, {"snapshot": snapshot.id}) as run:
        crystals = ordered_crystals(snapshot)
        if {one.part for one in crystals} < set(PARTS):
            raise UserError(f"snapshot {snapshot.id} has no crystals with site moments for each of train, val and test")
        learned = {one.order for one in crystals if one.part == "train"}
        if missing := [name for name in CLASSES if name not in learned]:
            raise UserError(f"snapshot {snapshot.id}: no {' or '.join(missing)} among the training rows")
        if not any(one.part == "test" and one.order in ANTIPARALLEL for one in crystals):
            raise UserError(f"snapshot {snapshot.id}: no {' or '.join(ANTIPARALLEL)} among the test rows")
        facts = {
            "snapshot": snapshot.id, "data": snapshot.manifest["source"], "code": [ORDER_CODE, ORDER_DESCRIPTOR_CODE],
            "provenance": provenance(),
        }  # fmt: skip
        classifier = _classifier(crystals, facts, where, reporter)
        run.finished("publish", classifier.id)
        ranker = _ranker(crystals, facts, where, reporter)
        run.finished("publish", ranker.id)
    return classifier, ranker


def _classifier(crystals: list[OrderedCrystal], facts: dict[str, Any], where: Settings, reporter: Reporter) -> OrderClassifier:
    columns, kept = described(crystals, reporter)
    classes = np.array([CLASSES.index(one.order) for one in kept], dtype=np.int64)
    part = np.array([one.part for one in kept])
    train, test = part == "train", part == "test"
    reporter.say("Growing the trees of the order classifier")
    grown = OrderClassifierTrees.fit(columns[train], classes[train], {})
    predicted = grown.predict(columns[test])
    held_out = pd.DataFrame({"material_id": _ids(kept, test), "chemsys": _systems(kept, test), "truth": classes[test]})
    held_out = held_out.assign(**{f"p_{name}": predicted[:, k] for k, name in enumerate(CLASSES)})

    def write(folder: Path) -> None:
        grown.save(folder)
        held_out.to_parquet(folder / HELD_OUT_FILE, index=False)

    stated = {
        **facts,
        "rows": {name: int((part == name).sum()) for name in PARTS},
        "class_shares": (np.bincount(classes[train], minlength=len(CLASSES)) / train.sum()).tolist(),
        "scores": {n: class_metrics(grown.predict(columns[part == n]), classes[part == n]) for n in ("val", "test")},
    }
    return publish_model(where.order_classifiers, OrderClassifier, write, stated, classifier_card)


def _ranker(crystals: list[OrderedCrystal], facts: dict[str, Any], where: Settings, reporter: Reporter) -> OrderRanker:
    rows = {name: [one for one in crystals if one.part == name and one.order in ANTIPARALLEL] for name in PARTS}
    learned = 0

    def shown() -> Iterator[tuple[Features, NDArray[np.bool_]]]:
        nonlocal learned
        for found in own_orders(rows["train"], tick):
            if found.own.any():
                learned += 1
                yield found.features(), found.own

    with reporter.bar("Orders", len(rows["train"]) + len(rows["test"])) as tick:
        grown = OrderRankerTrees.fit(shown())
        tested = [
            (one.source.crystal.id, one.source.crystal.chemsys, one.source.order, one.rank(grown), len(one.own), one.own.sum())
            for one in own_orders(rows["test"], tick)
        ]
    held_out = pd.DataFrame(tested, columns=["material_id", "chemsys", "ordering", "place", "rivals", "own"])

    def write(folder: Path) -> None:
        grown.save(folder)
        held_out.to_parquet(folder / HELD_OUT_FILE, index=False)

    stated = {**facts, "rows": {"train": learned, "test": len(held_out)}, "scored_on": "test", "scores": place_scores(held_out)}
    return publish_model(where.order_rankers, OrderRanker, write, stated, ranker_card)


def class_metrics(predicted: NDArray[np.float64], classes: NDArray[np.int64]) -> dict[str, Any]:
    """F1 of each class and their mean, log loss, and how far each probability can be trusted.

    Args:
        predicted: (rows, 3) probabilities of CLASSES.
        classes: (rows,) places in CLASSES.
    """
    errors = {name: reliability(classes == k, predicted[:, k])["calibration_error"] for k, name in enumerate(CLASSES)}
    return {
        "f1": class_scores(classes, predicted.argmax(axis=1), CLASSES),
        "log_loss": float(log_losses(predicted, classes).mean()),
        "calibration_error": errors,
    }


def place_scores(held_out: pd.DataFrame) -> dict[str, Any]:
    """For each kind of order how many rows, and which share has its own order within the first places."""
    found = {}
    for kind in ANTIPARALLEL:
        places = held_out.loc[held_out["ordering"] == kind, "place"]
        if len(places):
            within = {str(k): round(float(((places > 0) & (places <= k)).mean()), 4) for k in WITHIN}
            found[kind] = {"rows": len(places), "within": within}
    return found


def _ids(crystals: list[OrderedCrystal], chosen: NDArray[np.bool_]) -> list[str]:
    return [crystals[k].crystal.id for k in np.flatnonzero(chosen)]


def _systems(crystals: list[OrderedCrystal], chosen: NDArray[np.bool_]) -> list[str]:
    return [crystals[k].crystal.chemsys for k in np.flatnonzero(chosen)]
