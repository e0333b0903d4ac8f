"""How well trees on a screen's descriptors tell ferromagnets, ferrimagnets and antiferromagnets apart.

    python -m benchmarks.ordering_classes ../shared/data/mp_site_moments.parquet [--part val|test]

Twice: with the classes of the table (every site above 0.1 µB counts, so that 0.3 µB on yttrium make a ferrimagnet of YCo5), and
with those that the ranking uses (models.ordering.order_classifier: by |sum m| / sum |m|). Choices are made on --part val.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from benchmarks.figures import markdown
from flows.console import Console
from models.ordering.order_classifier import CLASSES, OrderingClasses, alignment_class
from pipeline.magnetism.site_moments import site_moment_rows
from pipeline.registry.order_classifier import described, judged


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--part", choices=["val", "test"], default="val")
    options = parser.parse_args()
    columns, rows = described([row for row in site_moment_rows(options.table) if np.abs(row.moments).sum() > 0], Console())
    split = np.array([row.split for row in rows])
    train, part = split == "train", split == options.part
    lines = []
    for name, classes in (
        ("of the table", np.array([CLASSES.index(row.ordering) for row in rows])),
        ("of the ranking", np.array([alignment_class(row.moments) for row in rows])),
    ):
        found = judged(OrderingClasses.fit(columns[train], classes[train], {}).predict(columns[part]), classes[part])
        f1, off = found["f1"], found["calibration_error"]
        scores = [*(f1[c] for c in (*CLASSES, "macro")), found["log_loss"], off["FM"], off["AFM"]]
        lines.append([name, *(f"{score:.3f}" for score in scores)])
    head = ["classes", *(f"F1, {c}" for c in CLASSES), "macro-F1", "log loss", "P(FM) off by", "P(AFM) off by"]
    print(f"{train.sum():,} rows to learn, {part.sum():,} to judge ({options.part})\n\n{markdown(head, lines)}")


if __name__ == "__main__":
    main()
