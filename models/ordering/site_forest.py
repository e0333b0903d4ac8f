"""Trees beside the network: classes of crystals and sizes of moments (Friedman 2001; Geurts et al. 2006).

With some ten thousand crystals trees know the classes better than the network (macro-F1 .73 against .61 on validation rows) and
the sizes less well (.57 against .53 µB on carriers; the mean .52). Invariant like everything but signs: an orbit has one row. The
classes are those of the calculation that relaxed the cell, whose mark they read (deformation_features).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from torch import Tensor

from models.contract import ModelError
from models.graphs.site_graphs import SiteGraphs
from models.ordering.order_classifier import CLASS_BOOSTING
from models.ordering.site_examples import ORDERINGS, SITE_THRESHOLD, OrderingExamples
from models.ordering.site_features import (
    NODE_COLUMNS,
    carrier_nodes,
    crystal_features,
    deformation_features,
    node_features,
    site_nodes,
)
from models.trees.decision_trees import Trees, flatten, flatten_boosted, flatten_classifier, single_leaf

_HARDLY = 1e-6  # weight of a row that is there for its class's sake
_COLUMNS = "forest.columns"
_NAMES = ("forest.crystals", "forest.orbits", "forest.induced")  # in a file


@dataclass(frozen=True)
class OrderingForestSettings:
    """Scikit-learn's names."""

    n_estimators: int = 100
    min_samples_leaf: int = 3
    max_features: float = 0.2


@dataclass(frozen=True, eq=False)
class OrderingForest:
    """Three sets of trees."""

    of_crystals: Trees  # to the logits of ORDERINGS
    of_orbits: Trees  # to |moment| in µB, of carriers only
    of_induced: Trees  # to the logit of "parallel to the carriers around it", of the other orbits
    columns: int  # that of_crystals reads

    @classmethod
    def fit(cls, train: OrderingExamples, settings: OrderingForestSettings, seed: int, workers: int) -> Self:
        """Learn from labels; an orbit's moment is the mean size over its sites."""
        from sklearn.ensemble import ExtraTreesRegressor

        graphs = train.graphs
        crystal = crystal_features(graphs)
        place, nodes = site_nodes(graphs), len(graphs.trunk.numbers)
        size = np.bincount(place, np.abs(train.moment), minlength=nodes) / np.maximum(np.bincount(place, minlength=nodes), 1)
        rows = carrier_nodes(graphs)
        inputs = _of_crystals(graphs)
        # a row that hardly counts for each class, so that all four have logits (not every table holds all)
        known = np.concatenate([train.ordering, np.arange(len(ORDERINGS))])
        weight = np.concatenate([np.ones(len(train)), np.full(len(ORDERINGS), _HARDLY)])
        seen = np.concatenate([inputs, np.zeros((len(ORDERINGS), inputs.shape[1]), dtype=np.float32)])
        classes = flatten_classifier(CLASS_BOOSTING.classifier(seed).fit(seen, known, sample_weight=weight))
        forest = ExtraTreesRegressor(**asdict(settings), random_state=seed, n_jobs=workers)
        nodes_in = node_features(graphs, crystal)
        forest.fit(nodes_in[rows], size[rows])
        induced = _grown_induced(nodes_in, induced_alignment(train), seed)
        return cls(classes, flatten([e.tree_ for e in forest.estimators_]), induced, inputs.shape[1])

    def predict(self, graphs: SiteGraphs) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """(crystals, 4) probabilities, (nodes,) sizes in µB, NaN for orbits that are no carriers, and (nodes,) +1 or -1: whether
        the other orbits are parallel to the carriers around them."""
        crystal = crystal_features(graphs)
        size = np.full(len(graphs.trunk.numbers), np.nan)
        rows = carrier_nodes(graphs)
        nodes_in = node_features(graphs, crystal)
        if rows.any():
            size[rows] = self.of_orbits.predict(nodes_in[rows])[:, 0]
        parallel = np.where(self.of_induced.predict(nodes_in)[:, 0] >= 0, 1.0, -1.0)
        inputs = _of_crystals(graphs)
        if inputs.shape[1] != self.columns:
            raise ModelError(f"the classes were learned from {self.columns} numbers a crystal, not {inputs.shape[1]}")
        logits = self.of_crystals.predict(inputs)
        return softmax(logits, axis=1), size, parallel

    def tensors(self) -> dict[str, Tensor]:
        """Everything by name, for a file."""
        out: dict[str, Tensor] = {_COLUMNS: torch.tensor([self.columns])}
        for name, trees in zip(_NAMES, (self.of_crystals, self.of_orbits, self.of_induced), strict=True):
            out |= {f"{name}.{key}": torch.from_numpy(value) for key, value in vars(trees).items()}
        return out

    @classmethod
    def of_tensors(cls, tensors: dict[str, Tensor]) -> Self:
        """From a file. Raises ModelError for tensors that are no such forest."""
        try:
            sets = [Trees(**{f.name: tensors[f"{name}.{f.name}"].numpy() for f in fields(Trees)}) for name in _NAMES]
            columns = int(tensors[_COLUMNS].item())
        except KeyError as fault:
            raise ModelError(f"the file lacks {fault} of the forest") from fault
        for trees, width, outputs in zip(sets, (columns, NODE_COLUMNS, NODE_COLUMNS), (len(ORDERINGS), 1, 1), strict=True):
            trees.check(width, outputs)
        of_crystals, of_orbits, of_induced = sets
        return cls(of_crystals, of_orbits, of_induced, columns)


def _of_crystals(graphs: SiteGraphs) -> NDArray[np.float32]:
    """(crystals, descriptors + DEFORMATION_COLUMNS)"""
    return np.concatenate([graphs.descriptors, deformation_features(graphs)], axis=1)


def induced_alignment(examples: OrderingExamples) -> NDArray[np.float64]:
    """(nodes,) of orbits that are no carriers: the mean over its sites of +1 where the moment is parallel to the sum of the
    carriers' linked to it, -1 where antiparallel; NaN for orbits without moments above SITE_THRESHOLD."""
    graphs, moment = examples.graphs, examples.moment
    first = np.repeat(graphs.site_ptr[:-1], np.diff(graphs.link_ptr))
    around = np.zeros(len(moment))
    np.add.at(around, graphs.link_target + first, graphs.link_count * moment[graphs.link_source + first])
    said = np.sign(moment * around)
    counted = (np.abs(moment) > SITE_THRESHOLD) & (graphs.site_carrier == 0) & (said != 0)
    node, nodes = site_nodes(graphs)[counted], len(graphs.trunk.numbers)
    number = np.bincount(node, minlength=nodes)
    total = np.bincount(node, said[counted], minlength=nodes)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def _grown_induced(inputs: NDArray[np.float32], alignment: NDArray[np.float64], seed: int) -> Trees:
    """Boosted trees; where there is nothing to learn from, all are parallel."""
    known = np.abs(np.nan_to_num(alignment)) > 0
    parallel = alignment[known] > 0
    if len(np.unique(parallel)) < 2:
        return single_leaf(1.0)
    return flatten_boosted([CLASS_BOOSTING.classifier(seed).fit(inputs[known], parallel)])
