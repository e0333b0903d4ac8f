"""Twins: elements of one group that can stand for each other in crystals of one prototype without a change of the label."""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from pymatgen.core import Element

from data.crystal import symbol
from data.labels import MAGNETIC_THRESHOLD
from models.contract import Examples
from models.graphs.crystal_graphs import CrystalGraphs, GraphBatch
from models.networks.mpnn import MPNN

PAIRS = 4  # of crystals that differ in the two elements alone, one of them magnetic, at least
AGREE = 0.05  # median of the differences of their labels, each over the mean of the two, at most
SHARE = 0.2  # of the crystals of a batch that are changed

Prototype = tuple[int, int, tuple[tuple[int, int], ...], int]  # space group, atoms, the other elements' atoms, and the element's


@dataclass(frozen=True)
class Twins:
    """The twins of each element, by atomic number."""

    of_element: dict[int, list[int]]

    @classmethod
    def of(cls, rows: Examples) -> Self:
        """Those that the labels of training rows show."""
        found: dict[Prototype, list[tuple[int, float]]] = defaultdict(list)
        for crystal, moment in enumerate(rows.targets().tolist()):
            for prototype, z in _prototypes(rows.graphs, crystal):
                found[prototype].append((z, moment))
        labels: dict[tuple[int, int], list[tuple[float, float]]] = defaultdict(list)
        for alike in found.values():
            for (z, one), (other_z, other) in itertools.combinations(sorted(alike), 2):
                if z != other_z and max(one, other) > MAGNETIC_THRESHOLD and _group(z) == _group(other_z):
                    labels[z, other_z].append((one, other))
        twins: dict[int, list[int]] = defaultdict(list)
        for (z, other_z), pairs in labels.items():
            one, other = np.array(pairs).T
            if len(pairs) >= PAIRS and np.median(np.abs(one - other) / ((one + other) / 2)) <= AGREE:
                twins[z].append(other_z)
                twins[other_z].append(z)
        return cls(dict(twins))

    def __str__(self) -> str:
        pairs = [f"{symbol(a)}-{symbol(b)}" for a, others in sorted(self.of_element.items()) for b in sorted(others) if a < b]
        return f"{len(pairs)} pairs of twins: {' '.join(pairs)}"

    def collate(self, examples: Examples, index: NDArray[np.int64], dtype: torch.dtype) -> GraphBatch:
        """A batch for training: in a SHARE of the crystals a twin stands for the element of one site."""
        batch = MPNN.collate(examples, index, dtype)
        numbers: torch.Tensor = batch.numbers.clone()
        for crystal in torch.nonzero(torch.rand(batch.n_crystals) < SHARE)[:, 0].tolist():
            here = batch.node_crystal == crystal
            own = numbers[here]
            z = int(own[torch.randint(len(own), ())])
            if others := self.of_element.get(z):
                numbers[here & (numbers == z)] = others[int(torch.randint(len(others), ()))]
        changed: GraphBatch = replace(batch, numbers=numbers)
        return changed


def _group(z: int) -> int:
    """Of the periodic table; 3 of the lanthanoids and actinoids."""
    return int(Element.from_Z(z).group)


def _prototypes(graphs: CrystalGraphs, crystal: int) -> list[tuple[Prototype, int]]:
    """What the crystal is without each of its elements, and the element."""
    nodes = slice(graphs.node_ptr[crystal], graphs.node_ptr[crystal + 1])
    total = int(graphs.n_atoms[crystal])
    atoms = np.bincount(graphs.numbers[nodes], graphs.node_weight[nodes] * total).round().astype(int)
    parts = [(int(z), int(atoms[z])) for z in np.flatnonzero(atoms)]
    group = int(graphs.space_group[crystal])
    return [((group, total, tuple(part for part in parts if part[0] != z), n), z) for z, n in parts]
