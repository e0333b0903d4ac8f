"""Which of the patterns that a cell allows is its order: boosted trees on the features of each (Friedman 2001).

Patterns and not sites are judged, so the broken symmetry costs nothing: equivalent patterns get one answer, and the sites of the
likeliest one may still be antiparallel where all of them are equivalent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.contract import ModelError
from models.ordering.configuration_features import COLUMNS, SpinCell, pattern_features, spin_cell
from models.ordering.ising import EXACT, patterns
from models.ordering.site_examples import COMPENSATED, SITE_THRESHOLD, OrderingExamples
from models.trees.boosting_settings import BoostingSettings
from models.trees.decision_trees import Trees, flatten_boosted, single_leaf

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
PATTERN_BOOSTING = BoostingSettings(
    max_iter=200, learning_rate=0.08, min_samples_leaf=60, l2_regularization=5.0
)  # cross-validated
RIVALS = 48  # that a crystal's own pattern is compared with in training
_NAME = "patterns"  # in a file
_TIES = 1e-6  # trees give many patterns one number: then a fixed direction among the features decides, not the order of sites


@dataclass(frozen=True, eq=False)
class PatternTrees:
    """The logarithm of a weight for each pattern; those that compensate and the others are judged apart."""

    compensated: Trees
    others: Trees

    @classmethod
    def fit(cls, train: OrderingExamples, settings: BoostingSettings, seed: int) -> Self:
        """Learn to tell each crystal's own pattern from its rivals; a crystal counts once, however many it has.

        Every crystal is shown twice: as it came, and as it would be had no order deformed it.
        """
        dice = np.random.default_rng(seed)
        shown: dict[bool, list[tuple[Any, ...]]] = {True: [], False: []}
        for rivals in all_rivals(train):
            if rivals.own.all():
                continue
            kept = drawn(rivals.own, RIVALS, dice)
            columns = np.concatenate([pattern_features(cell, rivals.signs, rivals.size)[kept] for cell in rivals.cells])
            own = np.tile(rivals.own[kept], len(rivals.cells))
            shown[rivals.compensated].append((columns, own, np.full(len(own), 1.0 / len(own))))
        return cls(*(_grown(shown[kind], settings, seed) for kind in (True, False)))

    def log_weight(self, cell: SpinCell, signs: Floats, size: Floats) -> Floats:
        """(m,) of patterns (m, n), all the rivals of one kind with moments (n,) in µB."""
        trees = self.compensated if balanced(signs[:1], size)[0] else self.others
        features = pattern_features(cell, signs, size)
        return untied(trees.predict(features)[:, 0], features)

    def tensors(self) -> dict[str, Tensor]:
        """Everything by name, for a file."""
        out: dict[str, Tensor] = {}
        for kind in fields(self):
            out |= {f"{_NAME}.{kind.name}.{key}": torch.from_numpy(v) for key, v in vars(getattr(self, kind.name)).items()}
        return out

    @classmethod
    def of_tensors(cls, tensors: dict[str, Tensor]) -> Self:
        """From a file. Raises ModelError for tensors that are no such trees."""
        try:
            kinds = [
                Trees(**{f.name: tensors[f"{_NAME}.{kind.name}.{f.name}"].numpy() for f in fields(Trees)}) for kind in fields(cls)
            ]
        except KeyError as fault:
            raise ModelError(f"the file lacks {fault} of the trees of patterns") from fault
        for trees in kinds:
            trees.check(COLUMNS, 1)
        return cls(*kinds)


@dataclass(frozen=True, eq=False)
class Rivals:
    """The patterns of one crystal that are compensated if its own is, or are not if it is not."""

    crystal: int  # its place among the examples
    signs: Floats  # (m, n) +-1
    own: NDArray[np.bool_]  # (m,) the crystal's pattern and its images
    size: Floats  # (n,) µB
    cells: tuple[SpinCell, SpinCell]  # as it came, and undeformed
    compensated: bool

    @property
    def images(self) -> Floats:
        """(g, n) the crystal's pattern under each permutation."""
        own: Floats = self.signs[self.own.argmax()]
        return own[self.cells[0].permutations]


def all_rivals(examples: OrderingExamples) -> Iterator[Rivals]:
    """Of each crystal with 1 to EXACT spins."""
    graphs = examples.graphs
    for k in range(len(examples)):
        moments, carrier = examples.moments(k), graphs.site_carrier[graphs.site_ptr[k] : graphs.site_ptr[k + 1]] > 0
        sites = np.flatnonzero((np.abs(moments) > SITE_THRESHOLD) & carrier)
        if not 1 <= len(sites) <= EXACT:
            continue
        size, truth = np.abs(moments[sites]), np.sign(moments[sites])
        every = patterns(len(sites)).numpy().astype(np.float64)
        kind = bool(balanced(truth[None], size)[0])
        signs = every[balanced(every, size) == kind]
        cell = spin_cell(graphs, k, sites)
        names = cell.orbits(signs)
        own = (signs == truth * truth[0]).all(axis=1).argmax()
        yield Rivals(k, signs, names == names[own], size, (cell, cell.ideal()), kind)


def balanced(signs: Floats, size: Floats) -> NDArray[np.bool_]:
    """(m,) whether patterns (m, n) with moments (n,) add up to nothing, as in an antiferromagnet."""
    return np.asarray(np.abs(signs @ size) <= COMPENSATED * size.sum())


def untied(said: Floats, features: NDArray[np.float32]) -> Floats:
    """(m,) what trees say, with those of equal numbers drawn apart by their features (m, columns)."""
    columns = features.shape[1]
    direction = np.random.default_rng(0).normal(size=columns) / np.sqrt(columns)
    return np.asarray(said + _TIES * np.tanh(features @ direction))


def drawn(own: NDArray[np.bool_], most: int, dice: np.random.Generator) -> Ints:
    """Places of at most so many patterns; a quarter of them may be the crystal's own."""
    right, wrong = np.flatnonzero(own), np.flatnonzero(~own)
    right = dice.permutation(right)[: max(most // 4, most - len(wrong))]
    return np.concatenate([right, dice.permutation(wrong)[: most - len(right)]])


def _grown(shown: list[tuple[Any, ...]], settings: BoostingSettings, seed: int) -> Trees:
    """Boosted trees, or a single leaf where there is nothing to learn from."""
    if not shown:
        return single_leaf(0.0)
    columns, own, weight = (np.concatenate(part) for part in zip(*shown, strict=True))
    return flatten_boosted([settings.classifier(seed).fit(columns, own, sample_weight=weight)])
