"""The expected size of an error: learned on validation rows from the members' predictions and the composition.

Members that agree can all be wrong, and for difficult chemistry they err together, so their spread alone is a poor estimate.
Kernel ridge regression learns the logarithm of the absolute error, because a few very large errors would dominate otherwise. It
is smooth: the stated bounds do not jump where a crystal hardly changes, as those of decision trees do. Normalising a conformal
score by such an estimate: Papadopoulos et al. 2008.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from models.contract import ModelError, Prediction
from models.saved import WEIGHTS_FILE, read_saved, write_header
from pipeline.registry.member_combination import deviation, weighted_mean
from pipeline.uncertainty.kernel_regression import KernelRegression, at_most

Floats = NDArray[np.float64]
FAMILY = "difficulty"
FORMAT = 3  # 1 had other names for its files, 2 held decision trees
SMALLEST = 0.01  # µB/atom, added to every error: that most integer moments are met exactly would dominate a logarithm
FLOOR = 0.05  # µB/atom, below the logarithm of every input; 0.01 to 0.05 are alike on validation rows, and less moves the bounds
VOTE_FLOOR = 0.01  # the same for probabilities
CLIP = 5.0  # standard deviations, of one column
COMPOSITION = 0.2  # of the weight of all columns of the ensemble has the composition; 0.1 to 0.3 are alike on validation rows
LENGTH = 3.0  # of the kernel, in standard deviations; 2.5 to 4 are alike
NOISE = 0.3  # added to the kernel's diagonal; 0.2 to 0.5 are alike


@dataclass(frozen=True, eq=False)
class Difficulty:
    """Expected absolute error of an ensemble, by crystal."""

    mean: NDArray[np.float32]  # (columns,)
    scale: NDArray[np.float32]  # (columns,) what a column's distance from its mean is multiplied with, over the kernel's length
    clip: NDArray[np.float32]  # (columns,) largest distance from the mean
    offset: float  # mean logarithm of the error
    kernel: KernelRegression

    @classmethod
    def fit(cls, error: Floats, said: NDArray[np.float32], composition: NDArray[np.float32], seed: int = 0) -> Self:
        """Learn from rows that the members did not learn from.

        Args:
            error: (rows,) absolute errors, µB/atom.
            said: (rows, columns) what is known of the members' answers, of `features`.
            composition: (rows, columns) descriptors of the composition.
            seed: chooses among too many rows.
        """
        columns = np.concatenate([said, composition], axis=1)
        rows = at_most(np.arange(len(error)), np.random.default_rng(seed))
        mean, spread = columns.mean(axis=0), np.maximum(columns.std(axis=0), 1e-6)
        groups = [said.shape[1], composition.shape[1]]
        weight = np.repeat([groups[0] ** -0.5, COMPOSITION * groups[1] ** -0.5], groups)
        scale, clip = (weight / spread / LENGTH).astype(np.float32), CLIP * spread
        logarithm = np.log(error[rows] + SMALLEST)
        offset = float(logarithm.mean())
        kernel = KernelRegression.fit(_places(columns[rows], mean, clip, scale), logarithm - offset, NOISE)
        return cls(mean, scale, clip, offset, kernel)

    def predict(self, said: NDArray[np.float32], composition: NDArray[np.float32]) -> Floats:
        """The expected size of the error.

        Args:
            said: (rows, columns) what is known of the members' answers, of `features`.
            composition: (rows, columns) descriptors of the composition.

        Returns:
            (rows,) geometric mean of the expected errors, SMALLEST included, µB/atom.
        """
        places = _places(np.concatenate([said, composition], axis=1), self.mean, self.clip, self.scale)
        return np.asarray(np.exp(self.offset + self.kernel.predict(places)))

    def save(self, folder: Path) -> None:
        arrays = {"mean": self.mean, "scale": self.scale, "clip": self.clip, **self.kernel.arrays}
        save_file({name: np.ascontiguousarray(values) for name, values in arrays.items()}, folder / WEIGHTS_FILE)
        write_header(folder, FAMILY, FORMAT, {"offset": self.offset})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Raises ModelError for anything else in the folder."""
        header, arrays = read_saved(folder, FAMILY, FORMAT, load_file)
        try:
            mean, scale, clip = arrays["mean"], arrays["scale"], arrays["clip"]
            found = cls(mean, scale, clip, float(header["offset"]), KernelRegression.of(arrays, len(mean)))
        except (KeyError, TypeError, ValueError, ModelError) as fault:
            raise ModelError(f"{folder} holds no readable {FAMILY}: {fault}") from fault
        if mean.ndim != 1 or not mean.shape == scale.shape == clip.shape:
            raise ModelError(f"{folder} does not describe {FAMILY}")
        if not all(np.isfinite(values).all() for values in (mean, scale, clip, np.array(found.offset))):
            raise ModelError(f"{folder} holds numbers of {FAMILY} that cannot be")
        return found


def features(predictions: Sequence[Prediction], weights: Floats) -> NDArray[np.float32]:
    """What the members' answers say of their error.

    Args:
        predictions: one for each member, each for the same n crystals.
        weights: of the members, shape (members,), sum 1.

    Returns:
        Shape (n, columns): disagreement and uncertainty of the ensemble, and each member's prediction.
    """
    moments, votes = np.stack([p.moment for p in predictions]), np.stack([p.p_magnetic for p in predictions])
    moment, p = weighted_mean(weights, moments), weighted_mean(weights, votes)
    columns = [
        logarithms(deviation(moments)),
        logarithms(np.sqrt(weighted_mean(weights, (moments - moment) ** 2))),
        logarithms(p * (1 - p), VOTE_FLOOR),
        logarithms(weighted_mean(np.full(len(votes), 1.0 / len(votes)), votes * (1 - votes)), VOTE_FLOOR),
        logarithms(moment),
        logarithms(deviation(votes), VOTE_FLOOR),
        p,
        moment,
        *logarithms(moments),
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def logarithms(values: Floats, floor: float = FLOOR) -> Floats:
    """Logarithms of values with a floor added, so that a small change of a small value stays small."""
    found: Floats = np.log(np.maximum(values, 0.0) + floor)
    return found


def _places(
    columns: NDArray[np.float32], mean: NDArray[np.float32], clip: NDArray[np.float32], scale: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(rows, columns) where crystals stand, in lengths of the kernel."""
    return np.asarray(np.clip(columns - mean, -clip, clip) * scale, dtype=np.float32)
