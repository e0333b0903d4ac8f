"""Do the error bars hold for crystals unlike all that was learned from? Small ensembles trained without an element, a prototype
or the newest entries, tested on the crystals that were left out.

    python -m benchmarks.leave_one_out ../shared/data/mp_magnets.parquet [--members mpnn,cgcnn] [--left-out Fe,1-1-2/225,newest]
        [--pretrain-on ../shared/data/icsd_candidates.parquet]

What may be left out: an element (`Fe`), a prototype (`1-1-2/225`: the formula's numbers in rising order and the space group, here
the full Heuslers) and the tenth of the ids with the highest numbers (`newest`). One member of each family learns from training
rows without it; the error model, the calibration and the domain come from validation rows without it. Tested on: training and
validation rows that were left out (no test row takes part), and, to compare, a quarter of the validation rows of the other kind,
of chemical systems that taught nothing. With `--pretrain-on` networks learn structures first, as in `train`: those of their
training rows and of the crystals given, without what is left out and the chemical systems of all rows that calibrate or test.
"""

from __future__ import annotations

import argparse
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial, reduce
from math import gcd
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from benchmarks.calibrated import calibrated, equal_weights
from benchmarks.learning_curve import find_snapshot
from benchmarks.pretraining import pretrained, read_structures
from benchmarks.smoke import arguments
from data.labels import MAGNETIC_THRESHOLD
from flows.console import Console
from models.contract import Examples, FitControl, Model
from models.families import family
from models.graphs.crystal_graphs import CrystalGraphs
from models.trees.forest import Forest
from pipeline.demos.figures import markdown
from pipeline.evaluation.metrics import coverage_by_bin
from pipeline.features.descriptor_sets import DescriptorSet
from pipeline.features.neighbours import GraphSettings
from pipeline.settings import settings
from pipeline.training.dataset import Labelled, labelled_examples
from pipeline.training.splits import split_rows
from pipeline.training.unlabelled import chemical_systems
from pipeline.uncertainty.ensemble_errors import ErrorModel

NEWEST = 0.1  # share of the entries
FEW = 30  # rows of a range of predictions, below which its coverage says nothing
HEAD = [
    "left out", "rows", "n", "MAE", "magnetic", "ood_score, median", "above 1", "90 % interval holds, not widened", "widened",
    "of magnetic rows", "least of any range", "half width", "Spearman",
]  # fmt: skip
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Crystals:
    """What tells what a crystal is: one entry a row."""

    elements: list[set[str]]
    systems: NDArray[np.str_]
    prototypes: NDArray[np.str_]
    numbers: Rows  # of the ids
    graphs: CrystalGraphs

    @classmethod
    def of(cls, graphs: CrystalGraphs, numbers: Rows) -> Crystals:
        """Of graphs and the numbers of their ids, (crystals,); all the same where there are none."""
        systems, prototypes, ends = chemical_systems(graphs), [], graphs.node_ptr.tolist()
        for a, b, atoms, group in zip(ends, ends[1:], graphs.n_atoms.tolist(), graphs.space_group.tolist(), strict=False):
            share = np.bincount(graphs.numbers[a:b], graphs.node_weight[a:b])
            prototypes.append(f"{_in_rising_order(atoms * share[share > 0])}/{group}")
        return cls([set(name.split("-")) for name in systems], np.array(systems), np.array(prototypes), numbers, graphs)

    def named(self, name: str) -> NDArray[np.bool_]:
        """(rows,) which of them an element, a prototype or `newest` names."""
        if name == "newest":  # none, where crystals have no ids
            return np.asarray(self.numbers > np.quantile(self.numbers, 1 - NEWEST))
        if "/" in name:
            return np.asarray(self.prototypes == name)
        return np.array([name in found for found in self.elements])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--left-out", default="Fe,Co,Mn,Gd,Eu,N,O,1-1-2/225,1-1-3/221,newest")
    parser.add_argument("--members", default="forest,extratrees", help="families; one member of each")
    parser.add_argument("--rows", type=int, default=8000, help="training rows")
    parser.add_argument("--tested", type=int, default=2000, help="rows that were left out, at most")
    parser.add_argument("--trees", type=int, default=24, help="of each forest")
    parser.add_argument("--epochs", type=int, default=12, help="of each network")
    parser.add_argument("--pretrain-on", type=Path, nargs="*", help="crystals without labels, whose structures are learned first")
    options = arguments(parser, lambda made: [
        made.magnets(), "--left-out", "Si,newest", "--rows", 100, "--trees", 4, "--epochs", 1, "--members", "forest,mpnn",
        "--pretrain-on", made.candidates(),
    ])  # fmt: skip
    where, console = settings(), Console()
    snapshot = find_snapshot(options.table, where, console)
    data = labelled_examples(snapshot, GraphSettings(), DescriptorSet.FAST, False, where, console)
    numbers = np.array([int(re.sub(r"\D", "", name) or 0) for name in data.table.column("material_id").to_pylist()])
    crystals, body = Crystals.of(data.examples.graphs, numbers), list[list[str]]()
    unlabelled = read_structures(options.pretrain_on, where, console)
    pool = None if unlabelled is None else Crystals.of(unlabelled, np.zeros(len(unlabelled), dtype=np.int64))
    for name in options.left_out.split(","):
        for row in _left_out(name, data, crystals, pool, options, where.workers, console):
            body.append(row)
            console.say(" | ".join(row))
    print(markdown(HEAD, body))


