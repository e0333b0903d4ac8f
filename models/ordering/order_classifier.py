"""The kind of magnetic order of a magnetic crystal, from its descriptors: boosted trees on multinomial log loss (Friedman 2001).

The moment ensemble predicts whether there are moments at all. Of the models that were tried on mp_site_moments.parquet, trees on
the descriptors of a screen were the best: macro-F1 0.69 on validation rows, against 0.66 of trees on pairs of magnetic sites and
0.62 of a graph network.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from scipy.special import softmax

from models.contract import ModelError
from models.saved import WEIGHTS_FILE, read_saved, write_header
from models.trees.boosting_settings import BoostingSettings
from models.trees.decision_trees import Trees, flatten_classifier
from models.trees.forest import filled, medians

FAMILY, FORMAT = "ordering-classes", 1
CLASSES = ("FM", "FiM", "AFM")
COMPENSATED = 0.1  # |sum m| / sum |m| of an antiferromagnet at most
ALIGNED = 0.8  # |sum m| / sum |m| of a ferromagnet at least
MEDIAN = "median"
CLASS_BOOSTING = BoostingSettings(
    max_iter=500, learning_rate=0.03, min_samples_leaf=20, l2_regularization=1.0
)  # chosen on validation rows


@dataclass(frozen=True, eq=False)
class OrderClassifierTrees:
    """Probabilities of CLASSES, given that the crystal is magnetic."""

    trees: Trees
    median: NDArray[np.float32]  # (columns,) stands in for a descriptor that could not be computed
    facts: dict[str, Any]  # what it learned from, and how well it does

    @classmethod
    def fit(
        cls, descriptors: NDArray[np.float32], classes: NDArray[np.int64], facts: dict[str, Any],
        seed: int = 0,
    ) -> Self:  # fmt: skip
        """Learn from (crystals, columns) descriptors and (crystals,) places in CLASSES."""
        median = medians(descriptors)
        grower = CLASS_BOOSTING.classifier(seed)
        return cls(flatten_classifier(grower.fit(filled(descriptors, median), classes)), median, facts)

    def predict(self, descriptors: NDArray[np.float32]) -> NDArray[np.float64]:
        """(crystals, 3) probabilities that sum to 1. Raises ModelError for another number of columns."""
        if descriptors.shape[1] != len(self.median):
            raise ModelError(f"the classes were learned from {len(self.median)} descriptors, not {descriptors.shape[1]}")
        logits = self.trees.predict(filled(descriptors, self.median))
        said: NDArray[np.float64] = softmax(logits, axis=1)
        return said

    def save(self, folder: Path) -> None:
        """Write `model.safetensors` and `model.json` into an existing folder."""
        save_file({**vars(self.trees), MEDIAN: self.median}, folder / WEIGHTS_FILE)
        write_header(folder, FAMILY, FORMAT, {"classes": list(CLASSES), "facts": self.facts})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The saved classes, predicting the same numbers. Raises ModelError for anything else in the folder."""
        header, arrays = read_saved(folder, FAMILY, FORMAT, load_file)
        try:
            median, facts = arrays.pop(MEDIAN), dict(header["facts"])
            loaded = cls(Trees(**arrays), median, facts)
        except (KeyError, TypeError, ValueError) as fault:
            raise ModelError(f"{folder} holds no readable classes: {fault}") from fault
        if median.ndim != 1 or median.dtype != np.float32 or not np.isfinite(median).all():
            raise ModelError(f"{folder} does not state one median for each descriptor")
        loaded.trees.check(len(median), len(CLASSES))
        return loaded


def alignment_class(moments: NDArray[np.float64]) -> int:
    """The place in CLASSES of signed site moments (sites,), µB, one of which at least is not zero.

    By |sum m| / sum |m|, not by the sign of every small moment: 0.3 µB on yttrium make no ferrimagnet of YCo5.
    """
    aligned = abs(moments.sum()) / np.abs(moments).sum()
    return 0 if aligned >= ALIGNED else 2 if aligned <= COMPENSATED else 1
