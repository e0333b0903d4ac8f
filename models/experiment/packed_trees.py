"""Trees in less than half the space: eight bytes a node, for files.

Scikit-learn writes a tree depth first, so that a left child is the node after its parent; a leaf needs no threshold, and a split
needs no value. What is packed and unpacked predicts the same numbers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.contract import ModelError
from models.trees.decision_trees import Trees

LEAF = -1  # in place of a feature
NAMES = ("root", "number", "feature", "step")


def pack(trees: Trees) -> dict[str, NDArray[np.generic]]:
    """Arrays of NAMES: (trees,) root; (nodes,) threshold or a leaf's value, feature or LEAF, steps to the right child.

    Raises:
        ValueError: a left child does not follow its parent, or the trees have several outputs.
    """
    own = np.arange(len(trees.left))
    leaf = trees.left == own
    if trees.value.shape[1] != 1 or (trees.left[~leaf] != own[~leaf] + 1).any():
        raise ValueError("only trees of one output, written depth first, can be packed")
    step = trees.right - own
    return {
        "root": trees.root, "number": np.where(leaf, trees.value[:, 0], trees.threshold).astype(np.float32),
        "feature": np.where(leaf, LEAF, trees.feature).astype(np.int16),
        "step": step.astype(np.int16 if step.max() <= np.iinfo(np.int16).max else np.int32),
    }  # fmt: skip


def unpack(packed: dict[str, NDArray[np.generic]]) -> Trees:
    """The trees of `pack`, in which every split has the value 0. Raises ModelError for arrays that do not fit each other."""
    if set(packed) != set(NAMES) or len({packed[name].shape for name in NAMES[1:]}) != 1 or packed["number"].ndim != 1:
        raise ModelError("the forest's packed arrays do not fit each other")
    own, leaf = np.arange(len(packed["number"]), dtype=np.int32), packed["feature"] == LEAF
    number = packed["number"].astype(np.float32)
    return Trees(
        root=packed["root"].astype(np.int32), left=np.where(leaf, own, own + 1).astype(np.int32),
        right=(own + packed["step"].astype(np.int32)).astype(np.int32),
        feature=np.where(leaf, 0, packed["feature"]).astype(np.int16),
        threshold=np.where(leaf, np.float32(0), number), value=np.where(leaf, number, np.float32(0))[:, None],
    )  # fmt: skip