def _left_out(
    name: str, data: Labelled, crystals: Crystals, pool: Crystals | None, options: argparse.Namespace, workers: int,
    console: Console,
) -> list[list[str]]:  # fmt: skip
    """Two rows of the table: crystals like those that were learned from, and those that were left out."""
    split, examples, rng = split_rows(data.table), data.examples, np.random.default_rng(zlib.crc32(name.encode()))
    has = crystals.named(name)
    train = rng.permutation(split.train[~has[split.train]])[: options.rows]
    chosen, apart = _halves(rng.permutation(split.validation[~has[split.validation]]), crystals.systems, rng)
    both = np.concatenate([split.train, split.validation])
    tested = rng.permutation(both[has[both]])[: options.tested]
    learned, known = examples.take(train), examples.take(chosen)
    control = FitControl(epochs=options.epochs, workers=workers)
    members = {kind: _member(kind, options.trees) for kind in options.members.split(",")}
    closed = crystals.systems[np.concatenate([chosen, apart, tested])]
    structures = [] if pool is None else [learned.graphs, _without(pool, name, closed)]
    with TemporaryDirectory() as folder:
        for kind, model in members.items():
            start = None
            if structures:
                join = partial(CrystalGraphs.join, structures)
                start = pretrained(_member(kind, options.trees), join, Path(folder) / kind, console, workers)
            model.fit(learned, known, replace(control, pretrained=start))
    errors = calibrated(members, learned, known, crystals.systems[chosen].tolist())
    return [
        [name, what, *_figures(members, errors, equal_weights(members), examples.take(rows))]
        for what, rows in (("without", apart), ("with", tested))
    ]


def _without(pool: Crystals, name: str, closed: NDArray[np.str_]) -> CrystalGraphs:
    """The crystals that are not what `name` says, and whose chemical systems are not closed."""
    return pool.graphs.take(np.flatnonzero(~pool.named(name) & ~np.isin(pool.systems, closed)).astype(np.int64))


def _member(kind: str, trees: int) -> Model:
    made = family(kind)()
    return type(made)(replace(made.settings, n_estimators=trees)) if isinstance(made, Forest) else made


def _figures(members: dict[str, Model], errors: ErrorModel, weights: NDArray[np.float64], there: Examples) -> list[str]:
    found, truth = {name: model.predict(there) for name, model in members.items()}, there.targets()
    wide = errors.predict(found, weights, there)
    narrow = replace(errors, domain=None).predict(found, weights, there)
    error, magnetic = np.abs(wide.moment - truth), truth > MAGNETIC_THRESHOLD
    inside = (truth >= wide.low) & (truth <= wide.high)
    ranges = coverage_by_bin(truth, wide.moment, wide.low, wide.high)
    least = min((r["coverage"] for r in ranges if r["n"] >= FEW), default=np.nan)
    return [
        f"{len(truth)}", f"{error.mean():.3f}", f"{error[magnetic].mean():.3f}", f"{np.median(wide.ood_score):.2f}",
        f"{(wide.ood_score > 1).mean():.2f}", f"{((truth >= narrow.low) & (truth <= narrow.high)).mean():.3f}",
        f"{inside.mean():.3f}", f"{inside[magnetic].mean():.3f}", f"{least:.3f}", f"{((wide.high - wide.low) / 2).mean():.3f}",
        f"{spearmanr(wide.std, error).statistic:.2f}",
    ]  # fmt: skip


def _in_rising_order(amounts: Iterable[float]) -> str:
    """`1-1-2` of any crystal with these numbers of atoms."""
    rising = sorted(round(n) for n in amounts)
    return "-".join(str(n // reduce(gcd, rising)) for n in rising)


def _halves(rows: Rows, systems: NDArray[np.str_], rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Three quarters to calibrate, a quarter to test, chemical systems whole."""
    names = np.unique(systems[rows])
    apart = set(names[rng.random(len(names)) < 0.25].tolist())
    test = np.array([systems[k] in apart for k in rows])
    return rows[~test], rows[test]


if __name__ == "__main__":
    main()
