"""Histogram boosting of weighted rows, with the thresholds that scikit-learn would find, in a fraction of the time.

Scikit-learn 1.9 sorts a column again for each of its 254 quantiles where rows have weights: more time than the trees take. Here
each column is sorted once. The trees learn from the number of each value's bin, and their thresholds are put back afterwards.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def fit_boosted(grower: Any, rows: NDArray[np.float32], target: NDArray[Any], weight: NDArray[np.float64] | None) -> Any:
    """Fit scikit-learn's histogram boosting.

    Args:
        grower: HistGradientBoostingRegressor or HistGradientBoostingClassifier, not fitted.
        rows: (n, columns), without NaN.
        target: (n,)
        weight: (n,) not negative; None where all rows count alike.

    Returns:
        The fitted grower.
    """
    if weight is None:
        return grower.fit(rows, target)
    edges = [bin_edges(column.astype(np.float64), weight, grower.max_bins) for column in rows.T]
    bins = [np.searchsorted(edge, column) for edge, column in zip(edges, rows.T, strict=True)]
    grower.fit(np.stack(bins, axis=1).astype(np.float32), target, sample_weight=weight)
    for stage in grower._predictors:
        for tree in stage:
            split = ~tree.nodes["is_leaf"].astype(bool)
            between = zip(tree.nodes["feature_idx"][split], tree.nodes["num_threshold"][split], strict=True)
            tree.nodes["num_threshold"][split] = [edges[column][int(number)] for column, number in between]
    return grower


def bin_edges(column: Floats, weight: Floats, most: int) -> Floats:
    """Ascending values between at most so many bins; a value belongs to the first bin whose edge it does not exceed.

    Few distinct values: the places in the middle between them. Many: quantiles of the weighted values, by inverting their
    distribution, and the mean of two neighbours where a quantile falls between them (Hyndman and Fan 1996, definition 2).
    """
    counted = weight > 0
    order = np.argsort(column[counted], kind="stable")
    values, weights = column[counted][order], weight[counted][order]
    distinct = np.unique(values)
    if len(distinct) <= most:
        middle: Floats = (distinct[:-1] + distinct[1:]) / 2
        return middle
    reached = np.cumsum(weights)
    wanted = np.linspace(0, 100, most + 1)[1:-1] / 100 * reached[-1]
    place = np.minimum(np.searchsorted(reached, wanted), len(values) - 1)
    above = np.minimum(place + 1, len(values) - 1)
    quantile = np.where(reached[place] - wanted > np.finfo(float).eps, values[place], (values[place] + values[above]) / 2)
    return np.unique(quantile)
