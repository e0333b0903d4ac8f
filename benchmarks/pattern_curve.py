"""What more antiferromagnets would teach the trees of patterns: a learning curve.

    python -m benchmarks.pattern_curve ../shared/data --out .work/orderings [--folds 4]

The antiferromagnets outside of test that leave a choice between patterns, spins and class known, as in benchmarks/orderings.py,
whose table in --out is read or made. Each fold of the chemical systems is judged by trees that learned from all others, or from a
half, a quarter or an eighth of these systems.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.orderings import AFM, SEED, site_moment_table
from models.ordering.pattern_trees import PATTERN_BOOSTING, PatternTrees, all_rivals
from models.ordering.site_examples import OrderingExamples
from pipeline.demos.figures import markdown
from pipeline.evaluation.ordering_metrics import known_spin_hits

SHARES = (0.125, 0.25, 0.5, 1.0)

Index = NDArray[np.int64]


def with_a_choice(examples: OrderingExamples) -> OrderingExamples:
    """The antiferromagnets whose spins allow patterns other than their own."""
    rows = examples.take(np.flatnonzero(examples.ordering == AFM))
    return rows.take(np.array([rivals.crystal for rivals in all_rivals(rows) if not rivals.own.all()], dtype=np.int64))


def systems(examples: OrderingExamples) -> Index:
    """(crystals,) a number drawn by the elements of each."""
    trunk = examples.graphs.trunk
    elements = [sorted(set(part.tolist())) for part in np.split(trunk.numbers, trunk.node_ptr[1:-1])]
    return np.array([int.from_bytes(hashlib.sha256(repr(e).encode()).digest()[:6]) for e in elements], dtype=np.int64)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--folds", type=int, default=4)
    options = parser.parse_args()
    rows = with_a_choice(site_moment_table(options.data, options.out / "table.npz").part("train", "val"))
    drawn = systems(rows)
    fold, lot = drawn % options.folds, (drawn // options.folds % 1000) / 1000
    lines = []
    for share in SHARES:
        hits, learned = np.zeros(len(rows)), []
        for k in range(options.folds):
            chosen = np.flatnonzero((fold != k) & (lot < share))
            trees = PatternTrees.fit(rows.take(chosen), PATTERN_BOOSTING, SEED)
            judged = np.flatnonzero(fold == k)
            hits[judged] = known_spin_hits(rows.take(judged), trees)
            learned.append(float(len(chosen)))
        error = hits.std() / len(hits) ** 0.5
        lines.append([f"{share:g}", f"{np.mean(learned):.0f}", f"{hits.mean():.3f} ± {error:.3f}"])
        print(lines[-1], flush=True)
    print(f"\n{len(rows):,} antiferromagnets\n\n{markdown(['share of systems', 'crystals', 'right patterns'], lines)}")


if __name__ == "__main__":
    main()
