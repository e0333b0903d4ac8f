"""Random forest on composition and structure descriptors, kept as plain arrays: nothing in its file can run.

Each tree predicts two things at once, the moment and whether it is magnetic. A missing descriptor (NaN) counts as the median of
the training rows, which is kept with the trees.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from models.contract import MAGNETIC_THRESHOLD, Examples, FitControl, ModelError, Prediction
from models.saved import WEIGHTS_FILE, read_saved, write_header
from models.trees.decision_trees import Trees, flatten, flatten_boosted
from models.trees.weighted_boosting import fit_boosted

FORMAT = 1
OUTPUTS = 2  # moment in µB/atom, share of magnetic crystals
MEDIAN = "median"  # beside the trees' arrays; the forests that were saved before descriptors could be missing have none


class ForestKind(StrEnum):
    """How the trees come about; all end as the same arrays."""

    RANDOM = "random"  # each on a bootstrap sample (Breiman 2001)
    EXTRA = "extra"  # on all rows, thresholds at random (Geurts et al. 2006)
    BOOSTED = "boosted"  # each on the errors of those before it, from histograms (Ke et al. 2017)


@dataclass(frozen=True)
class ForestSettings:
    """Scikit-learn's names; the values of the reference notebook where they also won on our validation rows."""

    kind: ForestKind = ForestKind.RANDOM
    n_estimators: int = 100
    min_samples_leaf: int = 2
    max_features: float = 0.33  # share of the columns that a split may ask
    max_leaf_nodes: int | None = None
    learning_rate: float | None = None  # of boosted trees
    columns: tuple[int, ...] = ()  # the descriptors that it looks at, ascending; none named: all


class Forest:
    """The family "forest"."""

    family: ClassVar[str] = "forest"
    reads_vectors: ClassVar[bool] = False
    reads_frames: ClassVar[bool] = False
    reads_site_moments: ClassVar[bool] = False
    adapts: ClassVar[str | None] = None
    defaults: ClassVar[ForestSettings] = ForestSettings()

    def __init__(self, settings: ForestSettings | None = None) -> None:
        self.settings = settings or self.defaults
        self.trees: Trees | None = None
        self.median: NDArray[np.float32] = np.zeros(0, dtype=np.float32)

    def fit(self, train: Examples, validation: Examples, control: FitControl) -> list[dict[str, float]]:
        moment = train.targets()
        both = np.stack([moment, moment > MAGNETIC_THRESHOLD], axis=1)
        if control.columns:
            self.settings = replace(self.settings, columns=control.columns)
        self.median = medians(train.descriptors)
        seen = self._seen(filled(train.descriptors, self.median))
        self.trees = _grow(seen, both, train.weight, self.settings, control)
        error = float(np.abs(self.predict(validation).moment - validation.targets()).mean())
        control.report({"epoch": 1, "validation_mae": error})
        return [{"epoch": 1, "validation_mae": error}]

    def predict(self, examples: Examples) -> Prediction:
        if self.trees is None:
            raise ModelError("the forest has not been fitted")
        rows = examples.descriptors
        if rows.shape[1] != len(self.median):
            raise ModelError(f"the forest was trained on {len(self.median)} descriptors, not {rows.shape[1]}")
        both = self.trees.predict(self._seen(filled(rows, self.median)))
        return Prediction(np.maximum(both[:, 0], 0.0), np.clip(both[:, 1], 0.0, 1.0))

    def _seen(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        return rows[:, list(self.settings.columns)] if self.settings.columns else rows

    def save(self, folder: Path) -> None:
        if self.trees is None:
            raise ModelError("the forest has not been fitted")
        save_file({**vars(self.trees), MEDIAN: self.median}, folder / WEIGHTS_FILE)
        write_header(folder, self.family, FORMAT, {"settings": asdict(self.settings), "columns": len(self.median)})

    @classmethod
    def load(cls, folder: Path) -> Self:
        header, arrays = read_saved(folder, cls.family, FORMAT, load_file)
        try:
            stated = {**header["settings"], "columns": tuple(header["settings"].get("columns", ()))}
            model = cls(ForestSettings(**{**stated, "kind": ForestKind(stated.get("kind", ForestKind.RANDOM))}))
            columns = int(header["columns"])
            model.median = arrays.pop(MEDIAN, np.zeros(columns, dtype=np.float32))
            model.trees = Trees(**arrays)
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            raise ModelError(f"{folder} holds no readable forest: {fault}") from fault
        chosen = model.settings.columns
        if any(not 0 <= k < columns for k in chosen):
            raise ModelError(f"{folder} names descriptors that there are not")
        model.trees.check(len(chosen) or columns, OUTPUTS)
        if model.median.shape != (columns,) or model.median.dtype != np.float32 or not np.isfinite(model.median).all():
            raise ModelError(f"{folder} does not state one median for each descriptor")
        return model


class ExtraTrees(Forest):
    """The family "extratrees"."""

    family: ClassVar[str] = "extratrees"
    defaults: ClassVar[ForestSettings] = ForestSettings(ForestKind.EXTRA)


class BoostedTrees(Forest):
    """The family "boosting"; trees of two kinds, for the moment and for the share of magnetic crystals."""

    family: ClassVar[str] = "boosting"
    defaults: ClassVar[ForestSettings] = ForestSettings(
        ForestKind.BOOSTED, n_estimators=400, min_samples_leaf=10, max_leaf_nodes=63, learning_rate=0.06
    )


def _grow(
    rows: NDArray[np.float32], both: NDArray[np.float64], weight: NDArray[np.float64] | None, settings: ForestSettings,
    control: FitControl,
) -> Trees:  # fmt: skip
    """The trees of some rows; `both` is (rows, 2) moment and whether magnetic, `weight` (rows,) or None."""
    from sklearn import ensemble

    if settings.kind is ForestKind.BOOSTED:
        boosted = [
            fit_boosted(
                ensemble.HistGradientBoostingRegressor(
                    max_iter=settings.n_estimators, min_samples_leaf=settings.min_samples_leaf, early_stopping=False,
                    max_leaf_nodes=settings.max_leaf_nodes, learning_rate=settings.learning_rate,
                    max_features=settings.max_features, random_state=control.seed,
                ),
                rows, target, weight,
            )
            for target in both.T
        ]  # fmt: skip
        return flatten_boosted(boosted)
    grower = {ForestKind.RANDOM: ensemble.RandomForestRegressor, ForestKind.EXTRA: ensemble.ExtraTreesRegressor}[settings.kind]
    forest = grower(
        n_estimators=settings.n_estimators, min_samples_leaf=settings.min_samples_leaf, max_features=settings.max_features,
        max_leaf_nodes=settings.max_leaf_nodes, random_state=control.seed, n_jobs=control.workers,
    )  # fmt: skip
    return flatten([e.tree_ for e in forest.fit(rows, both, sample_weight=weight).estimators_])


def medians(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of each column's known values; zero where none is known; no tree splits on such a column."""
    nothing = np.isnan(rows).all(axis=0)
    median: NDArray[np.float32] = np.nanmedian(np.where(nothing, np.float32(0), rows), axis=0).astype(np.float32)
    return median


def filled(rows: NDArray[np.float32], median: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.where(np.isnan(rows), median, rows)
