"""The contract of a model family. The contract suite (tests/contract) tests every family against it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from models.graphs.crystal_graphs import CrystalGraphs
from models.graphs.vector_graphs import VectorGraphs
from models.packing import gather

if TYPE_CHECKING:
    from models.networks.training import TrainingSettings

MAGNETIC_THRESHOLD = 0.05  # µB/atom; where "is it magnetic" draws the line


class ModelError(ValueError):
    """A model cannot be trained, loaded or used as requested; the message says why."""


@dataclass(frozen=True, eq=False)
class Examples:
    """The inputs of a model; each family reads the fields that it needs."""

    graphs: CrystalGraphs
    descriptors: NDArray[np.float32]  # (crystals, columns); NaN where one could not be computed
    moment: NDArray[np.float64] | None = None  # (crystals,) µB/atom; None where unknown
    vectors: VectorGraphs | None = None  # graphs with directions; None if no family needs them
    weight: NDArray[np.float64] | None = None  # (crystals,) weights in training; None: all equal
    site_moment: NDArray[np.float64] | None = None  # (nodes of the graphs,) sizes, µB, to train on; NaN where unknown
    repeated: NDArray[np.int64] | None = None  # (crystals,) atoms of what the cell nearly repeats; None: of the primitive cell

    @property
    def n_atoms(self) -> NDArray[np.int64]:
        """(crystals,) atoms in the primitive cell, small shifts of the atoms left aside."""
        return self.graphs.n_atoms.astype(np.int64) if self.repeated is None else self.repeated

    def __len__(self) -> int:
        return len(self.graphs)

    def take(self, index: NDArray[np.int64]) -> Examples:
        """The crystals with these indices (n,), in this order."""
        moment = None if self.moment is None else self.moment[index]
        vectors = None if self.vectors is None else self.vectors.take(index)
        weight = None if self.weight is None else self.weight[index]
        site_moment = None if self.site_moment is None else self.site_moment[gather(self.graphs.node_ptr, index)[1]]
        repeated = None if self.repeated is None else self.repeated[index]
        return Examples(self.graphs.take(index), self.descriptors[index], moment, vectors, weight, site_moment, repeated)

    def followed_by(self, further: Examples) -> Examples:
        """These training rows and further ones; where only one of the two has weights or site moments, the other counts 1 or NaN.

        Raises:
            ModelError: not both have moments, or only one has vectors.
        """
        if (self.vectors is None) != (further.vectors is None):
            raise ModelError("rows with and without directions cannot be joined")
        parts = (self, further)
        weights = [np.ones(len(part)) if part.weight is None else part.weight for part in parts]
        sites = [np.full(len(p.graphs.numbers), np.nan) if p.site_moment is None else p.site_moment for p in parts]
        return Examples(
            CrystalGraphs.join([part.graphs for part in parts]),
            np.concatenate([part.descriptors for part in parts]),
            np.concatenate([part.targets() for part in parts]),
            VectorGraphs.join([part.vectors for part in parts if part.vectors is not None]) if self.vectors is not None else None,
            None if self.weight is None and further.weight is None else np.concatenate(weights),
            None if self.site_moment is None and further.site_moment is None else np.concatenate(sites),
            np.concatenate([part.n_atoms for part in parts]),
        )

    def targets(self) -> NDArray[np.float64]:
        """(crystals,) moments, µB/atom.

        Raises:
            ModelError: a crystal has no finite moment.
        """
        if self.moment is None or not np.isfinite(self.moment).all():
            raise ModelError("training needs a finite moment for every crystal")
        return self.moment


@dataclass(frozen=True, eq=False)
class Prediction:
    """One row per crystal, in the order of the examples."""

    moment: NDArray[np.float64]  # (crystals,) µB/atom, finite and never negative
    p_magnetic: NDArray[np.float64]  # (crystals,) probability that |moment| > MAGNETIC_THRESHOLD
    features: NDArray[np.float32] | None = None  # (crystals, width) what the heads read; None: the family tells none


@dataclass(frozen=True)
class FitControl:
    """Settings of a training run that are the same for every family."""

    seed: int = 0
    epochs: int | None = None  # None: the default of the family; families without epochs ignore it
    deadline: float | None = None  # time.monotonic() at which training ends with the best model so far
    checkpoint: Path | None = None  # a folder; a training that finds its own checkpoint there continues from it
    pretrained: Path | None = None  # a saved model to start from or to adapt, for families that support it
    columns: tuple[int, ...] = ()  # columns of the descriptors to use; empty: all
    workers: int = 1  # processor cores
    report: Callable[[dict[str, float]], None] = field(default=lambda row: None)  # called after each epoch

    def out_of_time(self) -> bool:
        return self.deadline is not None and time.monotonic() >= self.deadline


class Model(Protocol):
    """A model that predicts the moment per atom."""

    family: ClassVar[str]
    reads_vectors: ClassVar[bool]  # whether it needs Examples.vectors
    reads_frames: ClassVar[bool]  # whether it needs their candidate frames, too
    reads_site_moments: ClassVar[bool]  # whether it learns from Examples.site_moment, too
    adapts: ClassVar[str | None]  # family of the saved models that FitControl.pretrained may name

    def fit(self, train: Examples, validation: Examples, control: FitControl) -> list[dict[str, float]]:
        """Learn from `train` and choose on `validation`. The same data, seed and number of cores give the same model.

        Args:
            train: training rows with moments.
            validation: validation rows with moments, for early stopping.
            control: seed, limits, checkpoint and progress.

        Returns:
            The history: one row per epoch (or one row), with at least `validation_mae` in µB/atom; none where the
            deadline had passed before the first epoch, so that nothing was learned.

        Raises:
            ModelError: a moment is missing, or the training diverged.
        """
        ...

    def predict(self, examples: Examples) -> Prediction:
        """Predict. Each row depends on its own crystal only, not on the others in the batch."""
        ...

    def save(self, folder: Path) -> None:
        """Write `model.safetensors` and `model.json` into an existing folder."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load a saved model; it predicts the same numbers.

        Raises:
            ModelError: the folder does not hold a model of this family.
        """
        ...


@runtime_checkable
class Pretrainable(Protocol):
    """A model that can learn from crystals without moments before `fit`, whose FitControl.pretrained then names it."""

    pretraining: TrainingSettings

    def pretrain(self, graphs: CrystalGraphs, control: FitControl) -> list[dict[str, float]]:
        """Learn from structures alone. The same crystals and seed give the same model; a killed run goes on from its checkpoint.

        Args:
            graphs: crystals; no label is read.
            control: seed, deadline, checkpoint and progress.

        Returns:
            The history: one row per epoch.
        """
        ...
