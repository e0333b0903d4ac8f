"""Label noise among training labels: how many, which, and whether less weight for them helps on validation rows.

    python -m benchmarks.label_noise ../shared/data/mp_magnets.parquet [--shown 25]

Found by cross-validation inside the training rows (pipeline.training.label_noise); boosted trees on all descriptors
then learn with each weight for them and are tested on the validation rows, whose labels nobody has cleaned. Test rows are not
touched.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.learning_curve import find_snapshot
from benchmarks.smoke import arguments
from data.labels import MAGNETIC_THRESHOLD
from flows.console import Console
from models.contract import FitControl
from models.trees.forest import BoostedTrees
from pipeline.demos.figures import markdown
from pipeline.evaluation.bootstrap import cluster_bootstrap
from pipeline.features.descriptor_sets import DescriptorSet
from pipeline.features.neighbours import GraphSettings
from pipeline.settings import settings
from pipeline.training.dataset import labelled_examples
from pipeline.training.label_noise import FOLDS, find_label_noise
from pipeline.training.splits import split_rows

WEIGHTS = (1.0, 0.5, 0.2, 0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--shown", type=int, default=25)
    options = arguments(parser, lambda made: [made.magnets(every=4)], WEIGHTS=(1.0, 0.0))
    where, console = settings(), Console()
    data = labelled_examples(
        find_snapshot(options.table, where, console), GraphSettings(), DescriptorSet.FAST, False, where, console
    )
    split = split_rows(data.table)
    train, validation = data.examples.take(split.train), data.examples.take(split.validation)
    names = data.table.take(split.train)
    with console.bar("Finding label noise", FOLDS) as tick:
        noise = find_label_noise(train, names["chemsys"].to_pylist(), 0, where.workers, tick)
    table = noise.table(names["material_id"].to_pylist(), names["formula"].to_pylist())
    for reason, rows in table.groupby("reason"):
        shown = ", ".join(f"{row.formula} {row.expected:.2f}" for row in rows.head(options.shown).itertuples())
        print(f"\n{len(rows)} rows: {reason} (expected, µB/atom): {shown}")
    truth, systems = validation.targets(), data.table.take(split.validation)["chemsys"].to_pylist()
    magnetic = truth > MAGNETIC_THRESHOLD
    errors, lines = [], []
    for weight in WEIGHTS:
        trees = BoostedTrees()
        weighed = replace(train, weight=np.where(noise.reason == "", 1.0, weight))
        trees.fit(weighed, validation, FitControl(seed=0, workers=where.workers))
        errors.append(np.abs(trees.predict(validation).moment - truth))
        gain = cluster_bootstrap(errors[0] - errors[-1], systems)
        lines.append([f"{weight:g}", f"{errors[-1].mean():.4f}", f"{errors[-1][magnetic].mean():.4f}", gain.text()])
        console.say(" | ".join(lines[-1]))
    print("\n" + markdown(["weight", "validation MAE, µB/atom", "magnetic rows", "gain on equal weights [95 %]"], lines))


if __name__ == "__main__":
    main()
