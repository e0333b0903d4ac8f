"""Trees beside the network: classes of crystals and sizes of moments, from composition and statistics (Geurts et al. 2006).

With some ten thousand crystals trees know the classes better than the network (macro-F1 .66 against .62 on validation rows; the
mean of both .65) and the sizes less well (.57 against .53 µB on carriers; the mean .52). Invariant like everything but signs: an
orbit has one row.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.contract import ModelError
from models.ordering_features import CRYSTAL_COLUMNS, NODE_COLUMNS, carrier_nodes, crystal_features, node_features, site_nodes
from models.ordering_parts import ORDERINGS, OrderingExamples
from models.sitegraph import SiteGraphs
from models.trees import Trees, flatten

_NAMES = ("forest.crystals", "forest.orbits")  # in a file


@dataclass(frozen=True)
class OrderingForestSettings:
    """Scikit-learn's names."""

    n_estimators: int = 100
    min_samples_leaf: int = 3
    max_features: float = 0.2


@dataclass(frozen=True, eq=False)
class OrderingForest:
    """Two sets of trees."""

    of_crystals: Trees  # to the probabilities of ORDERINGS
    of_orbits: Trees  # to |moment| in µB, of carriers only

    @classmethod
    def fit(cls, train: OrderingExamples, settings: OrderingForestSettings, seed: int, workers: int) -> Self:
        """Learn from labels; an orbit's moment is the mean size over its sites."""
        from sklearn.ensemble import ExtraTreesRegressor

        graphs = train.graphs
        crystal = crystal_features(graphs)
        place, nodes = site_nodes(graphs), len(graphs.trunk.numbers)
        size = np.bincount(place, np.abs(train.moment), minlength=nodes) / np.maximum(np.bincount(place, minlength=nodes), 1)
        rows = carrier_nodes(graphs)
        fitted = []
        for inputs, outputs in (
            (crystal, np.eye(len(ORDERINGS))[train.ordering]),
            (node_features(graphs, crystal)[rows], size[rows, None]),
        ):
            forest = ExtraTreesRegressor(**asdict(settings), random_state=seed, n_jobs=workers)
            forest.fit(inputs, outputs if outputs.shape[1] > 1 else outputs[:, 0])
            fitted.append(flatten([e.tree_ for e in forest.estimators_]))
        return cls(*fitted)

    def predict(self, graphs: SiteGraphs) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(crystals, 4) probabilities, and (nodes,) sizes in µB, NaN for orbits that are no carriers."""
        crystal = crystal_features(graphs)
        size = np.full(len(graphs.trunk.numbers), np.nan)
        rows = carrier_nodes(graphs)
        if rows.any():
            size[rows] = self.of_orbits.predict(node_features(graphs, crystal)[rows])[:, 0]
        said = np.clip(self.of_crystals.predict(crystal), 0.0, 1.0)
        return said / said.sum(axis=1, keepdims=True), size

    def tensors(self) -> dict[str, Tensor]:
        """Everything by name, for a file."""
        out: dict[str, Tensor] = {}
        for name, trees in zip(_NAMES, (self.of_crystals, self.of_orbits), strict=True):
            out |= {f"{name}.{key}": torch.from_numpy(value) for key, value in vars(trees).items()}
        return out

    @classmethod
    def of_tensors(cls, tensors: dict[str, Tensor]) -> Self:
        """From a file. Raises ModelError for tensors that are no such forest."""
        try:
            sets = [Trees(**{f.name: tensors[f"{name}.{f.name}"].numpy() for f in fields(Trees)}) for name in _NAMES]
        except KeyError as fault:
            raise ModelError(f"the file lacks {fault} of the forest") from fault
        for trees, columns, outputs in zip(sets, (CRYSTAL_COLUMNS, NODE_COLUMNS), (len(ORDERINGS), 1), strict=True):
            trees.check(columns, outputs)
        return cls(*sets)
