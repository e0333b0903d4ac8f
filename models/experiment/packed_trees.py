"""Trees in a quarter of the space: four bytes a node on average, for files.

Scikit-learn writes a tree depth first, so that a left child is the node after its parent; a leaf needs no threshold, and a split
needs no value. Thresholds and values are rounded when a forest is grown (`rounded`), before anything is measured or calibrated
with it: what is packed and unpacked predicts the same numbers.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.contract import ModelError
from models.trees.decision_trees import Trees

PARTS = 1024  # of one: a leaf's value is a multiple of its inverse; 0.07 K of a Curie temperature of 1,200 K
LARGEST = np.iinfo(np.uint16).max / PARTS  # of a leaf's value: the root of 4,095 K
NAMES = ("root", "leaf", "threshold", "feature", "step", "value")


def rounded(trees: Trees) -> Trees:
    """The trees with thresholds of 16 bits and values that are multiples of 1 / PARTS, each between 0 and LARGEST."""
    bound = np.finfo(np.float16).max
    threshold = np.clip(trees.threshold, -bound, bound).astype(np.float16).astype(np.float32)
    value = np.clip(np.rint(trees.value * PARTS) / PARTS, 0.0, LARGEST).astype(np.float32)
    leaf = trees.left == np.arange(len(trees.left))
    return replace(
        trees, threshold=np.where(leaf, np.float32(0), threshold), value=np.where(leaf[:, None], value, np.float32(0))
    )  # fmt: skip


def pack(trees: Trees) -> dict[str, NDArray[np.generic]]:
    """Arrays of NAMES: (trees,) root; (nodes / 8,) bits that are 1 for leaves; (splits,) threshold, feature and steps to the
    right child; (leaves,) value in 1 / PARTS.

    Raises:
        ValueError: the trees are not `rounded`, a left child does not follow its parent, or they have several outputs.
    """
    own = np.arange(len(trees.left))
    leaf = trees.left == own
    split = ~leaf
    if trees.value.shape[1] != 1 or (trees.left[split] != own[split] + 1).any():
        raise ValueError("only trees of one output, written depth first, can be packed")
    same = rounded(trees)
    if (same.threshold[split] != trees.threshold[split]).any() or (same.value[leaf] != trees.value[leaf]).any():
        raise ValueError("only rounded trees can be packed")
    step = (trees.right - own)[split]
    small = not len(step) or step.max() <= np.iinfo(np.int16).max
    return {
        "root": trees.root, "leaf": np.packbits(leaf), "threshold": trees.threshold[split].astype(np.float16),
        "feature": trees.feature[split].astype(np.int16), "step": step.astype(np.int16 if small else np.int32),
        "value": np.rint(trees.value[leaf, 0] * PARTS).astype(np.uint16),
    }  # fmt: skip


def unpack(packed: dict[str, NDArray[np.generic]]) -> Trees:
    """The trees of `pack`, in which every split has the value 0. Raises ModelError for arrays that do not fit each other."""
    if set(packed) != set(NAMES) or any(packed[name].ndim != 1 for name in NAMES):
        raise ModelError("the forest's packed arrays do not fit each other")
    splits, leaves = len(packed["threshold"]), len(packed["value"])
    bits = np.unpackbits(packed["leaf"].astype(np.uint8))
    leaf = bits[: splits + leaves].astype(bool)
    fits = len(packed["feature"]) == len(packed["step"]) == splits and len(bits) == -(-(splits + leaves) // 8) * 8
    if not fits or int(leaf.sum()) != leaves:
        raise ModelError("the forest's packed arrays do not fit each other")
    left = np.arange(splits + leaves, dtype=np.int32)
    right, feature = left.copy(), np.zeros(len(left), np.int16)
    threshold, value = np.zeros(len(left), np.float32), np.zeros((len(left), 1), np.float32)
    right[~leaf] += packed["step"].astype(np.int32)
    left[~leaf] += 1
    feature[~leaf], threshold[~leaf] = packed["feature"], packed["threshold"]
    value[leaf, 0] = packed["value"].astype(np.float32) / np.float32(PARTS)
    return Trees(packed["root"].astype(np.int32), left, right, feature, threshold, value)
