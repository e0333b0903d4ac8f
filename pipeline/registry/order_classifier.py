"""The classes of magnetic orderings that come with ferroscreen: learned from a table of site moments, asked by every screen."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from data.errors import UserError
from data.store.artifact import building, file_hash, write_bytes
from models.contract import ModelError
from models.ordering.order_classifier import CLASSES, OrderingClasses, alignment_class
from models.saved import WEIGHTS_FILE
from pipeline.evaluation.metrics import reliability
from pipeline.evaluation.ordering_metrics import class_scores
from pipeline.featurise import Needs, featurise
from pipeline.magnetism.site_moments import OrderedRow, site_moment_rows
from pipeline.ops.progress import Reporter
from pipeline.registry.ensemble import CARD_FILE
from pipeline.registry.shipped import PRETRAINED

FOLDER = PRETRAINED / "orderings"
_AT_ONCE = 512


@lru_cache(maxsize=1)
def ordering_classes() -> OrderingClasses:
    """The shipped classes, loaded once a process. Raises UserError where they are damaged or missing."""
    try:
        return OrderingClasses.load(FOLDER)
    except ModelError as fault:
        raise UserError(
            f"the classes of magnetic orderings cannot be loaded; restore them from the repository: {fault}"
        ) from fault


@lru_cache(maxsize=1)
def ordering_id() -> str:
    """What a screen's identity says of them."""
    return file_hash(FOLDER / WEIGHTS_FILE)[:16]


def train_classes(table: Path, reporter: Reporter) -> OrderingClasses:
    """Learn from the train rows of a table with signed site moments; judged on its other rows.

    Raises:
        UserError: the table has no such rows.
    """
    rows = [row for row in site_moment_rows(table) if np.abs(row.moments).sum() > 0]
    if {row.split for row in rows} < {"train", "val", "test"}:
        raise UserError(f"{table} has no rows for each of train, val and test")
    columns, kept = described(rows, reporter)
    classes = np.array([alignment_class(row.moments) for row in kept], dtype=np.int64)
    split = np.array([row.split for row in kept])
    train = split == "train"
    reporter.say("Growing the trees of the classes")
    grown = OrderingClasses.fit(columns[train], classes[train], {})
    facts: dict[str, Any] = {"data": table.name, "rows": {name: int((split == name).sum()) for name in ("train", "val", "test")}}
    facts |= {name: judged(grown.predict(columns[split == name]), classes[split == name]) for name in ("val", "test")}
    return OrderingClasses(grown.trees, grown.median, facts)


def judged(said: NDArray[np.float64], classes: NDArray[np.int64]) -> dict[str, Any]:
    """F1 of each class and their mean, log loss, and how far P(FM) and P(AFM) can be trusted."""
    chosen = np.clip(said[np.arange(len(said)), classes], 1e-12, 1.0)
    return {
        "f1": class_scores(classes, said.argmax(axis=1), CLASSES),
        "log_loss": float(-np.log(chosen).mean()),
        "calibration_error": {name: reliability(classes == k, said[:, k])["calibration_error"] for k, name in enumerate(CLASSES)},
    }


class Shelvable(Protocol):
    """A model that writes itself into a folder."""

    def save(self, folder: Path) -> None: ...


def put_on_shelf(grown: Shelvable, card: str, folder: Path) -> None:
    """Write a model and its card in the place of the shipped ones."""
    with building(folder.parent) as made:
        grown.save(made)
        write_bytes(made / CARD_FILE, card.encode())
        folder.mkdir(exist_ok=True)
        for file in made.iterdir():
            file.replace(folder / file.name)


def described(rows: list[OrderedRow], reporter: Reporter) -> tuple[NDArray[np.float32], list[OrderedRow]]:
    """(crystals, columns) descriptors, and the rows that have them."""
    columns, kept = [], []
    with reporter.bar("Descriptors", len(rows)) as tick:
        for start in range(0, len(rows), _AT_ONCE):
            part = rows[start : start + _AT_ONCE]
            read = featurise([row.crystal for row in part], Needs())
            columns.append(read.examples.descriptors)
            kept += [part[k] for k in read.kept]
            tick(len(part))
    return np.concatenate(columns), kept


def classes_card(facts: dict[str, Any]) -> str:
    test = facts["test"]
    scores = ", ".join(f"{name} {value:.3f}" for name, value in test["f1"].items())
    return f"""# Model card: classes of magnetic orderings

Probabilities that a magnetic crystal is a ferromagnet (FM), ferrimagnet (FiM) or antiferromagnet (AFM), from its descriptors.
Learned from the signed DFT site moments of {facts["rows"]["train"]:,} crystals ({facts["data"]}). A crystal whose site
moments add up to 80 % of the sum of their sizes counts as FM, to 10 % or less as AFM.

F1 on {facts["rows"]["test"]:,} test rows of other chemical systems: {scores}; log loss {test["log_loss"]:.3f}.

The calculations start ferromagnetic, and for most crystals of the class FM nobody has looked for another order: P(FM) is too
large rather than too small. How frequent the classes are is the choice of the data, not of nature.

Data: Materials Project (materialsproject.org), CC-BY 4.0; the trees are shared under the same licence, and no row is among them.
"""
