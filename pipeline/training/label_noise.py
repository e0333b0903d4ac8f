"""Training labels that similar crystals contradict: found by cross-validation inside the training rows, and given less weight.

The Materials Project holds magnets whose calculation fell into a non-magnetic solution (Y2Fe14B, LaCo13, FePd) and moments where
there should be none. A model cannot have memorised the labels of chemical systems that it has not seen. If it
confidently predicts the contrary, the label is suspect. No row is dropped: all families give such rows less weight, and the
model's folder lists them with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.labels import MAGNETIC_THRESHOLD
from models.contract import Examples, FitControl
from models.trees.forest import BoostedTrees
from pipeline.ops.progress import Tick
from pipeline.training.member_weights import system_folds

LABEL_NOISE_CODE = "doubtful-2"  # raise it whenever the same rows would count as label noise or weigh otherwise
FOLDS = 5
SURE = 0.85  # probability of the contrary
LARGE = 0.25  # µB/atom; smaller moments are not worth a remark
WEIGHT = 0.2  # of a row with label noise; no weight at all is better still on validation rows, but a sure model can be wrong
FALSE_ZERO = "no moment, but crystals of other chemical systems say that it has one"
FALSE_MOMENT = "a moment, but crystals of other chemical systems say that it has none"

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LabelNoise:
    """Cross-validated predictions for the training rows; arrays have the shape (rows,)."""

    label: Floats  # µB/atom
    moment: Floats  # µB/atom, by models that saw no crystal of the row's chemical system
    p_magnetic: Floats

    @property
    def reason(self) -> NDArray[np.str_]:
        """(rows,) FALSE_ZERO, FALSE_MOMENT, or empty."""
        large = (self.label >= LARGE) & (self.p_magnetic <= 1.0 - SURE)
        return np.select([false_zero(self.label, self.p_magnetic, self.moment), large], [FALSE_ZERO, FALSE_MOMENT], "")

    @property
    def weight(self) -> Floats:
        """(rows,) of each row in training."""
        return np.where(self.reason == "", 1.0, WEIGHT)

    def table(self, ids: Sequence[str], formulas: Sequence[str]) -> pd.DataFrame:
        """The rows with label noise, the largest differences between label and expected moment (µB/atom) first."""
        rows = pd.DataFrame(
            {"material_id": ids, "formula": formulas, "moment": self.label, "expected": self.moment,
             "p_magnetic": self.p_magnetic, "reason": self.reason}
        )  # fmt: skip
        rows = rows[rows["reason"] != ""].assign(off=lambda found: (found["moment"] - found["expected"]).abs())
        return rows.sort_values(["off", "material_id"], ascending=[False, True], ignore_index=True).drop(columns="off")


def find_label_noise(train: Examples, systems: Sequence[str], seed: int, workers: int, tick: Tick) -> LabelNoise:
    """Cross-validate boosted trees over chemical systems.

    Args:
        train: training rows with moments.
        systems: (rows,) chemical systems.
        seed: seed of the trees.
        workers: number of cores.
        tick: called after each of the FOLDS.
    """
    moment, p_magnetic = np.zeros(len(train)), np.zeros(len(train))
    for others, left_out in system_folds(systems, FOLDS):
        trees, asked = BoostedTrees(), train.take(left_out)
        trees.fit(replace(train.take(others), weight=None), asked, FitControl(seed=seed, workers=workers))
        said = trees.predict(asked)
        moment[left_out], p_magnetic[left_out] = said.moment, said.p_magnetic
        tick(1)
    return LabelNoise(train.targets(), moment, p_magnetic)


def false_zero(label: Floats, p_magnetic: Floats, moment: Floats) -> NDArray[np.bool_]:
    """Which labels are zero although a model is confident of a large moment.

    Args:
        label: (rows,) labels, µB/atom.
        p_magnetic: (rows,) predicted probabilities of being magnetic.
        moment: (rows,) predicted moments, µB/atom.

    Returns:
        (rows,) flags.
    """
    return (label <= MAGNETIC_THRESHOLD) & (p_magnetic >= SURE) & (moment >= LARGE)
