"""Calibrates probabilities by Platt's two parameters on the logit (Platt 1999; temperature and bias).

The order of the crystals does not change. Isotonic regression was no better on validation rows, and returns 0 or 1 for crystals
outside the range of the validation rows.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SURE = 1e-6  # probabilities are clipped to this distance from 0 and 1
FEWEST = 20  # rows of either kind; with fewer the probabilities are not changed


@dataclass(frozen=True)
class Platt:
    """Maps a probability p to sigmoid(slope · logit(p) + offset)."""

    slope: float = 1.0
    offset: float = 0.0

    @classmethod
    def fit(cls, happened: NDArray[np.bool_], p: Floats) -> Self:
        """Fit both parameters on validation rows. A negative slope would reverse the order and is discarded.

        Args:
            happened: (rows,) whether the event occurred.
            p: (rows,) uncalibrated probabilities.
        """
        from sklearn.linear_model import LogisticRegression

        if min(int(happened.sum()), int((~happened).sum())) < FEWEST:
            return cls()
        found = LogisticRegression(C=1e4).fit(_logit(p)[:, None], happened)
        slope = float(found.coef_[0, 0])
        return cls(slope, float(found.intercept_[0])) if slope > 0 else cls()

    def of(self, p: Floats) -> Floats:
        """(rows,) calibrated probabilities."""
        if self == Platt():
            return p
        said: Floats = 1 / (1 + np.exp(-(self.slope * _logit(p) + self.offset)))
        return said

    def to_json(self) -> dict[str, float]:
        return asdict(self)


def _logit(p: Floats) -> Floats:
    sure = np.clip(p, SURE, 1 - SURE)
    found: Floats = np.log(sure / (1 - sure))
    return found
