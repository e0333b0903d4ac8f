"""Random forest on composition and structure descriptors, kept as plain arrays: nothing in its file can run.

Each tree predicts two things at once, the moment and whether it is magnetic. A missing descriptor (NaN) counts as the median of
the training rows, which is kept with the trees.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from models.contract import MAGNETIC_THRESHOLD, Examples, FitControl, ModelError, Prediction
from models.trees import Trees, flatten

FORMAT = 1
WEIGHTS_FILE = "model.safetensors"
SETTINGS_FILE = "model.json"
OUTPUTS = 2  # moment in µB/atom, share of magnetic crystals
MEDIAN = "median"  # beside the trees' arrays; the forests that were saved before descriptors could be missing have none


@dataclass(frozen=True)
class ForestSettings:
    """Scikit-learn's names; the values of the reference notebook where they also won on our validation rows."""

    n_estimators: int = 100
    min_samples_leaf: int = 2
    max_features: float = 0.33


class Forest:
    """The family "forest"."""

    family: ClassVar[str] = "forest"
    reads_vectors: ClassVar[bool] = False
    adapts: ClassVar[str | None] = None

    def __init__(self, settings: ForestSettings | None = None) -> None:
        self.settings = settings or ForestSettings()
        self.trees: Trees | None = None
        self.median: NDArray[np.float32] = np.zeros(0, dtype=np.float32)

    def fit(self, train: Examples, validation: Examples, control: FitControl) -> list[dict[str, float]]:
        from sklearn.ensemble import RandomForestRegressor

        moment = train.targets()
        both = np.stack([moment, moment > MAGNETIC_THRESHOLD], axis=1)
        forest = RandomForestRegressor(**asdict(self.settings), random_state=control.seed, n_jobs=control.workers)
        self.median = _medians(train.descriptors)
        forest.fit(_filled(train.descriptors, self.median), both)
        self.trees = flatten([e.tree_ for e in forest.estimators_])
        error = float(np.abs(self.predict(validation).moment - validation.targets()).mean())
        control.report({"epoch": 1, "validation_mae": error})
        return [{"epoch": 1, "validation_mae": error}]

    def predict(self, examples: Examples) -> Prediction:
        if self.trees is None:
            raise ModelError("the forest has not been fitted")
        rows = examples.descriptors
        if rows.shape[1] != len(self.median):
            raise ModelError(f"the forest was trained on {len(self.median)} descriptors, not {rows.shape[1]}")
        both = self.trees.predict(_filled(rows, self.median))
        return Prediction(np.maximum(both[:, 0], 0.0), np.clip(both[:, 1], 0.0, 1.0))

    def save(self, folder: Path) -> None:
        if self.trees is None:
            raise ModelError("the forest has not been fitted")
        save_file({**vars(self.trees), MEDIAN: self.median}, folder / WEIGHTS_FILE)
        header = {"family": self.family, "format": FORMAT, "settings": asdict(self.settings), "columns": len(self.median)}
        (folder / SETTINGS_FILE).write_text(json.dumps(header, indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path) -> Self:
        try:
            header = json.loads((folder / SETTINGS_FILE).read_text())
            if header["family"] != cls.family or header["format"] != FORMAT:
                raise ModelError(f"{folder} holds a {header['family']} of format {header['format']}, not {cls.family} {FORMAT}")
            model = cls(ForestSettings(**header["settings"]))
            arrays, columns = load_file(folder / WEIGHTS_FILE), int(header["columns"])
            model.median = arrays.pop(MEDIAN, np.zeros(columns, dtype=np.float32))
            model.trees = Trees(**arrays)
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as fault:
            raise ModelError(f"{folder} holds no readable forest: {fault}") from fault
        model.trees.check(columns, OUTPUTS)
        if model.median.shape != (columns,) or model.median.dtype != np.float32 or not np.isfinite(model.median).all():
            raise ModelError(f"{folder} does not state one median for each descriptor")
        return model


def _medians(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of each column's known values; zero where none is known, which no tree can ask about."""
    nothing = np.isnan(rows).all(axis=0)
    median: NDArray[np.float32] = np.nanmedian(np.where(nothing, np.float32(0), rows), axis=0).astype(np.float32)
    return median


def _filled(rows: NDArray[np.float32], median: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.where(np.isnan(rows), median, rows)
