"""Magnetic orderings of real crystals: train the model of orderings and judge it on rows that it has not seen.

    python -m benchmarks.orderings DATA --out .work/orderings [--epochs 12] [--part val|test]

DATA is the folder with mp_site_moments.parquet and mp_magnets.parquet (crystals without a moment come from the second). The table
of graphs and the training stay in --out, and a run that was interrupted goes on from there. Choices are made on --part val. For
--part test the trees learn once more, from the train and val rows; the network stays as it is (val rows chose its epoch).

* The class and the sizes are forecast from the primitive cell of the symmetrised structure, never from the magnetic cell.
* A pattern is right if all sites with a moment above 0.1 µB have the right sign, up to permutations that the non-magnetic
  structure allows in the given cell and up to time reversal. "Told" patterns are those of a model that is told the
  crystal's class.
* spins known: the likeliest pattern on the carriers' signs where the carriers, their sizes and the class are known.
* chance: a pattern drawn from the told class (antiferromagnet: compensated up and down), the spins being known.
* carriers' signs: the share of right ones in the pattern's best image, mean over crystals, where half is a coin's.
* order in the file: first half of the carriers up, second half down. It is no forecast, but says what a network that sees the
  order of the sites would learn; this one does not see it.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.contract import FitControl
from models.graphs.crystal_graphs import CrystalGraphs
from models.graphs.site_graphs import SiteGraphs
from models.ordering.site_examples import ORDERINGS, SITE_THRESHOLD, OrderingExamples, OrderingPrediction
from models.ordering.site_model import OrderingModel
from pipeline.evaluation.ordering_metrics import (
    chance_of_pattern,
    equivariant_ceiling,
    equivariant_site_share,
    f1_scores,
    file_order_hits,
    known_spin_hits,
    known_spin_shares,
    pattern_hits,
    site_share_of_chance,
    site_shares,
    size_error,
    totals,
)
from pipeline.magnetism.site_moments import OrderedTable, build_table, non_magnetic_rows, site_moment_rows

NON_MAGNETIC_SHARE, SEED = 0.12, 0
NM, FM, FIM, AFM = range(4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--part", choices=["val", "test"], default="val")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    table = site_moment_table(options.data, options.out / "table.npz")
    model = _model(table, options.out, options.epochs)
    if options.part == "test":
        model.fit_trees(table.part("train", "val"), FitControl(seed=SEED))
    judge(model, table.part(options.part))


def site_moment_table(data: Path, path: Path) -> OrderedTable:
    """From the file of an earlier run, or built and written."""
    if not path.is_file():
        rows = list(site_moment_rows(data / "mp_site_moments.parquet"))
        rows += non_magnetic_rows(data / "mp_magnets.parquet", NON_MAGNETIC_SHARE, SEED)
        built = build_table(rows, lambda done: print(f"{done} of {len(rows)} crystals", flush=True) if done % 1024 == 0 else None)
        examples = built.examples
        arrays: dict[str, NDArray[Any]] = {f"site.{k}": v for k, v in examples.graphs.arrays().items()}
        arrays |= {f"trunk.{k}": v for k, v in examples.graphs.trunk.arrays().items()}
        np.savez(path, moment=examples.moment, ordering=examples.ordering, split=built.split, **arrays)
    with np.load(path) as saved:
        loaded = dict(saved)
    trunk = CrystalGraphs(**{k[6:]: v for k, v in loaded.items() if k.startswith("trunk.")})
    graphs = SiteGraphs(trunk, **{k[5:]: v for k, v in loaded.items() if k.startswith("site.")})
    return OrderedTable(OrderingExamples(graphs, loaded["moment"], loaded["ordering"]), loaded["split"])


def _model(table: OrderedTable, out: Path, epochs: int | None) -> OrderingModel:
    """Trained, or loaded where an earlier run has ended."""
    folder = out / "model"
    if not (folder / "model.json").is_file():
        model = OrderingModel()
        control = FitControl(seed=SEED, epochs=epochs, checkpoint=out, report=lambda row: print(row, flush=True))
        model.fit(table.part("train"), table.part("val"), control)
        folder.mkdir(exist_ok=True)
        model.save(folder)
    return OrderingModel.load(folder)


def judge(model: OrderingModel, rows: OrderingExamples) -> None:
    """All figures of a part of the table."""
    said = model.predict(rows.graphs)
    told = model.predict(rows.graphs, np.eye(len(ORDERINGS))[rows.ordering])
    _print_classes(rows, said)
    _print_patterns(model, rows, said, told)
    _print_moments(rows, said)


def _print_classes(rows: OrderingExamples, said: list[OrderingPrediction]) -> None:
    truth, p = rows.ordering, np.array([s.p_ordering for s in said])
    magnetic = truth != NM
    four = f1_scores(truth, p.argmax(axis=1), range(4))
    three = f1_scores(truth[magnetic], 1 + p[magnetic, 1:].argmax(axis=1), range(1, 4))
    _print_row("F1", *ORDERINGS, "macro", rule=True)
    _print_row("all rows", *(f"{four[c]:.3f}" for c in ORDERINGS), f"{np.mean(list(four.values())):.3f}")
    _print_row("rows with moments", "-", *(f"{three[c]:.3f}" for c in ORDERINGS[1:]), f"{np.mean(list(three.values())):.3f}")


def _print_patterns(
    model: OrderingModel, rows: OrderingExamples, said: list[OrderingPrediction], told: list[OrderingPrediction]
) -> None:
    assert model.trees is not None
    shares = {
        "right": pattern_hits(rows, said),
        "carriers right": pattern_hits(rows, said, carriers_only=True),
        "told, right": pattern_hits(rows, told),
        "told, carriers right": pattern_hits(rows, told, carriers_only=True),
        "spins known": known_spin_hits(rows, model.trees),
        "chance, carriers": chance_of_pattern(rows),
        "equivariant at most": equivariant_ceiling(rows),
        "order in the file": file_order_hits(rows),
    }
    _print_shares("patterns", rows, shares)
    sites = {
        "sites right": site_shares(rows, said),
        "told, sites right": site_shares(rows, told),
        "spins known": known_spin_shares(rows, model.trees),
        "chance": site_share_of_chance(rows),
        "equivariant at most": equivariant_site_share(rows),
    }
    _print_shares("carriers' signs", rows, sites)


def _print_shares(title: str, rows: OrderingExamples, shares: dict[str, NDArray[Any]]) -> None:
    """Means over the crystals of each class; those for which a share has no meaning (NaN) are left out."""
    print()
    _print_row(title, "rows", *shares, rule=True)
    for c in (FM, FIM, AFM):
        own = rows.ordering == c
        _print_row(ORDERINGS[c], own.sum(), *(f"{np.nanmean(share[own]):.3f}" for share in shares.values()))


def _print_moments(rows: OrderingExamples, said: list[OrderingPrediction]) -> None:
    large, carrier = np.abs(rows.moment) > SITE_THRESHOLD, rows.graphs.site_carrier > 0
    print()
    _print_row("size of the moment", "sites", "mean, µB", "MAE, µB", rule=True)
    for name, where in (
        ("> 0.1 µB, or a carrier", large | carrier),
        ("> 0.1 µB", large),
        ("> 0.1 µB on a carrier", large & carrier),
    ):
        _print_row(name, where.sum(), f"{np.abs(rows.moment[where]).mean():.3f}", f"{size_error(rows, said, where):.3f}")
    total, c = totals(rows, said), rows.ordering
    print()
    _print_row(
        "MAE of the total moment, µB/atom", "sum of sizes", "likeliest pattern", "expected", "gain", "gain of expected", rule=True
    )
    for name, own in (("FM", c == FM), ("FiM", c == FIM), ("AFM", c == AFM), ("FiM and AFM", c >= FIM)):
        e = {k: float(np.abs(total[k] - total["truth"])[own].mean()) for k in ("sizes", "pattern", "expected")}
        gains = [f"{100 * (1 - e[k] / e['sizes']):.0f} %" for k in ("pattern", "expected")]
        _print_row(name, *(f"{v:.4f}" for v in e.values()), *gains)


def _print_row(*cells: object, rule: bool = False) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)
    if rule:
        print("|---" * len(cells) + "|")


if __name__ == "__main__":
    main()
