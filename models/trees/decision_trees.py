"""Decision trees as plain arrays: a file of them holds numbers, and nothing in it can run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.contract import ModelError
from models.trees.compiled import compiled_leaves

MANY_ROWS = 256  # from here on the compiled walk wins in spite of scikit-learn's import and of copying the trees


@dataclass(frozen=True, eq=False)
class Trees:
    """All trees in flat arrays, one tree after the other; a leaf points to itself."""

    root: NDArray[np.int32]  # (trees,) node of each tree's root, its first node
    left: NDArray[np.int32]  # (nodes,)
    right: NDArray[np.int32]  # (nodes,)
    feature: NDArray[np.int16]  # (nodes,) descriptor column; 0 in a leaf
    threshold: NDArray[np.float32]  # (nodes,) go left where the value is at most this
    value: NDArray[np.float32]  # (nodes, outputs)

    def check(self, columns: int, outputs: int) -> None:
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
        starts = self.root[0] == 0 and (np.diff(self.root) > 0).all() and self.root[-1] < nodes
        if not (starts and (leaf | down).all()):
            raise ModelError("the forest's arrays do not describe trees")
        tree = np.searchsorted(self.root, own, side="right")
        if ((tree[self.left] != tree) | (tree[self.right] != tree)).any():
            raise ModelError("a tree of the forest leads into another one")
        numbers = np.isfinite(self.value).all() and not np.isnan(self.threshold).any()
        if ((self.feature < 0) | (self.feature >= columns)).any() or not numbers:
            raise ModelError("the forest's arrays name columns or values that cannot be")

    def predict(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """(rows, outputs) means over the trees, which do not depend on the other rows; `rows` is (rows, columns)."""
        total = np.zeros((len(rows), self.value.shape[1]))
        for leaf in self._each_leaf(rows):
            total += self.value.take(leaf, axis=0)
        return total / len(self.root)

    def quantiles(self, rows: NDArray[np.float32], levels: tuple[float, ...]) -> NDArray[np.float64]:
        """(levels, rows) quantiles over the trees of their first output; `rows` is (rows, columns)."""
        if not len(rows):
            return np.zeros((len(levels), 0))
        values = np.stack([self.value[leaf, 0] for leaf in self._each_leaf(rows)]).astype(np.float64)
        found: NDArray[np.float64] = np.quantile(values, levels, axis=0)
        return found

    def _each_leaf(self, rows: NDArray[np.float32]) -> Iterator[NDArray[np.int64]] | Iterator[NDArray[np.int32]]:
        """(rows,) the leaf of each row, tree by tree."""
        return compiled_leaves(self, rows) if len(rows) >= MANY_ROWS else self._leaves(rows)

    def _leaves(self, rows: NDArray[np.float32]) -> Iterator[NDArray[np.int32]]:
        """(rows,) the leaf of each row, tree by tree, without scikit-learn, whose import takes longer than few rows do."""
        node = np.broadcast_to(self.root, (len(rows), len(self.root))).copy()
        line = np.arange(len(rows))[:, None]
        while True:
            to_left = rows[line, self.feature[node]] <= self.threshold[node]
            following = np.where(to_left, self.left[node], self.right[node])
            if np.array_equal(following, node):
                return iter(np.ascontiguousarray(node.T))
            node = following


def single_leaf(value: float) -> Trees:
    """A tree of one leaf, which predicts one number for every row."""
    root, left, right = (np.zeros(1, np.int32) for _ in range(3))
    return Trees(root, left, right, np.zeros(1, np.int16), np.zeros(1, np.float32), np.full((1, 1), value, np.float32))


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


def flatten_boosted(models: list[Any]) -> Trees:
    """Scikit-learn's histogram boosting, one regressor an output."""
    return _flatten_grown(
        [
            (k, stage[0].nodes, model._baseline_prediction.item() / len(model._predictors))
            for k, model in enumerate(models)
            for stage in model._predictors
        ],
        len(models),
    )


def flatten_classifier(model: Any) -> Trees:
    """Scikit-learn's histogram boosting for three classes or more: one output a class, its logit."""
    stages = len(model._predictors)
    baseline = model._baseline_prediction.ravel() / stages
    grown = [(k, tree.nodes, float(baseline[k])) for stage in model._predictors for k, tree in enumerate(stage)]
    return _flatten_grown(grown, len(baseline))


def _flatten_grown(grown: list[tuple[int, NDArray[Any], float]], outputs: int) -> Trees:
    """(output, nodes, share of the baseline) of each tree. A leaf holds its share of the sum, times the number of trees, since
    `predict` takes means; the baseline is shared out among an output's trees."""
    sizes = [len(nodes) for _, nodes, _ in grown]
    offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    value = np.zeros((sum(sizes), outputs))
    parts: dict[str, list[NDArray[Any]]] = {"left": [], "right": [], "feature": [], "threshold": []}
    for (output, nodes, baseline), start in zip(grown, offsets, strict=True):
        leaf, own = nodes["is_leaf"].astype(bool), np.arange(len(nodes))
        parts["left"].append(np.where(leaf, own, nodes["left"]) + start)
        parts["right"].append(np.where(leaf, own, nodes["right"]) + start)
        parts["feature"].append(np.where(leaf, 0, nodes["feature_idx"]))
        parts["threshold"].append(_round_down(np.where(leaf, 0.0, nodes["num_threshold"])))
        value[start : start + len(nodes), output] = np.where(leaf, (nodes["value"] + baseline) * len(grown), 0.0)
    return Trees(
        root=offsets.astype(np.int32),
        left=np.concatenate(parts["left"]).astype(np.int32),
        right=np.concatenate(parts["right"]).astype(np.int32),
        feature=np.concatenate(parts["feature"]).astype(np.int16),
        threshold=np.concatenate(parts["threshold"]),
        value=value.astype(np.float32),
    )


def _round_down(threshold: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest float32 not above: a float32 value compares with it as with the original."""
    near = threshold.astype(np.float32)
    return np.where(near > threshold, np.nextafter(near, np.float32(-np.inf)), near)
