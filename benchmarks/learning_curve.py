"""How much each family learns from 1 %, 3 %, 10 %, 30 % and 100 % of the training rows.

    python -m benchmarks.learning_curve ../shared/data/mp_magnets.parquet --out .work/learning_curve
        [--families cgcnn,megnet,ecn,mcegnn] [--fractions 0.01,0.03,0.1,0.3,1] [--plot docs/learning_curve.svg]

The rules, the same for every family:

* rows: the table's own split. A seed shuffles the training rows once; a fraction is the first so many of them, so the subsets
  of one seed are nested. Three seeds below 30 %, one from 30 % on. The seed also starts the network.
* epochs: the family's default from 10 % on, twice that below. Patience is half the epochs.
* the best epoch is chosen on all validation rows from 30 % on, on 2,000 of them (always the same) below.
* the error is that of all test rows, looked at once, after the training.

Smallest fractions come first, so that an interrupted benchmark has whole columns. A finished run is a line in results.jsonl and
is not run again; an unfinished one goes on from its last epoch. Graphs come from the project's stores (FERROSCREEN_HOME).
"""

from __future__ import annotations

import argparse
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from benchmarks.figures import Journal
from benchmarks.smoke import arguments
from data.snapshot import Snapshot, list_snapshots, publish_snapshot
from data.sources.opening import labelled_source
from data.sources.parquet import Columns
from data.store.artifact import make_folder, write_bytes
from flows.console import Console
from models.contract import FitControl
from models.families import family
from models.networks.network_model import NetworkModel
from pipeline.demos.figures import Measured, curves, markdown
from pipeline.features.descriptor_sets import DescriptorSet
from pipeline.features.neighbours import GraphSettings
from pipeline.settings import Settings, settings
from pipeline.training.dataset import Labelled, labelled_examples
from pipeline.training.splits import Split, split_rows

LARGE = 0.3  # from this fraction on: one seed, default epochs, all validation rows
SEEDS = 3
FEW = 0.1  # below this fraction: twice the default epochs
FEW_VALIDATION = 2000


@dataclass(frozen=True)
class Run:
    """One training."""

    family: str
    fraction: float
    seed: int

    @property
    def key(self) -> tuple[str, float, int]:
        return self.family, self.fraction, self.seed

    @property
    def name(self) -> str:
        return f"{self.family}-{self.fraction:g}-{self.seed}"

    def epochs(self, default: int) -> int:
        return default if self.fraction >= FEW else 2 * default


def main() -> None:
    options = _options()
    where, console, out = settings(), Console(), make_folder(options.out)
    families, fractions = options.families.split(","), sorted(map(float, options.fractions.split(",")))
    journal = Journal(out / "results.jsonl")
    snapshot = find_snapshot(options.table, where, console)
    runs = [Run(f, x, seed) for x in fractions for f in families for seed in range(SEEDS if x < LARGE else 1)]
    done = {_key(line) for line in journal.lines() if line["snapshot"] == snapshot.id}
    todo = [run for run in runs if run.key not in done]
    console.say(f"{len(runs)} runs, {len(todo)} to do, snapshot {snapshot.id}")
    if todo:
        vectors = any(family(name).reads_vectors for name in families)
        data = labelled_examples(snapshot, GraphSettings(), DescriptorSet.FAST, vectors, where, console)
        split = split_rows(data.table)
        for k, run in enumerate(todo):
            console.say(f"[{k + 1}/{len(todo)}] {run.name}")
            line = measure(run, data, split, out / run.name, where.workers, console)
            journal.append({**line, "snapshot": snapshot.id})
            shutil.rmtree(out / run.name)
            console.say(f"    test {line['test_mae']:.4f}, validation {line['validation_mae']:.4f}, {line['seconds']:.0f} s")
    lines = [line for line in journal.lines() if line["snapshot"] == snapshot.id and line["family"] in families]
    print(table(lines, families))
    if options.plot and lines:
        write_bytes(options.plot, picture(lines, families).encode())


