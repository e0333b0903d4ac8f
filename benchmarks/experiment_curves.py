"""How far more data would help the models of experiments: learning curve, random splits, noise of the labels.

    python -m benchmarks.experiment_curves ../shared/data/literature [--folds 1] [--trees 24] [--smoke]

Forests alone (they carry most of the ensemble and learn in a minute), of fewer trees than the shipped ones. The learning curve
leaves whole chemical systems out of a fold's training rows. A random split of the same size stands beside the split by chemical
system, because published figures rest on random splits.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.smoke import arguments
from models.experiment.composition_network import from_root
from models.experiment.tree_members import ForestSettings, grow_forest, predict_forest
from pipeline.demos.figures import markdown
from pipeline.evaluation.experiment_metrics import temperature_metrics
from pipeline.training.experiment_evaluation import with_rare_earth
from pipeline.training.experiment_rows import FOLDS, ExperimentRows, read_rows

SHARES = (0.2, 0.4, 0.6, 0.8, 1.0)  # of the chemical systems
Mask = NDArray[np.bool_]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("literature", type=Path)
    parser.add_argument("--folds", type=int, default=1)
    parser.add_argument("--trees", type=int, default=24)
    options = arguments(parser, lambda made: [made.literature(), "--trees", 4])
    rows, trees = read_rows(options.literature), options.trees
    settings = ForestSettings(n_estimators=trees)
    lines = []
    for share in SHARES:
        splits = [(seen(rows, k, share), rows.fold == k) for k in range(options.folds)]
        lines.append([f"{share:.0%} of the systems", *_row(rows, settings, splits)])
    held_out = [random_split(rows, k) for k in range(options.folds)]
    lines.append(["random split", *_row(rows, settings, [(~part, part) for part in held_out])])
    head = ["learned from", "rows of Tc", "MAE of Tc, K", "without rare earths, K", "R²", "AUROC of the order"]
    print(f"Forests of {trees} trees, {options.folds} of {FOLDS} folds\n\n{markdown(head, lines)}")


def seen(rows: ExperimentRows, fold: int, share: float) -> Mask:
    """Rows of the other folds whose chemical systems are among the first `share` of them, in a random order."""
    systems = rows.table["chemsys"].to_numpy()
    mixed = np.random.default_rng(fold).permutation(np.unique(systems[rows.fold != fold]))
    kept: Mask = np.isin(systems, mixed[: round(share * len(mixed))])
    return kept


def random_split(rows: ExperimentRows, fold: int) -> Mask:
    """(rows,) held-out rows: as many as in a fold, whatever their chemical systems."""
    mixed = np.random.default_rng(0).permutation(len(rows.fold))
    held_out = np.zeros(len(mixed), dtype=bool)
    held_out[np.array_split(mixed, FOLDS)[fold]] = True
    return held_out


def _row(rows: ExperimentRows, settings: ForestSettings, splits: list[tuple[Mask, Mask]]) -> list[str]:
    """Means over pairs of training and held-out rows."""
    from sklearn.metrics import roc_auc_score

    earth, figures = with_rare_earth(rows), []
    for learned, held_out in splits:
        known, truth, predicted = fit_and_ask(rows, "tc", learned, held_out, settings)
        value = from_root(predicted)
        free = ~earth[known]
        whole, without = temperature_metrics(truth, value), temperature_metrics(truth[free], value[free])
        _, order, logit = fit_and_ask(rows, "order", learned, held_out, settings)
        count = float((learned & rows.table["tc"].notna().to_numpy()).sum())
        figures.append([count, whole["mae_K"], without["mae_K"], whole["r2"], float(roc_auc_score(order, logit))])
    return [f"{value:{text}}" for value, text in zip(np.mean(figures, axis=0), (",.0f", ".1f", ".1f", ".3f", ".4f"), strict=True)]


def fit_and_ask(
    rows: ExperimentRows, task: str, learned: Mask, held_out: Mask, settings: ForestSettings
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Held-out rows where the task's answer is known, the answers, and what a forest of the learned rows predicts."""
    known, truth, weight = rows.target(task)
    use, asked = learned[known], held_out[known]
    columns = rows.formulas.columns[known]
    trees = grow_forest(columns[use], truth[use], weight[use], task, settings, 0)
    return known[asked], truth[asked], predict_forest(trees, columns[asked], task)[0]


if __name__ == "__main__":
    main()
