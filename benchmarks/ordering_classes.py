"""How well trees on a screen's descriptors tell ferromagnets, ferrimagnets and antiferromagnets apart.

    python -m benchmarks.ordering_classes ../shared/data/mp_site_moments.parquet [--part val|test]

The classes are those of the ranking (models.ordering.order_classifier: by |sum m| / sum |m|). Choices are made on --part val.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from benchmarks.order_table import crystals_of
from benchmarks.smoke import arguments
from flows.console import Console
from models.ordering.order_classifier import CLASSES, OrderClassifierTrees
from pipeline.demos.figures import markdown
from pipeline.training.order_examples import described
from pipeline.training.train_order import class_metrics


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--part", choices=["val", "test"], default="val")
    options = arguments(parser, lambda made: [made.site_moments()])
    columns, crystals = described(crystals_of(options.table), Console())
    parts = np.array([one.part for one in crystals])
    classes = np.array([CLASSES.index(one.order) for one in crystals])
    train, part = parts == "train", parts == options.part
    found = class_metrics(OrderClassifierTrees.fit(columns[train], classes[train], {}).predict(columns[part]), classes[part])
    off = found["calibration_error"]
    scores = [*(found["f1"][c] for c in (*CLASSES, "macro")), found["log_loss"], off["FM"], off["AFM"]]
    lines = [["of the ranking", *(f"{score:.3f}" for score in scores)]]
    head = ["classes", *(f"F1, {c}" for c in CLASSES), "macro-F1", "log loss", "P(FM) off by", "P(AFM) off by"]
    print(f"{train.sum():,} rows to learn, {part.sum():,} to test ({options.part})\n\n{markdown(head, lines)}")


if __name__ == "__main__":
    main()
