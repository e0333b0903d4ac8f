"""Calibrates probabilities by Platt's two parameters on the logit (Platt 1999; temperature and bias), and by odd electrons.

An odd number of electrons leaves one unpaired where a gap opens (pipeline.uncertainty.integer_moments), which the members do not
know. Where nothing is known of it, the order of the crystals does not change. Isotonic regression was no better on validation
rows, and returns 0 or 1 for crystals outside the range of the validation rows.
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
    """Maps a probability p to sigmoid(slope · logit(p) + unpaired · P(unpaired electron) + offset)."""

    slope: float = 1.0
    offset: float = 0.0
    unpaired: float = 0.0  # never negative; older models do not know it

    @classmethod
    def fit(cls, happened: NDArray[np.bool_], p: Floats, unpaired: Floats | None = None) -> Self:
        """Fit the parameters on validation rows. A negative slope would reverse the order and is discarded.

        Args:
            happened: (rows,) whether the event occurred.
            p: (rows,) uncalibrated probabilities.
            unpaired: (rows,) probabilities that an odd electron stays unpaired; None: nothing is known of it.
        """
        from sklearn.linear_model import LogisticRegression

        if min(int(happened.sum()), int((~happened).sum())) < FEWEST:
            return cls()
        read = np.stack([_logit(p)] if unpaired is None else [_logit(p), unpaired], axis=1)
        found = LogisticRegression(C=1e4).fit(read, happened)
        slope, *odd = found.coef_[0].tolist()
        if odd and odd[0] < 0:
            return cls.fit(happened, p)
        return cls(slope, float(found.intercept_[0]), *odd) if slope > 0 else cls()

    def of(self, p: Floats, unpaired: Floats | None = None) -> Floats:
        """(rows,) calibrated probabilities; the arguments are those of `fit`."""
        if self == Platt():
            return p
        odd = 0.0 if unpaired is None else self.unpaired * unpaired
        said: Floats = 1 / (1 + np.exp(-(self.slope * _logit(p) + odd + self.offset)))
        return said

    def to_json(self) -> dict[str, float]:
        return asdict(self)


def _logit(p: Floats) -> Floats:
    sure = np.clip(p, SURE, 1 - SURE)
    found: Floats = np.log(sure / (1 - sure))
    return found
