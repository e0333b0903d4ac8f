"""Does a forest on selected descriptors lose anything? Validation error with all columns, a selection, and Magpie's alone.

    python -m benchmarks.descriptor_selection ../shared/data/mp_magnets.parquet --out .work/selection [--trees 40]

The search sees training rows only. Differences are paired, with a bootstrap over the validation rows' chemical systems.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.learning_curve import find_snapshot
from benchmarks.smoke import arguments
from data.store.artifact import make_folder, write_bytes, write_json
from flows.console import Console
from models.contract import FitControl
from models.trees.forest import BoostedTrees, ExtraTrees, Forest
from pipeline.demos.figures import markdown
from pipeline.evaluation.bootstrap import cluster_bootstrap
from pipeline.features.descriptor_sets import DescriptorSet
from pipeline.features.descriptors import descriptor_names
from pipeline.features.neighbours import GraphSettings
from pipeline.report.selectionplot import selection_trajectory
from pipeline.settings import settings
from pipeline.training.dataset import labelled_examples
from pipeline.training.descriptor_selection import SelectionSettings, select
from pipeline.training.splits import split_rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--trees", type=int, default=40)
    parser.add_argument("--kinds", default="forest", help="forest, extratrees, boosting")
    options = arguments(parser, lambda made: [made.magnets(every=3), "--out", made.out(), "--trees", 4])
    where, console, out = settings(), Console(), make_folder(options.out)
    data = labelled_examples(
        find_snapshot(options.table, where, console), GraphSettings(), DescriptorSet.FAST, False, where, console
    )  # fmt: skip
    split, names = split_rows(data.table), descriptor_names()
    train, validation = data.examples.take(split.train), data.examples.take(split.validation)
    systems = data.table.column("chemsys")
    started = time.process_time()
    with console.bar("Selecting", SelectionSettings().rounds) as tick:
        learned = systems.take(split.train).to_pylist()
        selection = select(train.descriptors, train.targets(), learned, SelectionSettings(), out, tick)
    seconds, rounds = time.process_time() - started, len(selection.trajectory)
    print(f"{len(selection.columns)} of {len(names)} columns in {rounds} rounds, {seconds:.0f} s")
    write_json(out / "selected.json", selection.to_json(names))
    write_bytes(out / "selection.svg", (selection_trajectory(selection.to_json(names)) or "").encode())
    sets = {
        "all": tuple(range(len(names))),
        "selected": selection.columns,
        "Magpie alone": tuple(k for k, name in enumerate(names) if name.startswith("MagpieData")),
    }
    kinds = {"forest": Forest, "extratrees": ExtraTrees, "boosting": BoostedTrees}
    validation_systems, truth = systems.take(split.validation).to_pylist(), validation.targets()
    body = []
    for kind in options.kinds.split(","):
        errors: dict[str, np.ndarray] = {}
        for label, columns in sets.items():
            model = kinds[kind](replace(kinds[kind].defaults, n_estimators=options.trees, columns=columns))
            started = time.process_time()
            model.fit(train, validation, FitControl(workers=where.workers))
            seconds = time.process_time() - started
            errors[label] = np.abs(model.predict(validation).moment - truth)
            gain = cluster_bootstrap(errors["all"] - errors[label], validation_systems)
            body.append([kind, label, str(len(columns)), f"{errors[label].mean():.4f}", gain.text(), f"{seconds:.0f}"])
            console.say(" ".join(body[-1]))
        against = cluster_bootstrap(errors["Magpie alone"] - errors["selected"], validation_systems)
        print(f"{kind}: selected against Magpie alone, gain {against.text()}")
    print(markdown(["family", "columns", "number", "validation MAE, µB/atom", "gain over all [95 %]", "s to fit"], body))


if __name__ == "__main__":
    main()
