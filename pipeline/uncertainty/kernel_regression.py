"""Kernel ridge regression: a smooth function through many points, whose files hold numbers alone.

Saunders et al., ICML 1998, with the kernel of Cauchy,

    k(a, b) = 1 / (1 + |a - b|²)

Places are measured in lengths of the kernel. The answer changes smoothly with the place, unlike that of decision trees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from models.contract import ModelError
from models.graphs.filler import ROWS

Floats = NDArray[np.float64]
MOST = 18_000  # points to learn from; more of them would take more memory than an ordinary machine has


@dataclass(frozen=True, eq=False)
class KernelRegression:
    """What was learned: a point and a coefficient for each row."""

    points: NDArray[np.float16]  # (rows, axes)
    coefficient: NDArray[np.float32]  # (rows,) in the unit of the target

    @classmethod
    def fit(cls, places: NDArray[np.float32], target: Floats, noise: float | Floats) -> Self:
        """Solve for the coefficients.

        Args:
            places: (rows, axes), in lengths of the kernel.
            target: (rows,) what is to be learned; the answer goes to 0 far from all rows.
            noise: added to the kernel's diagonal, where it is 1; one number or (rows,).
        """
        points = places.astype(np.float16)
        return cls(points, _solve(points.astype(np.float32), target, noise))

    def predict(self, places: NDArray[np.float32]) -> Floats:
        """The answer at other places; a row's bits do not depend on the other rows.

        Args:
            places: (rows, axes), in lengths of the kernel.

        Returns:
            (rows,) in the unit of the target.
        """
        # in blocks of as many rows, so that a row has the same bits in every batch
        filled = np.concatenate([places, np.zeros((-len(places) % ROWS, places.shape[1]), np.float32)])
        points, own = self._asked
        coefficient = torch.from_numpy(self.coefficient)
        parts = []
        for start in range(0, len(filled), ROWS):
            block = torch.from_numpy(filled[start : start + ROWS])
            distance = torch.addmm(own, block, points.T, alpha=-2.0).add_((block * block).sum(dim=1)[:, None]).clamp_(min=1.0)
            parts.append(torch.div(coefficient, distance).sum(dim=1))
        found = torch.cat(parts) if parts else torch.zeros(0)
        return found[: len(places)].double().numpy()

    @cached_property
    def _asked(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The points in the precision in which they are asked, and the squares of their lengths and 1: half of the time of a
        prediction for a single crystal."""
        points = torch.from_numpy(self.points.astype(np.float32))
        return points, (points * points).sum(dim=1) + 1.0

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """What a file has to hold."""
        return {"points": self.points, "coefficient": self.coefficient}

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]], axes: int) -> Self:
        """From the arrays of a file. Raises ModelError unless they describe a regression over as many axes."""
        try:
            found = cls(arrays["points"], arrays["coefficient"])
        except KeyError as fault:
            raise ModelError(f"a kernel regression lacks {fault}") from fault
        if found.coefficient.ndim != 1 or found.points.shape != (len(found.coefficient), axes):
            raise ModelError("the arrays do not describe a kernel regression")
        if not all(np.isfinite(values).all() for values in found.arrays.values()):
            raise ModelError("a kernel regression holds numbers that cannot be")
        return found


def at_most(rows: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """The rows to learn from, in their order: all of them, or MOST drawn from more."""
    return rows if len(rows) <= MOST else np.sort(rng.permutation(rows)[:MOST])


def squared_distances(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """(rows, rows) squared distances, infinite on the diagonal."""
    own = (points * points).sum(axis=1)
    found = points @ points.T
    found *= -2.0
    found += own[:, None]
    found += own
    np.maximum(found, 0.0, out=found)
    np.fill_diagonal(found, np.inf)
    return found


def _solve(points: NDArray[np.float32], target: Floats, noise: float | Floats) -> NDArray[np.float32]:
    """(rows,) coefficients of the kernel regression."""
    from scipy.linalg import cho_factor, cho_solve

    kernel = squared_distances(points)
    kernel += 1.0
    np.reciprocal(kernel, out=kernel)
    np.fill_diagonal(kernel, 1.0 + noise)
    factor = cho_factor(kernel, lower=True, overwrite_a=True, check_finite=False)
    return np.asarray(cho_solve(factor, target.astype(np.float32)), dtype=np.float32)
