"""What every model promises. The contract suite (tests/contract) tests this and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from models.graphs.crystal_graphs import CrystalGraphs
from models.graphs.vector_graphs import VectorGraphs

MAGNETIC_THRESHOLD = 0.05  # µB/atom; where "is it magnetic" draws the line


class ModelError(ValueError):
    """A model cannot be trained, loaded or used as asked; the message says why."""


@dataclass(frozen=True, eq=False)
class Examples:
    """What a model may look at; each family takes what it needs."""

    graphs: CrystalGraphs
    descriptors: NDArray[np.float32]  # (crystals, columns); NaN where one could not be computed
    moment: NDArray[np.float64] | None = None  # (crystals,) µB/atom; None where unknown
    vectors: VectorGraphs | None = None  # graphs with directions; None where no family asked for them
    weight: NDArray[np.float64] | None = None  # (crystals,) of each in training, for families of trees; None: all alike

    def __len__(self) -> int:
        return len(self.graphs)

    def take(self, index: NDArray[np.int64]) -> Examples:
        """Some crystals, in the order asked for."""
        moment = None if self.moment is None else self.moment[index]
        vectors = None if self.vectors is None else self.vectors.take(index)
        weight = None if self.weight is None else self.weight[index]
        return Examples(self.graphs.take(index), self.descriptors[index], moment, vectors, weight)

    def targets(self) -> NDArray[np.float64]:
        """The moments, µB/atom. Raises ModelError where there are none."""
        if self.moment is None or not np.isfinite(self.moment).all():
            raise ModelError("training needs a finite moment for every crystal")
        return self.moment


@dataclass(frozen=True, eq=False)
class Prediction:
    """One row a crystal, in the order of the examples."""

    moment: NDArray[np.float64]  # (crystals,) µB/atom, finite and never negative
    p_magnetic: NDArray[np.float64]  # (crystals,) probability that |moment| > MAGNETIC_THRESHOLD


@dataclass(frozen=True)
class FitControl:
    """How a fit runs; what it learns is the family's affair."""

    seed: int = 0
    epochs: int | None = None  # None: the family's own default; families without epochs ignore it
    deadline: float | None = None  # time.monotonic() at which to wrap up with the best model so far
    checkpoint: Path | None = None  # a folder; a fit that finds its own checkpoint there goes on from it
    pretrained: Path | None = None  # a saved model to adapt, for families that do
    columns: tuple[int, ...] = ()  # the descriptors that families which read them may look at; none named: all
    workers: int = 1  # processor cores
    report: Callable[[dict[str, float]], None] = field(default=lambda row: None)  # told after each epoch

    def out_of_time(self) -> bool:
        return self.deadline is not None and time.monotonic() >= self.deadline


class Model(Protocol):
    """A learner of the moment per atom."""

    family: ClassVar[str]
    reads_vectors: ClassVar[bool]  # whether it needs Examples.vectors
    adapts: ClassVar[str | None]  # the family of the saved models that FitControl.pretrained may name

    def fit(self, train: Examples, validation: Examples, control: FitControl) -> list[dict[str, float]]:
        """Learn from `train`, choose on `validation`; same data, seed and cores give the same model.

        Returns:
            The history: one row an epoch (or one row), with at least `validation_mae` in µB/atom.
        """
        ...

    def predict(self, examples: Examples) -> Prediction:
        """Each row depends on its own crystal only, whatever stands beside it in the batch."""
        ...

    def save(self, folder: Path) -> None:
        """Write `model.safetensors` and `model.json` into an existing folder."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The saved model, predicting the same numbers. Raises ModelError for anything else in the folder."""
        ...
