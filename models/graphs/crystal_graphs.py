"""Crystal graphs, packed: flat arrays for any number of crystals, and the batch of tensors that the networks see.

One node is one orbit of symmetry-equivalent atoms; it represents all of them, weighted by their number. One edge is a
set of symmetry-equivalent neighbours: same target, same kind of neighbour, same distance. Sums over atoms and neighbours
become weighted sums, and the result equals that of the full cell exactly.

========================  ===============  =======  ============================================================
field                     shape            unit     meaning
========================  ===============  =======  ============================================================
node_ptr                  (crystals + 1,)  1        crystal k owns the nodes node_ptr[k]:node_ptr[k+1]
edge_ptr                  (crystals + 1,)  1        and the edges edge_ptr[k]:edge_ptr[k+1]
numbers                   (nodes,)         1        atomic number
node_weight               (nodes,)         1        share of the crystal's atoms on this orbit; sums to 1
edge_source, edge_target  (edges,)         1        node inside the crystal: neighbour, centre; sorted by centre
edge_distance             (edges,)         Å        length
edge_count                (edges,)         1        number of neighbours of the centre that this edge represents
volume_per_atom           (crystals,)      Å³       cell volume / atoms
n_atoms                   (crystals,)      1        atoms in the primitive cell
space_group               (crystals,)      1        1..230
========================  ===============  =======  ============================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from models.packing import Packed, gather

DTYPES = {
    "node_ptr": np.int64,
    "edge_ptr": np.int64,
    "numbers": np.int16,
    "node_weight": np.float32,
    "edge_source": np.int32,
    "edge_target": np.int32,
    "edge_distance": np.float32,
    "edge_count": np.float32,
    "volume_per_atom": np.float32,
    "n_atoms": np.int32,
    "space_group": np.int16,
}


@dataclass(frozen=True, eq=False)
class CrystalGraphs(Packed):
    """Graphs of many crystals in flat arrays (the module's table); memory-mapped arrays serve as well."""

    owned: ClassVar[dict[str, tuple[str, ...]]] = {
        "node_ptr": ("numbers", "node_weight"),
        "edge_ptr": ("edge_source", "edge_target", "edge_distance", "edge_count"),
    }
    per_crystal: ClassVar[tuple[str, ...]] = ("volume_per_atom", "n_atoms", "space_group")

    node_ptr: NDArray[np.int64]
    edge_ptr: NDArray[np.int64]
    numbers: NDArray[np.int16]
    node_weight: NDArray[np.float32]
    edge_source: NDArray[np.int32]
    edge_target: NDArray[np.int32]
    edge_distance: NDArray[np.float32]
    edge_count: NDArray[np.float32]
    volume_per_atom: NDArray[np.float32]
    n_atoms: NDArray[np.int32]
    space_group: NDArray[np.int16]

    @property
    def edges_per_crystal(self) -> NDArray[np.int64]:
        return np.diff(self.edge_ptr)

    def edge_ends(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(target, source) of each edge as nodes counted over all crystals; `target` ascends."""
        first = np.repeat(self.node_ptr[:-1], np.diff(self.edge_ptr))
        return self.edge_target + first, self.edge_source + first


@dataclass(frozen=True, eq=False)
class GraphBatch:
    """A batch as tensors; node indices count over the whole batch. Floats have the network's dtype."""

    numbers: torch.Tensor  # (nodes,) int64
    node_weight: torch.Tensor  # (nodes,)
    node_crystal: torch.Tensor  # (nodes,) int64, which crystal of the batch
    edge_source: torch.Tensor  # (edges,) int64
    edge_target: torch.Tensor  # (edges,) int64, ascending
    edge_distance: torch.Tensor  # (edges,) Å
    edge_count: torch.Tensor  # (edges,)
    n_crystals: int
    site_moment: torch.Tensor | None = None  # (nodes,) µB, labels of training; NaN where unknown

    def shell_weight(self, neighbours: int, fade_A: float) -> torch.Tensor:
        """(edges,) 1 up to the distance of the centre's nearest `neighbours`, from there to zero within `fade_A` Å, smoothly.

        The distance of the n-th neighbour is a continuous function of the structure, so the weight is one, too. An atom with
        fewer neighbours keeps them all.
        """
        if (neighbours, fade_A) not in self.known_weights:
            self.known_weights[neighbours, fade_A] = _shell_weight(self, neighbours, fade_A)
        return self.known_weights[neighbours, fade_A]

    @cached_property
    def known_weights(self) -> dict[tuple[int, float], torch.Tensor]:
        """What `shell_weight` was asked for, by its arguments."""
        return {}

    @cached_property
    def known_bases(self) -> list[tuple[torch.Tensor, float, torch.Tensor]]:
        """What bases of its distances were computed (models.networks.layers.GaussianBasis.shared)."""
        return []

    @classmethod
    def collate(
        cls, graphs: CrystalGraphs, index: NDArray[np.int64], dtype: torch.dtype = torch.float32,
        site_moment: NDArray[np.float64] | None = None,
    ) -> GraphBatch:  # fmt: skip
        """The batch of some crystals.

        Args:
            graphs: packed graphs.
            index: (n,) the crystals of the batch.
            dtype: type of the floats.
            site_moment: (nodes of the graphs,) sizes of moments to train on, µB; NaN where unknown.
        """
        sites = None if site_moment is None else site_moment[gather(graphs.node_ptr, index)[1]]
        part = graphs.take(index)
        crystals = np.arange(len(index))
        node_crystal = np.repeat(crystals, np.diff(part.node_ptr))
        target, source = part.edge_ends()
        return cls(
            numbers=torch.from_numpy(part.numbers.astype(np.int64)),
            node_weight=torch.from_numpy(part.node_weight).to(dtype),
            node_crystal=torch.from_numpy(node_crystal),
            edge_source=torch.from_numpy(source),
            edge_target=torch.from_numpy(target),
            edge_distance=torch.from_numpy(part.edge_distance).to(dtype),
            edge_count=torch.from_numpy(part.edge_count).to(dtype),
            n_crystals=len(index),
            site_moment=None if sites is None else torch.from_numpy(sites).to(dtype),
        )


def _shell_weight(batch: GraphBatch, neighbours: int, fade_A: float) -> torch.Tensor:
    target, distance = batch.edge_target, batch.edge_distance
    order = torch.argsort(distance, stable=True)
    order = order[torch.argsort(target[order], stable=True)]  # by centre, and by distance for each
    owner, total = target[order], torch.cumsum(batch.edge_count[order].double(), 0)
    first = torch.searchsorted(owner, torch.arange(len(batch.numbers)))
    before = torch.cat([total.new_zeros(1), total])[first]
    enough = total - before[owner] >= neighbours - 0.5
    reach = distance.new_full((len(batch.numbers),), torch.inf)
    reach.scatter_reduce_(0, owner[enough], distance[order][enough], reduce="amin")
    share = ((reach[target] + fade_A - distance) / fade_A).clamp(0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)
