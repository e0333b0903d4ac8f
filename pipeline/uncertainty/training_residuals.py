"""What the members leave of the training labels, carried over to crystals that a member finds alike.

A network that is disturbed in training does not learn its training labels by heart: on the magnet set an error of 0.06 µB/atom
stays on the magnetic rows that it learned from. Part of it is what its weights cannot say, and similar crystals share that.
Kernel ridge regression (Saunders et al., ICML 1998) learns these residuals from the features of a member (its mean over the
sites, before the heads) with the kernel

    k(a, b) = 1 / (1 + |a - b|² / length²)

and adds P(magnetic) times its answer to the members' moment. Residuals are cut at LARGEST: a wrong label then moves its
neighbours little, and the sum stays near a median. The answer is a smooth function of the features, as these are of the crystal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from models.contract import Examples, ModelError, Prediction
from models.graphs.filler import ROWS
from models.saved import WEIGHTS_FILE, read_saved, write_header
from pipeline.registry.member_mean import Combined, Rule, combine

Floats = NDArray[np.float64]
FAMILY = "training_residuals"
FORMAT = 1
LIVE = 0.02  # P(magnetic); rows below it have no residual to speak of
FEWEST, MOST = 2000, 18_000  # rows to learn from; more of them would take more memory than an ordinary machine has
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
    points: NDArray[np.float16]  # (rows, AXES) training rows
    coefficient: NDArray[np.float32]  # (rows,) µB/atom

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
        rows = rows if len(rows) <= MOST else np.sort(rng.permutation(rows)[:MOST])
        features = predictions[asked[0]].features
        assert features is not None
        mean, deviation = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-6)
        scaled = np.clip((features - mean) / deviation, -CLIP, CLIP)
        axes = _principal(scaled[rng.permutation(len(scaled))[:SAMPLE]]) / deviation[:, None]
        made = cls(asked[0], mean, axes, CLIP * deviation, np.zeros((0, axes.shape[1]), np.float16), np.zeros(0, np.float32))
        points = made._places(features[rows])
        length = LENGTH * _nearest(points)
        kept = (points / length).astype(np.float16)
        residual = np.clip(learned.targets()[rows] - said.moment[rows], -LARGEST, LARGEST)
        coefficient = _solve(kept.astype(np.float32), residual, NOISE / trusted[rows])
        return replace(made, axes=(axes / length).astype(np.float32), points=kept, coefficient=coefficient)

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
        return said.p_magnetic * self._residual(features)

    def _places(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(rows, AXES) where crystals stand; each row's bits are its own, which those of a matrix product are not."""
        away = np.clip(features - self.mean, -self.clip, self.clip)
        return np.asarray(np.einsum("ij,jk->ik", away, self.axes), dtype=np.float32)

    def _residual(self, features: NDArray[np.float32]) -> Floats:
        """(rows,) µB/atom. In blocks of as many rows, so that a row has the same bits in every batch."""
        places = self._places(features)
        filled = np.concatenate([places, np.zeros((-len(places) % ROWS, places.shape[1]), np.float32)])
        points, coefficient = torch.from_numpy(self.points.astype(np.float32)), torch.from_numpy(self.coefficient)
        own = (points * points).sum(dim=1) + 1.0
        parts = []
        for start in range(0, len(filled), ROWS):
            block = torch.from_numpy(filled[start : start + ROWS])
            distance = torch.addmm(own, block, points.T, alpha=-2.0).add_((block * block).sum(dim=1)[:, None]).clamp_(min=1.0)
            parts.append(torch.div(coefficient, distance).sum(dim=1))
        found = torch.cat(parts) if parts else torch.zeros(0)
        return found[: len(features)].double().numpy()

    def save(self, folder: Path) -> None:
        arrays = {name: np.ascontiguousarray(values) for name, values in vars(self).items() if name != "member"}
        save_file(arrays, folder / WEIGHTS_FILE)
        write_header(folder, FAMILY, FORMAT, {"member": self.member})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Raises ModelError for anything else in the folder."""
        header, arrays = read_saved(folder, FAMILY, FORMAT, load_file)
        try:
            found = cls(int(header["member"]), **arrays)
        except (KeyError, TypeError, ValueError) as fault:
            raise ModelError(f"{folder} holds no readable {FAMILY}: {fault}") from fault
        width, rows = found.mean.shape, found.coefficient.shape
        shaped = found.axes.ndim == 2 and found.axes.shape[:1] == width == found.clip.shape and len(width) == len(rows) == 1
        if not shaped or found.points.shape != (*rows, found.axes.shape[1]) or found.member < 0:
            raise ModelError(f"{folder} does not describe {FAMILY}")
        if not all(np.isfinite(values).all() for values in arrays.values()):
            raise ModelError(f"{folder} holds numbers of {FAMILY} that cannot be")
        return found


def _principal(rows: NDArray[np.float32]) -> Floats:
    """(features, AXES) directions in which the rows differ most."""
    _, directions = np.linalg.eigh(np.cov(rows.astype(np.float64), rowvar=False))
    return np.ascontiguousarray(directions[:, ::-1][:, :AXES])


def _squares(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """(rows, rows) squared distances, infinite on the diagonal."""
    own = (points * points).sum(axis=1)
    found = points @ points.T
    found *= -2.0
    found += own[:, None]
    found += own
    np.maximum(found, 0.0, out=found)
    np.fill_diagonal(found, np.inf)
    return found


def _nearest(points: NDArray[np.float32]) -> float:
    """The median distance from a row to the nearest other one."""
    return max(float(np.sqrt(np.median(_squares(points).min(axis=1)))), 1e-6)


def _solve(points: NDArray[np.float32], residual: Floats, noise: Floats) -> NDArray[np.float32]:
    """(rows,) coefficients of the kernel regression."""
    from scipy.linalg import cho_factor, cho_solve

    kernel = _squares(points)
    kernel += 1.0
    np.reciprocal(kernel, out=kernel)
    np.fill_diagonal(kernel, 1.0 + noise)
    factor = cho_factor(kernel, lower=True, overwrite_a=True, check_finite=False)
    return np.asarray(cho_solve(factor, residual.astype(np.float32)), dtype=np.float32)
