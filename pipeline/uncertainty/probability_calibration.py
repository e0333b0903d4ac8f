"""From a member's vote to a probability that comes true: Platt's two parameters on the logit (Platt 1999; temperature and bias).

The order of the crystals stays. Isotonic regression was no better on validation rows, and says 0 and 1 of what it has not seen.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SURE = 1e-6  # the closest to 0 or 1 that a vote is taken for
FEWEST = 20  # rows of either kind; with fewer the votes stay as they are


@dataclass(frozen=True)
class Platt:
    """p becomes sigmoid(slope · logit(p) + offset)."""

    slope: float = 1.0
    offset: float = 0.0

    @classmethod
    def fit(cls, happened: NDArray[np.bool_], p: Floats) -> Self:
        """From validation rows. A slope that would turn the order round is not believed."""
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
