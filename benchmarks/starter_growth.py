"""What further compounds in the starter set bring to the ensemble of `ferroscreen run`.

    FERROSCREEN_HOME=FOLDER python -m benchmarks.starter_growth [--seeds 3]

The ensemble is trained on the first 72 compounds, and on all of them, with the same settings and seeds. Both predict the same
crystals: the test rows, which no chemical system of training or validation touches, of the first compounds and of the others.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.smoke import arguments
from data.crystal import Crystal
from data.snapshot import publish_snapshot
from data.sources import Record
from data.sources.selected import Selected
from data.sources.starter import StarterSource
from flows.console import Console
from flows.jobs.starter import EPOCHS
from pipeline.demos.figures import markdown
from pipeline.featurise import featurise
from pipeline.registry.ensemble import Ensemble
from pipeline.settings import settings
from pipeline.training.splits import part_of
from pipeline.training.train import TrainSettings, train_ensemble

FIRST_ROWS = 290  # those of the first 72 compounds
TEST = "test"


@dataclass(frozen=True)
class Row:
    """A labelled crystal of the starter set."""

    crystal: Crystal
    moment: float  # µB/atom
    first: bool  # among the first rows

    @property
    def part(self) -> str:
        return part_of(self.crystal.chemsys)


def labelled_rows() -> list[Row]:
    source = StarterSource()
    records = [item for shard in source.shards() for item in source.read(shard) if isinstance(item, Record)]
    return [
        Row(record.crystal, record.label.per_atom(record.crystal.n_sites), k < FIRST_ROWS)
        for k, record in enumerate(records)
        if record.label is not None and isinstance(record.crystal, Crystal)
    ]


def errors(model: Ensemble, rows: list[Row]) -> NDArray[np.float64]:
    """|predicted - calculated| of each row, µB/atom."""
    said = model.predict(featurise([row.crystal for row in rows], model.needs).examples).moment
    off: NDArray[np.float64] = np.abs(said - np.array([row.moment for row in rows]))
    return off


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    options = arguments(parser, lambda data: ["--seeds", "1", "--epochs", "2"], FIRST_ROWS=150)
    rows, where, console = labelled_rows(), settings(), Console()
    test = [row for row in rows if row.part == TEST]
    first = np.array([row.first for row in test])
    trained = {"first compounds": [row for row in rows if row.first], "all compounds": rows}
    lines = []
    for name, known in trained.items():
        snapshot = publish_snapshot(where.snapshots, Selected(StarterSource(), frozenset(row.crystal.id for row in known)))
        for seed in range(options.seeds):
            model = train_ensemble(snapshot, TrainSettings(epochs=options.epochs, first_seed=seed), where, console)
            off = errors(model, test)
            learned = sum(row.part == "train" for row in known)
            lines.append([name, str(learned), str(seed), *(_mean(off[part]) for part in (first, ~first))])
    rows_of = (f"{first.sum()} test rows of the first compounds", f"{(~first).sum()} of the others")
    print(markdown(("trained on", "training rows", "seed", *(f"MAE, µB/atom, {some}" for some in rows_of)), lines))


def _mean(values: NDArray[np.float64]) -> str:
    return f"{values.mean():.4f}" if len(values) else "none"


if __name__ == "__main__":
    main()
