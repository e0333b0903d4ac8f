"""What the members leave of the training labels, carried over to crystals that a member finds alike.

A network that is disturbed in training does not memorise its training labels: on the magnet set an error of 0.06 µB/atom
stays on the magnetic rows that it learned from. Part of it is what its weights cannot say, and similar crystals share that.
Kernel ridge regression learns these residuals from the features of a member (its mean over the sites, before the heads), and
P(magnetic) times its answer is added to the members' moment. Residuals are cut at LARGEST: a wrong label then moves its
neighbours little, and the sum stays near a median. The answer is a smooth function of the features, as these are of the crystal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from models.contract import Examples, ModelError, Prediction
from models.saved import WEIGHTS_FILE, read_saved, write_header
from pipeline.registry.member_combination import Combined, Rule, combine
from pipeline.uncertainty.kernel_regression import KernelRegression, at_most, squared_distances

Floats = NDArray[np.float64]
FAMILY = "training_residuals"
FORMAT = 1
LIVE = 0.02  # P(magnetic); rows below it have no residual to speak of
FEWEST = 2000  # rows to learn from
AXES = 32  # principal axes of the features; 16 are worse, 48 no better
CLIP = 8.0  # standard deviations, of one feature
LARGEST = 0.2  # µB/atom, of a residual; 0.1 to 0.2 are alike on validation rows, larger ones err more
LENGTH = 1.5  # of the kernel, in median distances between nearest training rows; 1.2 to 2.4 are alike
NOISE = 0.5  # added to the kernel's diagonal, over the weight of the label; 0.25 to 1 are alike
SAMPLE = 10_000  # rows that decide the axes


@dataclass(frozen=True, eq=False)
class TrainingResiduals:
    """A kernel regression of residuals on a member's features."""

    member: int  # the place of the member among those of the ensemble
    mean: NDArray[np.float32]  # (features,)
    axes: NDArray[np.float32]  # (features, AXES) of the features less their mean, over the kernel's length
    clip: NDArray[np.float32]  # (features,) largest distance from the mean
    kernel: KernelRegression  # over the AXES, of residuals in µB/atom

    @classmethod
    def fit(cls, learned: Examples, predictions: Sequence[Prediction], weights: Floats, rule: Rule, seed: int = 0) -> Self | None:
        """Learn from the training rows; None where no member has features, or where too few rows may be magnetic.

        Args:
            learned: the training rows, with the labels and weights that the members learned from.
            predictions: of these rows, one a member.
            weights: (members,) weights of the ensemble.
            rule: how the members are combined.
            seed: chooses among too many rows.
        """
        asked = [k for k, p in enumerate(predictions) if p.features is not None and weights[k] > 0]
        said = combine(predictions, weights, rule)
        trusted = np.ones(len(learned)) if learned.weight is None else learned.weight
        rows = np.flatnonzero((said.p_magnetic > LIVE) & (trusted > 0))
        if not asked or len(rows) < FEWEST:
            return None
        rng = np.random.default_rng(seed)
        rows = at_most(rows, rng)
        features = predictions[asked[0]].features
        assert features is not None
        mean, deviation = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-6)
        scaled = np.clip((features - mean) / deviation, -CLIP, CLIP)
        axes = _principal(scaled[rng.permutation(len(scaled))[:SAMPLE]]) / deviation[:, None]
        clip = CLIP * deviation
        points = _places(features[rows], mean, clip, axes)
        length = LENGTH * _nearest(points)
        residual = np.clip(learned.targets()[rows] - said.moment[rows], -LARGEST, LARGEST)
        kernel = KernelRegression.fit(points / length, residual, NOISE / trusted[rows])
        return cls(asked[0], mean, (axes / length).astype(np.float32), clip, kernel)

    def correction(self, said: Combined, predictions: Sequence[Prediction]) -> Floats:
        """What similar training rows add to the members' moments.

        Args:
            said: what the members say together.
            predictions: theirs, in the order of `fit`.

        Returns:
            (rows,) µB/atom.

        Raises:
            ModelError: the member has no such features.
        """
        if not len(said.moment):
            return said.moment
        features = predictions[self.member].features if self.member < len(predictions) else None
        if features is None or features.shape[1:] != self.mean.shape:
            raise ModelError("the member whose features tell similar crystals does not have them")
        return said.p_magnetic * self.kernel.predict(_places(features, self.mean, self.clip, self.axes))

    def save(self, folder: Path) -> None:
        arrays = {"mean": self.mean, "axes": self.axes, "clip": self.clip, **self.kernel.arrays}
        save_file({name: np.ascontiguousarray(values) for name, values in arrays.items()}, folder / WEIGHTS_FILE)
        write_header(folder, FAMILY, FORMAT, {"member": self.member})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Raises ModelError for anything else in the folder."""
        header, arrays = read_saved(folder, FAMILY, FORMAT, load_file)
        try:
            mean, axes, clip = arrays["mean"], arrays["axes"], arrays["clip"]
            found = cls(int(header["member"]), mean, axes, clip, KernelRegression.of(arrays, axes.shape[-1]))
        except (KeyError, TypeError, ValueError, IndexError, ModelError) as fault:
            raise ModelError(f"{folder} holds no readable {FAMILY}: {fault}") from fault
        if axes.ndim != 2 or mean.ndim != 1 or not axes.shape[:1] == mean.shape == clip.shape or found.member < 0:
            raise ModelError(f"{folder} does not describe {FAMILY}")
        if not all(np.isfinite(values).all() for values in (mean, axes, clip)):
            raise ModelError(f"{folder} holds numbers of {FAMILY} that cannot be")
        return found


def _places(features: NDArray[np.float32], mean: NDArray[Any], clip: NDArray[Any], axes: NDArray[Any]) -> NDArray[np.float32]:
    """(rows, AXES) where crystals stand; each row's bits are its own, which those of a matrix product are not."""
    away = np.clip(features - mean, -clip, clip)
    return np.asarray(np.einsum("ij,jk->ik", away, axes), dtype=np.float32)


def _principal(rows: NDArray[np.float32]) -> Floats:
    """(features, AXES) directions in which the rows differ most."""
    _, directions = np.linalg.eigh(np.cov(rows.astype(np.float64), rowvar=False))
    return np.ascontiguousarray(directions[:, ::-1][:, :AXES])


def _nearest(points: NDArray[np.float32]) -> float:
    """The median distance from a row to the nearest other one."""
    return max(float(np.sqrt(np.median(squared_distances(points).min(axis=1)))), 1e-6)
