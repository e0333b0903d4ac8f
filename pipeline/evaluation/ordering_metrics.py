"""How well classes of magnetic order are predicted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]


def class_scores(truth: NDArray[np.int64], predicted: NDArray[np.int64], names: Sequence[str]) -> dict[str, float]:
    """F1 of each class, and their mean.

    Args:
        truth: index of the true class of each row, shape (n,).
        predicted: index of the predicted class of each row, shape (n,).
        names: of the classes, in the order of their indices.

    Returns:
        F1 by the name of the class, and the mean as "macro". A class that neither occurs nor is predicted has F1 0.
    """
    found = {name: _f1(truth == c, predicted == c) for c, name in enumerate(names)}
    return {**found, "macro": float(np.mean(list(found.values())))}


def _f1(truth: Flags, predicted: Flags) -> float:
    hits, wrong = int((truth & predicted).sum()), int((truth ^ predicted).sum())
    return 2 * hits / max(2 * hits + wrong, 1)