def measure(run: Run, data: Labelled, split: Split, folder: Path, workers: int, console: Console) -> dict[str, Any]:
    """Train and test; what a line of results.jsonl says of it."""
    order = np.random.default_rng(run.seed).permutation(split.train)
    rows = np.sort(order[: round(run.fraction * len(order))])
    chosen = split.validation
    if run.fraction < LARGE and len(chosen) > FEW_VALIDATION:
        chosen = np.sort(np.random.default_rng(0).permutation(chosen)[:FEW_VALIDATION])
    model = family(run.family)()
    if not isinstance(model, NetworkModel):
        raise SystemExit(f"{run.family} is no network: this benchmark counts in epochs")
    epochs = run.epochs(model.training.epochs)
    # an attribute of its own, beside the one of the class
    vars(model)["training"] = replace(model.training, patience=max(epochs // 2, 1))
    with console.bar(run.name, epochs) as tick:
        seen = 0

        def report(row: dict[str, float]) -> None:
            nonlocal seen
            tick(int(row["epoch"]) - seen)  # a resumed run starts beyond zero
            seen = int(row["epoch"])

        control = FitControl(seed=run.seed, epochs=epochs, checkpoint=make_folder(folder), workers=workers, report=report)
        history = model.fit(data.examples.take(rows), data.examples.take(chosen), control)
    started = time.monotonic()
    test = data.examples.take(split.test)
    error = float(np.abs(model.predict(test).moment - test.targets()).mean())
    return {
        "family": run.family, "fraction": run.fraction, "seed": run.seed, "epochs": epochs, "epochs_run": len(history),
        "train_rows": len(rows), "validation_rows": len(chosen), "test_rows": len(test), "test_mae": error,
        "validation_mae": min(row["validation_mae"] for row in history), "seconds": history[-1]["seconds"],
        "seconds_test": time.monotonic() - started,
    }  # fmt: skip


def find_snapshot(path: Path, where: Settings, console: Console) -> Snapshot:
    """The newest snapshot of this table, or one published now."""
    source = labelled_source(f"parquet:{path}", Columns())
    rows = pq.read_metadata(path).num_rows
    for snapshot in reversed(list_snapshots(where.snapshots)):
        known = snapshot.manifest
        if known["source"] == source.description and known["crystals"] + known["quarantined"] == rows:
            return snapshot
    with console.bar("Reading the table", rows) as tick:
        return publish_snapshot(where.snapshots, source, tick)


def summary(lines: list[dict[str, Any]], families: list[str]) -> dict[str, dict[float, Measured]]:
    """Test error by family and number of training rows."""
    found: dict[str, dict[float, list[float]]] = {name: {} for name in families}
    for line in {_key(line): line for line in lines}.values():  # the last of equal ones
        found[line["family"]].setdefault(line["train_rows"], []).append(line["test_mae"])
    return {name: {rows: Measured.of(errors) for rows, errors in points.items()} for name, points in found.items()}


def table(lines: list[dict[str, Any]], families: list[str]) -> str:
    points = summary(lines, families)
    sizes = sorted({rows for of_family in points.values() for rows in of_family})
    body = [[name, *(points[name][n].text(4) if n in points[name] else "" for n in sizes)] for name in families]
    total = sum(line["seconds"] for line in lines) / 3600
    head = ["test MAE, µB/atom", *(f"{n:,.0f} rows" for n in sizes)]
    return f"{markdown(head, body)}\n\n{len(lines)} runs, {total:.1f} hours of training"


def picture(lines: list[dict[str, Any]], families: list[str]) -> str:
    points = {name: found for name, found in summary(lines, families).items() if found}
    label = f"Test error over training rows of {', '.join(points)}"
    return curves(label, "training rows", "test error, MAE (µB/atom)", points)


def _key(line: dict[str, Any]) -> tuple[str, float, int]:
    return line["family"], line["fraction"], line["seed"]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--families", default="cgcnn,megnet,ecn,mcegnn")
    parser.add_argument("--fractions", default="0.01,0.03,0.1,0.3,1")
    parser.add_argument("--plot", type=Path)
    return arguments(parser, lambda made: [made.magnets(), "--out", made.out(), "--families", "cgcnn", "--fractions", "1"])


if __name__ == "__main__":
    main()
