"""Extremely randomised trees on composition descriptors, grown by scikit-learn and kept as plain arrays.

A temperature is the median over the trees, not their mean (quantile forests: Meinshausen, J. Mach. Learn. Res. 7, 983, 2006):
with a single row in each leaf, a wrong literature value then moves few predictions.
Boosted trees were tried, too: beside these and the networks they gained nothing on chemical systems that none had seen.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from models.experiment.composition_network import TASKS, to_root
from models.experiment.packed_trees import rounded
from models.trees.decision_trees import Trees, flatten

Floats = NDArray[np.float64]
Rows = NDArray[np.float32]
ONE_SIGMA = (0.16, 0.5, 0.84)  # quantiles one standard deviation below and above the median, were they normal
SMALLEST_SHARE = 0.02  # of trees; the logit of none would be infinite


@dataclass(frozen=True)
class ForestSettings:
    """Scikit-learn's names; as many trees as a small file allows."""

    n_estimators: int = 48
    min_samples_leaf: int = 1
    max_features: float = 1.0  # of the columns, tried at each split


# its trees have a fifth of the nodes, and fewer columns at a split make them differ; those of temperatures gain nothing by either
ORDER_FOREST = ForestSettings(n_estimators=192, max_features=0.3)


def grow_forest(rows: Rows, target: Floats, weight: Floats, task: str, settings: ForestSettings, seed: int) -> Trees:
    """Trees whose median is the root of a temperature (`to_root`), or whose mean is the share of FM or FiM.

    Args:
        rows: (formulas, columns); target: (formulas,) K, or 0 and 1 for the task "order"; weight: (formulas,).
    """
    from sklearn.ensemble import ExtraTreesRegressor

    if task not in TASKS:
        raise ValueError(f"no task {task!r}")
    # of 0 and 1, squared error is the Gini impurity, and a leaf holds the share of ones
    wanted = target if task == "order" else to_root(target)
    forest = ExtraTreesRegressor(**asdict(settings), random_state=seed).fit(rows, wanted, sample_weight=weight)
    return rounded(flatten([e.tree_ for e in forest.estimators_]))


def predict_forest(trees: Trees, rows: Rows, task: str) -> tuple[Floats, Floats]:
    """(formulas,) root of a temperature and the trees' spread, or the logit of a ferro- or ferrimagnet and zeros."""
    if task != "order":
        low, middle, high = trees.quantiles(rows, ONE_SIGMA)
        return middle, (high - low) / 2.0
    share = np.clip(trees.predict(rows)[:, 0], SMALLEST_SHARE, 1.0 - SMALLEST_SHARE)
    return np.log(share / (1.0 - share)), np.zeros(len(rows))
