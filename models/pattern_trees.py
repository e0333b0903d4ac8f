"""Which of the patterns that a cell allows is its order: boosted trees on the features of each (Friedman 2001).

Patterns and not sites are judged, so the broken symmetry costs nothing: equivalent patterns get one answer, and the sites of the
likeliest one may still be antiparallel where all of them are equivalent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.contract import ModelError
from models.ising import EXACT, patterns
from models.orbit import orbit_names
from models.ordering_parts import COMPENSATED, SITE_THRESHOLD, OrderingExamples
from models.pattern_features import COLUMNS, SpinCell, pattern_features, spin_cell
from models.sitegraph import SiteGraphs
from models.trees import Trees, flatten_boosted

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_NAME = "patterns"  # in a file


@dataclass(frozen=True)
class PatternTreeSettings:
    """Scikit-learn's names; chosen on validation rows."""

    max_iter: int = 400
    learning_rate: float = 0.05
    max_leaf_nodes: int = 15
    min_samples_leaf: int = 30
    max_features: float = 0.3
    l2_regularization: float = 1.0


@dataclass(frozen=True, eq=False)
class PatternTrees:
    """The logarithm of a weight for each pattern."""

    trees: Trees

    @classmethod
    def fit(cls, train: OrderingExamples, settings: PatternTreeSettings, seed: int, rivals: int = 48) -> Self:
        """Learn to tell a crystal's own pattern from at most so many of its rivals; a crystal counts once, however many it has."""
        from sklearn.ensemble import HistGradientBoostingClassifier

        dice = np.random.default_rng(seed)
        rows, right, weight = [], [], []
        for columns, own in rival_patterns(train):
            kept = _sample(own, rivals, dice)
            rows.append(columns[kept])
            right.append(own[kept])
            weight.append(np.full(len(kept), 1.0 / len(kept)))
        grower = HistGradientBoostingClassifier(**asdict(settings), early_stopping=False, random_state=seed)
        grower.fit(np.concatenate(rows), np.concatenate(right), sample_weight=np.concatenate(weight))
        return cls(flatten_boosted([grower]))

    def log_weight(self, cell: SpinCell, signs: Floats, size: Floats) -> Floats:
        """(m,) of patterns (m, n), which are rivals of each other."""
        return self.trees.predict(pattern_features(cell, signs, size))[:, 0]

    def tensors(self) -> dict[str, Tensor]:
        """Everything by name, for a file."""
        return {f"{_NAME}.{key}": torch.from_numpy(value) for key, value in vars(self.trees).items()}

    @classmethod
    def of_tensors(cls, tensors: dict[str, Tensor]) -> Self:
        """From a file. Raises ModelError for tensors that are no such trees."""
        try:
            trees = Trees(**{f.name: tensors[f"{_NAME}.{f.name}"].numpy() for f in fields(Trees)})
        except KeyError as fault:
            raise ModelError(f"the file lacks {fault} of the trees of patterns") from fault
        trees.check(COLUMNS, 1)
        return cls(trees)


def rival_patterns(examples: OrderingExamples) -> Iterator[tuple[NDArray[np.float32], NDArray[np.bool_]]]:
    """Of each crystal with 2 to EXACT spins: (m, COLUMNS) of the patterns that are compensated if its own is, or are not if it
    is not, and (m,) which of them are its own or an image of it."""
    graphs = examples.graphs
    for k in range(len(examples)):
        moments = examples.moments(k)
        sites = np.flatnonzero((np.abs(moments) > SITE_THRESHOLD) & (_of(graphs, k) > 0))
        if not 2 <= len(sites) <= EXACT:
            continue
        size, truth = np.abs(moments[sites]), np.sign(moments[sites])
        every = patterns(len(sites)).numpy().astype(np.float64)
        signs = every[balanced(every, size) == balanced(truth[None], size)[0]]
        if len(signs) < 2:
            continue
        cell = spin_cell(graphs, k, sites)
        names = orbit_names(signs.astype(np.int8), np.unique(cell.permutations, axis=0))
        own = (signs == truth * truth[0]).all(axis=1).argmax()
        yield pattern_features(cell, signs, size), names == names[own]


def balanced(signs: Floats, size: Floats) -> NDArray[np.bool_]:
    """(m,) whether patterns (m, n) with moments (n,) add up to nothing, as in an antiferromagnet."""
    return np.abs(signs @ size) <= COMPENSATED * size.sum()


def _of(graphs: SiteGraphs, k: int) -> NDArray[np.uint8]:
    return graphs.site_carrier[graphs.site_ptr[k] : graphs.site_ptr[k + 1]]


def _sample(own: NDArray[np.bool_], most: int, dice: np.random.Generator) -> Ints:
    """Places of at most so many patterns; a quarter of them may be the crystal's own."""
    right, wrong = np.flatnonzero(own), np.flatnonzero(~own)
    right = dice.permutation(right)[: max(most // 4, most - len(wrong))]
    return np.concatenate([right, dice.permutation(wrong)[: most - len(right)]])
