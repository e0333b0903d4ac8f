"""The out-of-domain score of a crystal: distance in descriptor space, elements that were never seen, sizes that were never seen.

A score of 1 is the distance below which 95 % of the validation rows lie. The members did not learn from their chemical systems
either, and the calibration holds for crystals like them. Above 1 the interval is widened in proportion.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from models.contract import Examples, ModelError
from models.saved import WEIGHTS_FILE, read_saved, write_header
from pipeline.uncertainty.unseen_elements import has_unseen_element

Floats = NDArray[np.float64]
FAMILY = "domain"
FORMAT = 2  # 1 had other names for its files
COMPONENTS = 10  # principal axes; with more, a tree search is no faster than comparing all pairs
NEIGHBOUR = 5  # the distance to this neighbour counts, so that a single odd training row has no effect
REFERENCES = 20_000  # training rows that are stored
FAR = 0.95  # of the validation rows lie below a score of 1
CLIP = 6.0  # standard deviations, of one descriptor
UNSEEN = 2.0  # the least score of a crystal with an element that was never seen


@dataclass(frozen=True, eq=False)
class Domain:
    """The distribution of the training rows."""

    mean: NDArray[np.float32]  # (columns,)
    deviation: NDArray[np.float32]  # (columns,) always positive
    axes: NDArray[np.float32]  # (components, columns)
    reference: NDArray[np.float32]  # (rows, components)
    unit: float  # distance at which the score is 1
    largest: int  # atoms in the largest primitive cell
    elements: tuple[int, ...]  # atomic numbers

    @classmethod
    def fit(cls, train: Examples, validation: Examples, columns: int, seed: int = 0) -> Self:
        """Fit on training rows; the validation rows determine the unit of the score.

        Args:
            train: training rows.
            validation: validation rows.
            columns: number of descriptors to use, from the first; they must be finite.
            seed: seed for the choice of the stored training rows.
        """
        from sklearn.decomposition import PCA

        rows = train.descriptors[:, :columns].astype(np.float64)
        mean, deviation = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-9)
        scaled = _scaled(rows, mean, deviation)
        parts = min(COMPONENTS, *scaled.shape)
        axes = PCA(parts, svd_solver="full").fit(scaled).components_
        kept = np.random.default_rng(seed).permutation(len(rows))[:REFERENCES]
        found = cls(
            mean.astype(np.float32), deviation.astype(np.float32), np.ascontiguousarray(axes, dtype=np.float32),
            (scaled[np.sort(kept)] @ axes.T).astype(np.float32), 1.0, int(train.graphs.n_atoms.max()),
            tuple(sorted(set(train.graphs.numbers.tolist()))),
        )  # fmt: skip
        unit = float(max(np.quantile(found._distance(validation.descriptors), FAR), 1e-6))
        return replace(found, unit=unit)

    def score(self, examples: Examples) -> Floats:
        """(rows,) out-of-domain scores, at least 0; above 1 a crystal is unlike the training rows."""
        near = self._distance(examples.descriptors) / self.unit
        unseen = np.where(has_unseen_element(examples.graphs, self.elements), UNSEEN, 0.0)
        size = examples.n_atoms / self.largest
        found: Floats = np.maximum(np.maximum(near, unseen), np.where(size > 1, size, 0.0))
        return found

    def _distance(self, descriptors: NDArray[np.float32]) -> Floats:
        if len(descriptors) == 0:
            return np.zeros(0)
        rows = descriptors[:, : len(self.mean)].astype(np.float64)
        scaled = _scaled(rows, self.mean.astype(np.float64), self.deviation.astype(np.float64))
        place = np.einsum("rc,kc->rk", scaled, self.axes.astype(np.float64))  # no matrix product: a row's bits are its own
        k = min(NEIGHBOUR, len(self.reference))
        distance: Floats = self._tree.query(place, k=[k])[0][:, 0]
        return distance

    @cached_property
    def _tree(self) -> Any:
        from scipy.spatial import cKDTree

        return cKDTree(self.reference.astype(np.float64))

    def _arrays(self) -> dict[str, NDArray[np.float32]]:
        return {name: getattr(self, name) for name in ("mean", "deviation", "axes", "reference")}

    def save(self, folder: Path) -> None:
        save_file({name: np.ascontiguousarray(values) for name, values in self._arrays().items()}, folder / WEIGHTS_FILE)
        write_header(folder, FAMILY, FORMAT, {"unit": self.unit, "largest": self.largest, "elements": list(self.elements)})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Raises ModelError for anything else in the folder."""
        header, arrays = read_saved(folder, FAMILY, FORMAT, load_file)
        try:
            elements = tuple(int(z) for z in header["elements"])
            found = cls(**arrays, unit=float(header["unit"]), largest=int(header["largest"]), elements=elements)
        except (ValueError, KeyError, TypeError) as fault:
            raise ModelError(f"{folder} holds no readable domain: {fault}") from fault
        columns, parts = found.mean.shape, found.axes.shape[:1]
        fitting = (
            found.deviation.shape == columns and found.axes.shape == (*parts, *columns) and found.reference.shape[1:] == parts
        )
        finite = all(np.isfinite(values).all() for values in found._arrays().values())
        if not (
            fitting and finite and len(found.reference) and found.unit > 0 and found.largest > 0 and (found.deviation > 0).all()
        ):
            raise ModelError(f"{folder} does not describe a domain")
        return found


def _scaled(rows: Floats, mean: Floats, deviation: Floats) -> Floats:
    scaled: Floats = np.clip((rows - mean) / deviation, -CLIP, CLIP)
    return scaled
