"""The expected size of an error: learned on validation rows from the members' predictions and the descriptors.

Members that agree can all be wrong, and for difficult chemistry they err together, so their spread alone is a poor estimate.
Extremely randomised trees (Geurts et al. 2006) learn the logarithm of the absolute error, because a few very large errors would
dominate otherwise. Normalising a conformal score by such an estimate: Papadopoulos et al. 2008; by trees: Johansson et al. 2014.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from models.contract import ModelError, Prediction
from models.saved import WEIGHTS_FILE, read_saved, write_header
from models.trees.decision_trees import Trees, flatten
from pipeline.registry.member_mean import deviation, weighted_mean

Floats = NDArray[np.float64]
FAMILY = "difficulty"
FORMAT = 2  # 1 had other names for its files
SMALLEST = 0.01  # µB/atom, added to every error: that most integer moments are met exactly would dominate a logarithm


@dataclass(frozen=True)
class DifficultySettings:
    """Scikit-learn's names; chosen on validation rows."""

    n_estimators: int = 64
    min_samples_leaf: int = 8
    max_features: float = 0.4


@dataclass(frozen=True, eq=False)
class Difficulty:
    """Expected absolute error of an ensemble, by crystal."""

    trees: Trees
    members: int
    descriptors: int  # columns of the descriptors it reads, from the first

    @classmethod
    def fit(
        cls, error: Floats, predictions: Sequence[Prediction], weights: Floats, descriptors: NDArray[np.float32],
        settings: DifficultySettings, seed: int = 0,
    ) -> Self:  # fmt: skip
        """Fit the trees.

        Args:
            error: (rows,) absolute errors on rows that the members did not learn from, µB/atom.
            predictions: one per member.
            weights: (members,) weights of the ensemble.
            descriptors: (rows, columns).
            settings: settings of the trees.
            seed: seed of the trees.
        """
        from sklearn.ensemble import ExtraTreesRegressor

        trees = ExtraTreesRegressor(**asdict(settings), random_state=seed, n_jobs=1)
        trees.fit(features(predictions, weights, descriptors), np.log(error + SMALLEST))
        return cls(flatten([e.tree_ for e in trees.estimators_]), len(predictions), descriptors.shape[1])

    def predict(self, predictions: Sequence[Prediction], weights: Floats, descriptors: NDArray[np.float32]) -> Floats:
        """The expected size of the error.

        Args:
            predictions: one per member.
            weights: (members,) weights of the ensemble.
            descriptors: (rows, columns).

        Returns:
            (rows,) geometric mean of the expected errors, SMALLEST included, µB/atom.
        """
        logarithm = self.trees.predict(features(predictions, weights, descriptors[:, : self.descriptors]))[:, 0]
        return np.asarray(np.exp(logarithm))

    def save(self, folder: Path) -> None:
        save_file(vars(self.trees), folder / WEIGHTS_FILE)
        write_header(folder, FAMILY, FORMAT, {"members": self.members, "descriptors": self.descriptors})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Raises ModelError for anything else in the folder."""
        header, arrays = read_saved(folder, FAMILY, FORMAT, load_file)
        try:
            loaded = cls(Trees(**arrays), int(header["members"]), int(header["descriptors"]))
        except (ValueError, KeyError, TypeError) as fault:
            raise ModelError(f"{folder} holds no readable difficulty: {fault}") from fault
        loaded.trees.check(_OF_ENSEMBLE + _OF_MEMBER * loaded.members + loaded.descriptors, outputs=1)
        return loaded


_OF_ENSEMBLE, _OF_MEMBER = 8, 2  # columns


def features(predictions: Sequence[Prediction], weights: Floats, descriptors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The inputs of the error model.

    Args:
        predictions: one for each member, each for the same n crystals.
        weights: of the members, shape (members,), sum 1.
        descriptors: of the crystals, shape (n, descriptors).

    Returns:
        Shape (n, columns): disagreement and uncertainty of the ensemble, each member's deviation and prediction, the descriptors.
    """
    moments, votes = np.stack([p.moment for p in predictions]), np.stack([p.p_magnetic for p in predictions])
    moment, p = weighted_mean(weights, moments), weighted_mean(weights, votes)
    columns = [
        _log(deviation(moments)),
        _log(np.sqrt(weighted_mean(weights, (moments - moment) ** 2))),
        _log(p * (1 - p)),
        _log(weighted_mean(np.full(len(votes), 1.0 / len(votes)), votes * (1 - votes))),
        _log(moment),
        _log(deviation(votes)),
        p,
        moment,
        *_log(np.abs(moments - moment)),
        *_log(moments),
    ]
    return np.concatenate([np.stack(columns, axis=1).astype(np.float32), descriptors], axis=1)


def _log(values: Floats) -> Floats:
    found: Floats = np.log(np.maximum(values, 0.0) + 1e-4)
    return found
