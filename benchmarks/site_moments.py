"""What a network gains from site moments: the same rows, epochs and seeds with and without them.

    python -m benchmarks.site_moments ../shared/data/mp_magnets.parquet ../shared/data/mp_site_moments.parquet
        --out .work/site_moments [--share 0.25] [--epochs 20] [--seeds 3] [--sites 0,1,4,12]

A share of the training chemical systems is drawn once, for the labelled crystals and for those with site moments alike; `--sites`
are values of models.networks.heads.SITES, 0 without any site moment. Nothing disturbs the network: a fourth of the rows is better
learned so (docs/results/model-families.md). The error is that of all validation rows; its gain over 0 is a mean over the seeds,
with the 95 % interval of a bootstrap over chemical systems. A finished run is a line in results.jsonl and is not run again; an
unfinished one goes on from its last epoch.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.figures import Journal
from benchmarks.learning_curve import find_snapshot
from benchmarks.smoke import arguments
from data.labels import MAGNETIC_THRESHOLD
from data.store.artifact import make_folder
from flows.console import Console
from models.contract import Examples, FitControl
from models.networks import heads
from models.networks.mpnn import MPNN, MPNNSettings
from pipeline.demos.figures import markdown
from pipeline.evaluation.bootstrap import cluster_bootstrap
from pipeline.features.descriptor_sets import DescriptorSet
from pipeline.features.neighbours import GraphSettings
from pipeline.featurise import Needs
from pipeline.settings import settings
from pipeline.training.dataset import labelled_examples
from pipeline.training.site_moment_rows import site_moment_rows
from pipeline.training.splits import split_rows

HEAD = ["SITES", "seeds", "rows", "MAE, µB/atom", "magnetic rows", "gain [95 %]", "gain, magnetic rows [95 %]"]


def main() -> None:
    options = _options()
    where, console, out = settings(), Console(), make_folder(options.out)
    labelled, sites = (find_snapshot(path, where, console) for path in (options.table, options.site_table))
    data = labelled_examples(labelled, GraphSettings(), DescriptorSet.FAST, False, where, console)
    split = split_rows(data.table)
    system = np.array(data.table["chemsys"].to_pylist())
    closed = set(system[np.concatenate([split.validation, split.test])].tolist())
    every = sorted(set(system[split.train].tolist()) | set(sites.table(["chemsys"])["chemsys"].to_pylist()) - closed)
    left_out = np.random.default_rng(0).permutation(every)[round(options.share * len(every)) :]
    train = data.examples.take(split.train[~np.isin(system[split.train], left_out)])
    validation = data.examples.take(split.validation)
    taught = train.followed_by(site_moment_rows(sites, closed | set(left_out.tolist()), Needs(), console))
    journal = Journal(out / "results.jsonl")
    wanted = [(weight, seed) for seed in range(options.seeds) for weight in map(float, options.sites.split(","))]
    for weight, seed in wanted:
        key = f"{labelled.id}-{sites.id}-{options.share:g}-{options.epochs}-{weight:g}-{seed}"
        if not any(line["key"] == key for line in journal.lines()):
            rows = taught if weight else train
            said = run(rows, validation, weight, seed, options.epochs, out / key, console)
            journal.append({"key": key, "weight": weight} | said)
    print(table(journal.lines(), validation.targets(), data.table["chemsys"].take(pa.array(split.validation)).to_pylist()))


def run(
    train: Examples, validation: Examples, weight: float, seed: int, epochs: int, folder: Path, console: Console
) -> dict[str, Any]:
    """Train; the rows that were learned, and the predictions of the validation rows."""
    heads.SITES = weight
    model = MPNN(MPNNSettings(dropout=0.0, strain=0.0))
    with console.bar(folder.name, epochs) as tick:
        control = FitControl(seed=seed, epochs=epochs, checkpoint=make_folder(folder), report=lambda row: tick(1))
        model.fit(train, validation, control)
    shutil.rmtree(folder)
    return {"rows": len(train), "moment": model.predict(validation).moment.round(5).tolist()}


def table(lines: list[dict[str, Any]], truth: np.ndarray[Any, Any], systems: list[str]) -> str:
    """The mean error by SITES, and the gain over training without site moments."""
    weights = sorted({line["weight"] for line in lines})
    error = {
        w: np.mean([np.abs(np.array(line["moment"]) - truth) for line in lines if line["weight"] == w], axis=0) for w in weights
    }
    magnetic = truth > MAGNETIC_THRESHOLD
    body = []
    for w in weights:
        own = [line for line in lines if line["weight"] == w]
        row = [f"{w:g}", str(len(own)), f"{own[0]['rows']:,}", f"{error[w].mean():.4f}", f"{error[w][magnetic].mean():.4f}"]
        for part in (np.ones(len(truth), dtype=bool), magnetic):
            if w == 0 or 0.0 not in error:
                row.append("")
                continue
            found = cluster_bootstrap((error[0.0] - error[w])[part], np.array(systems, dtype=object)[part])
            row.append(found.text())
        body.append(row)
    return markdown(HEAD, body)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("site_table", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--share", type=float, default=0.25)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sites", default="0,1,4,12")
    given = ("--share", 1, "--epochs", 1, "--seeds", 1, "--sites", "0,4")
    return arguments(parser, lambda made: [made.magnets(), made.site_moments(), "--out", made.out(), *given])


if __name__ == "__main__":
    main()
