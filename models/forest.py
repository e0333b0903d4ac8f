"""Random forest on composition and structure descriptors, kept as plain arrays: nothing in its file can run.

Each tree predicts two things at once, the moment and whether it is magnetic. A missing descriptor (NaN) counts as the median of
the training rows, which is kept with the trees.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from models.contract import MAGNETIC_THRESHOLD, Examples, FitControl, ModelError, Prediction

FORMAT = 1
WEIGHTS_FILE = "model.safetensors"
SETTINGS_FILE = "model.json"
MEDIAN = "median"  # beside the trees' arrays; the forests that were saved before descriptors could be missing have none
ROWS_PER_CHUNK = 2048


@dataclass(frozen=True)
class ForestSettings:
    """Scikit-learn's names; the values of the reference notebook where they also won on our validation rows."""

    n_estimators: int = 100
    min_samples_leaf: int = 2
    max_features: float = 0.33


@dataclass(frozen=True, eq=False)
class Trees:
    """All trees in flat arrays; a leaf points to itself."""

    root: NDArray[np.int32]  # (trees,) node of each tree's root
    left: NDArray[np.int32]  # (nodes,)
    right: NDArray[np.int32]  # (nodes,)
    feature: NDArray[np.int16]  # (nodes,) descriptor column; 0 in a leaf
    threshold: NDArray[np.float32]  # (nodes,) go left where the value is at most this
    value: NDArray[np.float32]  # (nodes, outputs); here moment in µB/atom, share of magnetic crystals

    def check(self, columns: int, outputs: int = 2) -> None:
        """Raises ModelError unless walking down from any root ends in a leaf of this file."""
        nodes = len(self.left)
        own = np.arange(nodes)
        lists = {"left": "i", "right": "i", "feature": "i", "threshold": "f"}
        shaped = all(getattr(self, n).shape == (nodes,) and getattr(self, n).dtype.kind == kind for n, kind in lists.items())
        rooted = self.root.ndim == 1 and self.root.dtype.kind == "i" and len(self.root) > 0
        if not (shaped and rooted and self.value.shape == (nodes, outputs)):
            raise ModelError("the forest's arrays have not the shapes and types of a forest")
        leaf = (self.left == own) & (self.right == own)
        down = (self.left > own) & (self.right > own) & (self.left < nodes) & (self.right < nodes)
        if not ((leaf | down).all() and ((self.root >= 0) & (self.root < nodes)).all()):
            raise ModelError("the forest's arrays do not describe trees")
        numbers = np.isfinite(self.value).all() and not np.isnan(self.threshold).any()
        if ((self.feature < 0) | (self.feature >= columns)).any() or not numbers:
            raise ModelError("the forest's arrays name columns or values that cannot be")

    def predict(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """(rows, outputs) means over the trees."""
        node = np.broadcast_to(self.root, (len(rows), len(self.root))).copy()
        line = np.arange(len(rows))[:, None]
        while True:
            to_left = rows[line, self.feature[node]] <= self.threshold[node]
            following = np.where(to_left, self.left[node], self.right[node])
            if np.array_equal(following, node):
                mean: NDArray[np.float64] = self.value[node].mean(axis=1, dtype=np.float64)
                return mean
            node = following


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
        starts = range(0, len(rows), ROWS_PER_CHUNK)
        chunks = [self.trees.predict(_filled(rows[k : k + ROWS_PER_CHUNK], self.median)) for k in starts]
        both = np.concatenate(chunks) if chunks else np.zeros((0, 2))
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
        model.trees.check(columns)
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


def flatten(trees: list[Any]) -> Trees:
    """Scikit-learn's trees one after the other, children renumbered, leaves pointing to themselves."""
    sizes = [tree.node_count for tree in trees]
    offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    own = [np.arange(n) for n in sizes]
    leaf = [tree.children_left < 0 for tree in trees]
    left = [np.where(f, o, t.children_left) + b for t, f, o, b in zip(trees, leaf, own, offsets, strict=True)]
    right = [np.where(f, o, t.children_right) + b for t, f, o, b in zip(trees, leaf, own, offsets, strict=True)]
    return Trees(
        root=offsets.astype(np.int32),
        left=np.concatenate(left).astype(np.int32),
        right=np.concatenate(right).astype(np.int32),
        feature=np.concatenate([np.where(f, 0, t.feature) for t, f in zip(trees, leaf, strict=True)]).astype(np.int16),
        threshold=np.concatenate([_round_down(t.threshold) for t in trees]),
        value=np.concatenate([t.value[:, :, 0] for t in trees]).astype(np.float32),
    )


def _round_down(threshold: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest float32 not above: a float32 value compares with it as with the original."""
    near = threshold.astype(np.float32)
    return np.where(near > threshold, np.nextafter(near, np.float32(-np.inf)), near)
