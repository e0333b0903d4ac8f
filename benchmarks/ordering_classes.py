"""How well trees on a screen's descriptors tell ferromagnets, ferrimagnets and antiferromagnets apart.

    python -m benchmarks.ordering_classes ../shared/data/mp_site_moments.parquet [--part val|test]

The classes are those of the ranking (models.ordering.order_classifier: by |sum m| / sum |m|). Choices are made on --part val.
The second row is that of copies whose atoms are moved, as by a relaxation or by rounded coordinates.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.order_table import crystals_of
from benchmarks.smoke import arguments
from flows.console import Console
from models.ordering.order_classifier import CLASSES, OrderClassifierTrees
from pipeline.demos.figures import markdown
from pipeline.training.order_examples import OrderedCrystal, described
from pipeline.training.train_order import class_metrics

SHIFT_A = 0.03


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--part", choices=["val", "test"], default="val")
    options = arguments(parser, lambda made: [made.site_moments()])
    columns, crystals = described(crystals_of(options.table), Console())
    parts = np.array([one.part for one in crystals])
    classes = np.array([CLASSES.index(one.order) for one in crystals])
    train, part = parts == "train", parts == options.part
    trees = OrderClassifierTrees.fit(columns[train], classes[train], {})
    given = trees.predict(columns[part])
    rng = np.random.default_rng(0)
    copies, kept = described([moved(one, rng) for one, asked in zip(crystals, part, strict=True) if asked], Console())
    if len(kept) < part.sum():
        raise SystemExit("a moved copy has an isolated atom: its row would be another crystal's")
    shifted = trees.predict(copies)
    lines = [
        [name, *scores(said, classes[part]), f"{(said.argmax(axis=1) != given.argmax(axis=1)).mean():.3f}"]
        for name, said in (("as given", given), (f"atoms moved by {SHIFT_A} Å", shifted))
    ]
    head = ["crystals", *(f"F1, {c}" for c in CLASSES), "macro-F1", "log loss", "P(FM) off by", "P(AFM) off by", "other class"]
    print(f"{train.sum():,} rows to learn, {part.sum():,} to test ({options.part})\n\n{markdown(head, lines)}")


def moved(one: OrderedCrystal, rng: np.random.Generator) -> OrderedCrystal:
    """The crystal with each atom moved by SHIFT_A in a direction of its own."""
    step = rng.normal(size=one.crystal.frac.shape)
    step *= SHIFT_A / np.linalg.norm(step, axis=1, keepdims=True)
    return replace(one, crystal=replace(one.crystal, frac=one.crystal.frac + step @ np.linalg.inv(one.crystal.lattice)))


def scores(predicted: NDArray[np.float64], classes: NDArray[np.int64]) -> list[str]:
    """The metrics of a row of the table, from (rows, 3) probabilities and (rows,) classes."""
    found = class_metrics(predicted, classes)
    off = found["calibration_error"]
    return [f"{x:.3f}" for x in (*(found["f1"][c] for c in (*CLASSES, "macro")), found["log_loss"], off["FM"], off["AFM"])]


if __name__ == "__main__":
    main()
