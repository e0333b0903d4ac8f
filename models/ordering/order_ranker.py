"""Which spin configuration a magnet has among those that its small cells allow: boosted trees on features (Friedman 2001).

Configurations are compared, not sites, so broken symmetry costs nothing: equivalent configurations get one answer. Those of the
primitive cell compete with those of larger cells (pipeline/magnetism/enumerate_orderings.py). All are seen on one large cell, so
that their correlations and symmetries can be compared. `export` asks this model.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from models.contract import ModelError
from models.ordering.configuration_features import COLUMNS, SpinCell, pattern_features
from models.saved import WEIGHTS_FILE, read_saved, write_header
from models.trees.boosting_settings import BoostingSettings
from models.trees.decision_trees import Trees, flatten_boosted
from models.trees.weighted_boosting import fit_boosted

FAMILY, FORMAT = "order-trees", 1
ORDER_COLUMNS = COLUMNS + 2
ORDER_BOOSTING = BoostingSettings(max_iter=300, learning_rate=0.08, min_samples_leaf=60, l2_regularization=5.0)  # cross-validated
RIVALS = 48  # that a crystal's own configuration is compared with in training
_TIES = 1e-6  # at most by so much equal orders are set apart
DECIMALS = 5  # of the features; less is noise of another origin or setting, which must not cross a threshold of the trees

Floats = NDArray[np.float64]
Features = NDArray[np.float32]


def order_features(cell: SpinCell, signs: Floats, size: Floats, index: NDArray[np.int64]) -> Features:
    """(m, ORDER_COLUMNS) of all rival orders (m, n) on one large cell that nothing has deformed.

    Args:
        size: (n,) µB.
        index: (m,) primitive cells in each order's own cell.
    """
    of_cell = np.stack([index, np.full(len(signs), np.log(len(signs)))], axis=1)
    columns = np.concatenate([pattern_features(cell, signs, size), of_cell], axis=1)
    rounded: Features = (np.round(columns, DECIMALS) + 0.0).astype(np.float32)
    return rounded


@dataclass(frozen=True, eq=False)
class OrderRankerTrees:
    """The larger the number, the likelier the order."""

    trees: Trees
    facts: dict[str, Any]  # what it learned from, and how well it does

    @classmethod
    def fit(
        cls, crystals: Iterable[tuple[Features, NDArray[np.bool_]]], settings: BoostingSettings = ORDER_BOOSTING, seed: int = 0
    ) -> Self:
        """Learn to tell each crystal's own order from its rivals; a crystal counts once, however many it has.

        Args:
            crystals: of each the features (m, ORDER_COLUMNS) and which (m,) are its own; those with none or nothing else are
                left out.

        Raises:
            ModelError: no crystal is left.
        """
        rng = np.random.default_rng(seed)
        shown, own = [], []
        for features, right in crystals:
            if right.any() and not right.all():
                kept = drawn(right, RIVALS, rng)
                shown.append(features[kept])
                own.append(right[kept])
        if not shown:
            raise ModelError("no crystal has an order of its own among others")
        weight = np.concatenate([np.full(len(right), 1.0 / len(right)) for right in own])
        shares = weight * len(weight) / len(own)
        grown = fit_boosted(settings.classifier(seed), np.concatenate(shown), np.concatenate(own), shares)
        return cls(flatten_boosted([grown]), {})

    def log_weight(self, features: Features) -> Floats:
        """(m,) of one crystal's orders.

        Trees give many orders the same number. Of those the one with fewer primitive cells comes first, then the features decide:
        never the order in which the configurations come.
        """
        cells_first = np.concatenate([features[:, [COLUMNS]], features], axis=1)
        _, rank = np.unique(cells_first, axis=0, return_inverse=True)
        return np.asarray(self.trees.predict(features)[:, 0] - _TIES * rank.reshape(-1) / len(features))

    def save(self, folder: Path) -> None:
        """Write `model.safetensors` and `model.json` into an existing folder."""
        save_file(dict(vars(self.trees)), folder / WEIGHTS_FILE)
        write_header(folder, FAMILY, FORMAT, {"facts": self.facts})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The saved trees, with the same predictions. Raises ModelError for anything else in the folder."""
        header, arrays = read_saved(folder, FAMILY, FORMAT, load_file)
        try:
            loaded = cls(Trees(**arrays), dict(header["facts"]))
        except (KeyError, TypeError, ValueError) as fault:
            raise ModelError(f"{folder} holds no readable trees of orders: {fault}") from fault
        loaded.trees.check(ORDER_COLUMNS, 1)
        return loaded


def drawn(own: NDArray[np.bool_], most: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Places of at most so many configurations; a quarter of them may be the crystal's own."""
    right, wrong = np.flatnonzero(own), np.flatnonzero(~own)
    right = rng.permutation(right)[: max(most // 4, most - len(wrong))]
    return np.concatenate([right, rng.permutation(wrong)[: most - len(right)]])
