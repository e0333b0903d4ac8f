"""Does the error bar know an element that was never seen? Forests trained without it, tested on crystals that have it.

    python -m benchmarks.leave_one_out ../shared/data/mp_magnets.parquet [--elements Fe,Co,Mn,Gd,Eu,N,O]

Two kinds of forest learn from training rows without the element; weights, errors and domain come from validation rows without it.
Tested on: training and validation rows with the element (no test row takes part), and, to compare, a quarter of the validation
rows without it, of chemical systems that taught nothing.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from pymatgen.core import Element
from scipy.stats import spearmanr

from benchmarks.learning_curve import find_snapshot
from benchmarks.smoke import arguments
from flows.console import Console
from models.contract import FitControl
from models.trees.forest import ExtraTrees, Forest
from pipeline.demos.figures import markdown
from pipeline.features.descriptor_sets import DescriptorSet
from pipeline.features.descriptors import descriptor_names
from pipeline.features.neighbours import GraphSettings
from pipeline.settings import settings
from pipeline.training.dataset import labelled_examples
from pipeline.training.splits import split_rows
from pipeline.uncertainty.applicability_domain import Domain
from pipeline.uncertainty.ensemble_errors import ErrorModel
from pipeline.uncertainty.error_model import DifficultySettings

HALF = np.array([0.5, 0.5])
QUICK = DifficultySettings(n_estimators=24)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--elements", default="Fe,Co,Mn,Gd,Eu,N,O")
    parser.add_argument("--rows", type=int, default=8000, help="training rows of each forest")
    parser.add_argument("--tested", type=int, default=2000, help="rows with the element, at most")
    parser.add_argument("--trees", type=int, default=24)
    options = arguments(parser, lambda made: [made.magnets(), "--elements", "Si", "--rows", 100, "--trees", 4])
    where, console = settings(), Console()
    data = labelled_examples(
        find_snapshot(options.table, where, console), GraphSettings(), DescriptorSet.FAST, False, where, console
    )  # fmt: skip
    split, examples = split_rows(data.table), data.examples
    systems = np.array(data.table.column("chemsys").to_pylist())
    elements = [set(name.split("-")) for name in systems]
    body = []
    for name in options.elements.split(","):
        rng = np.random.default_rng(Element(name).Z)
        has = np.array([name in found for found in elements])
        train = rng.permutation(split.train[~has[split.train]])[: options.rows]
        without = rng.permutation(split.validation[~has[split.validation]])
        chosen, apart = _halves(without, systems, rng)
        both = np.concatenate([split.train, split.validation])
        tested = rng.permutation(both[has[both]])[: options.tested]
        learned, known = examples.take(train), examples.take(chosen)
        members = {}
        for kind in (Forest, ExtraTrees):
            members[kind.family] = kind(replace(kind.defaults, n_estimators=options.trees))
            members[kind.family].fit(learned, known, FitControl(workers=where.workers))
        domain = Domain.fit(learned, known, len(descriptor_names()))
        said = [m.predict(known) for m in members.values()]
        errors = ErrorModel.fit(known.targets(), said, HALF, known, systems[chosen].tolist(), domain, 0, QUICK)
        for what, rows in (("without", apart), ("with", tested)):
            there = examples.take(rows)
            found = {n: m.predict(there) for n, m in members.items()}
            truth = there.targets()
            wide = errors.predict(found, HALF, there)
            narrow = replace(errors, domain=None).predict(found, HALF, there)
            error = np.abs(wide.moment - truth)
            coverage = [float(((truth >= j.low) & (truth <= j.high)).mean()) for j in (narrow, wide)]
            width = [float(((j.high - j.low) / 2).mean()) for j in (narrow, wide)]
            body.append(
                [name, what, f"{len(rows)}", f"{error.mean():.3f}", f"{np.median(wide.ood_score):.2f}",
                 f"{(wide.ood_score > 1).mean():.2f}", f"{coverage[0]:.3f}", f"{coverage[1]:.3f}", f"{width[0]:.3f}",
                 f"{width[1]:.3f}", f"{spearmanr(wide.std, error).statistic:.2f}"]
            )  # fmt: skip
            console.say(" | ".join(body[-1]))
    head = ["element", "rows", "n", "MAE", "ood_score, median", "above 1", "90 % interval holds, not widened", "widened",
            "half width", "widened", "Spearman"]  # fmt: skip
    print(markdown(head, body))


def _halves(rows: np.ndarray, systems: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Three quarters to calibrate, a quarter to test, chemical systems whole."""
    names = np.unique(systems[rows])
    apart = set(names[rng.random(len(names)) < 0.25].tolist())
    test = np.array([systems[k] in apart for k in rows])
    return rows[~test], rows[test]


if __name__ == "__main__":
    main()
