"""From a logit to a probability that holds: isotonic regression, kept as its knots."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
KNOTS = 24
SURE = 0.002  # no probability nearer to 0 or 1


@dataclass(frozen=True)
class Calibration:
    """A monotone curve through its knots."""

    logit: tuple[float, ...]  # ascending
    probability: tuple[float, ...]  # never falling

    @classmethod
    def fit(cls, logit: Floats, truth: Floats) -> Self:
        """From rows whose chemical systems the model never saw: (rows,) logits, and 0 or 1.

        Isotonic regression (Zadrozny and Elkan 2002) over the means of bins of equally many rows: a curve without the
        steps that a few rows would make.
        """
        from sklearn.isotonic import IsotonicRegression

        order = np.argsort(logit, kind="stable")
        parts = [part for part in np.array_split(order, KNOTS) if len(part)]
        x = np.array([logit[part].mean() for part in parts])
        y = np.array([truth[part].mean() for part in parts])
        level = IsotonicRegression(y_min=SURE, y_max=1.0 - SURE).fit_transform(x, y, sample_weight=[len(p) for p in parts])
        return cls(tuple(x.tolist()), tuple(level.tolist()))

    def predict(self, logit: Floats) -> Floats:
        """(rows,) probabilities."""
        found: Floats = np.interp(logit, self.logit, self.probability)
        return found

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """Raises ValueError, KeyError or TypeError for anything else than `to_json` wrote."""
        x = tuple(float(v) for v in content["logit"])
        y = tuple(float(v) for v in content["probability"])
        if len(x) != len(y) or not x or not np.isfinite([*x, *y]).all() or min(y) < 0 or max(y) > 1:
            raise ValueError("the calibration is no curve of probabilities")
        if (np.diff(x) < 0).any() or (np.diff(y) < 0).any():
            raise ValueError("the calibration's curve falls")
        return cls(x, y)
