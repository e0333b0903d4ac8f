"""Crystal graphs with directions, packed: the input of the equivariant networks.

As in models/graphs/crystal_graphs.py one node is one orbit of symmetry-equivalent atoms, but every neighbour of its
representative atom is an edge of its own, with a vector. A neighbour is a rotated copy of its orbit's representative. The edge
states the rotation, so that a vector feature of the neighbour is the rotated feature of the representative. Equivariant networks
give exactly the same prediction as on the full cell, at the cost of the asymmetric unit.

========================  ===================  ====  ====================================================================
field                     shape                unit  meaning
========================  ===================  ====  ====================================================================
node_ptr, edge_ptr        (crystals + 1,)      1     crystal k owns the nodes node_ptr[k]:node_ptr[k+1], and so on
rotation_ptr, site_ptr    (crystals + 1,)      1     the same for rotations and for the sites of the primitive cell
frame_ptr                 (crystals + 1,)      1     the same for candidate frames (pipeline/features/frames.py)
lattice                   (crystals, 3, 3)     Å     reduced primitive vectors, as rows
numbers                   (nodes,)             1     atomic number
node_weight               (nodes,)             1     share of the crystal's atoms on this orbit
edge_source, edge_target  (edges,)             1     node inside the crystal: neighbour, centre; sorted by centre
edge_vector               (edges, 3)           Å     from the centre's representative to the neighbour
edge_rotation             (edges,)             1     which of the crystal's rotations takes the source's representative there
edge_kind                 (edges,)             1     bit k: the neighbour stands in a lattice cell of kind k (cell_orbits.py)
edge_translate            (edges,)             1     1 where the neighbour is the centre itself, in another lattice cell
rotation                  (rotations, 3, 3)    1     orthogonal matrices Q acting on columns of Cartesian coordinates
site_node                 (sites,)             1     orbit of each site of the primitive cell
site_rotation             (sites,)             1     which rotation takes the orbit's representative there
frame_first, frame_second (frames, 3)          1     lattice vectors, in the basis `lattice`, that span the frame's first plane
frame_axes                (frames,)            1     order and direction of its axes: models.graphs.frames.SIGNED_PERMUTATIONS
frame_standard            (frames,)            1     1 where the frame is the pose in which the crystal was handed over
========================  ===================  ====  ====================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from models.graphs.frames import SIGNED_PERMUTATIONS, triads
from models.packing import Packed

VECTOR_DTYPES = {
    "node_ptr": np.int64,
    "edge_ptr": np.int64,
    "rotation_ptr": np.int64,
    "site_ptr": np.int64,
    "frame_ptr": np.int64,
    "lattice": np.float32,
    "numbers": np.int16,
    "node_weight": np.float32,
    "edge_source": np.int32,
    "edge_target": np.int32,
    "edge_vector": np.float32,
    "edge_rotation": np.int16,
    "edge_kind": np.uint8,
    "edge_translate": np.uint8,
    "rotation": np.float32,
    "site_node": np.int32,
    "site_rotation": np.int16,
    "frame_first": np.int8,
    "frame_second": np.int8,
    "frame_axes": np.uint8,
    "frame_standard": np.uint8,
}


@dataclass(frozen=True, eq=False)
class VectorGraphs(Packed):
    """Graphs of many crystals in flat arrays (the module's table); memory-mapped arrays serve as well."""

    owned: ClassVar[dict[str, tuple[str, ...]]] = {
        "node_ptr": ("numbers", "node_weight"),
        "edge_ptr": ("edge_source", "edge_target", "edge_vector", "edge_rotation", "edge_kind", "edge_translate"),
        "rotation_ptr": ("rotation",),
        "site_ptr": ("site_node", "site_rotation"),
        "frame_ptr": ("frame_first", "frame_second", "frame_axes", "frame_standard"),
    }
    per_crystal: ClassVar[tuple[str, ...]] = ("lattice",)

    node_ptr: NDArray[np.int64]
    edge_ptr: NDArray[np.int64]
    rotation_ptr: NDArray[np.int64]
    site_ptr: NDArray[np.int64]
    frame_ptr: NDArray[np.int64]
    lattice: NDArray[np.float32]
    numbers: NDArray[np.int16]
    node_weight: NDArray[np.float32]
    edge_source: NDArray[np.int32]
    edge_target: NDArray[np.int32]
    edge_vector: NDArray[np.float32]
    edge_rotation: NDArray[np.int16]
    edge_kind: NDArray[np.uint8]
    edge_translate: NDArray[np.uint8]
    rotation: NDArray[np.float32]
    site_node: NDArray[np.int32]
    site_rotation: NDArray[np.int16]
    frame_first: NDArray[np.int8]
    frame_second: NDArray[np.int8]
    frame_axes: NDArray[np.uint8]
    frame_standard: NDArray[np.uint8]

    @property
    def edges_per_crystal(self) -> NDArray[np.int64]:
        return np.diff(self.edge_ptr)


@dataclass(frozen=True, eq=False)
class VectorBatch:
    """A batch as tensors; node, edge and rotation indices count over the whole batch. Floats have the network's dtype."""

    numbers: torch.Tensor  # (nodes,) int64
    node_weight: torch.Tensor  # (nodes,)
    node_crystal: torch.Tensor  # (nodes,) int64, which crystal of the batch
    edge_source: torch.Tensor  # (edges,) int64
    edge_target: torch.Tensor  # (edges,) int64, ascending
    edge_vector: torch.Tensor  # (edges, 3) Å
    edge_rotation: torch.Tensor  # (edges,) int64
    edge_kind: torch.Tensor  # (edges,) int64, bits
    edge_translate: torch.Tensor  # (edges,) bool
    rotation: torch.Tensor  # (rotations, 3, 3)
    site_node: torch.Tensor  # (sites,) int64
    site_rotation: torch.Tensor  # (sites,) int64
    site_crystal: torch.Tensor  # (sites,) int64
    lattice: torch.Tensor  # (crystals, 3, 3) Å, rows
    frame: torch.Tensor  # (frames, 3, 3) axes as rows
    frame_axes: torch.Tensor  # (frames,) int64
    frame_standard: torch.Tensor  # (frames,) bool
    frame_crystal: torch.Tensor  # (frames,) int64
    frame_triad: torch.Tensor  # (frames,) int64, the cross of axes it is made of
    triad: torch.Tensor  # (triads, 3, 3) right-handed frames
    triad_crystal: torch.Tensor  # (triads,) int64
    rotation_crystal: torch.Tensor  # (rotations,) int64
    n_crystals: int

    @cached_property
    def edge_distance(self) -> torch.Tensor:
        """(edges,) Å."""
        return (self.edge_vector * self.edge_vector).sum(dim=1).sqrt()

    @cached_property
    def edge_site(self) -> torch.Tensor:
        """(edges,) int64, the neighbour's site of the primitive cell: the one with its orbit and its rotation."""
        rotations = torch.bincount(self.rotation_crystal, minlength=self.n_crystals)
        first_rotation = rotations.cumsum(0) - rotations
        width = rotations[self.node_crystal]
        first = width.cumsum(0) - width - first_rotation[self.node_crystal]  # a table of all rotations of each node
        table = width.new_full((int(width.sum()),), -1)
        table[first[self.site_node] + self.site_rotation] = torch.arange(len(self.site_node), device=width.device)
        return table[first[self.edge_source] + self.edge_rotation]

    @cached_property
    def known_bases(self) -> list[tuple[torch.Tensor, float, torch.Tensor]]:
        """What bases of its distances were computed (models.networks.layers.GaussianBasis.shared)."""
        return []

    @classmethod
    def collate(cls, graphs: VectorGraphs, index: NDArray[np.int64], dtype: torch.dtype = torch.float32) -> VectorBatch:
        """The batch of some crystals.

        Args:
            graphs: packed graphs.
            index: (n,) the crystals of the batch.
            dtype: type of the floats.
        """
        part = graphs.take(index)
        nodes, edges, sites = (np.diff(ptr) for ptr in (part.node_ptr, part.edge_ptr, part.site_ptr))
        crystals = np.arange(len(index))
        of_edge = np.repeat(crystals, edges)
        of_site = np.repeat(crystals, sites)
        lattice = torch.from_numpy(part.lattice).to(dtype)
        of_frame = np.repeat(crystals, np.diff(part.frame_ptr))
        triad, of_triad, triad_of_frame = _triads(part, of_frame, lattice)
        order = torch.from_numpy(part.frame_axes.astype(np.int64))
        first_node, first_rotation = part.node_ptr[:-1], part.rotation_ptr[:-1]
        return cls(
            numbers=torch.from_numpy(part.numbers.astype(np.int64)),
            node_weight=torch.from_numpy(part.node_weight).to(dtype),
            node_crystal=torch.from_numpy(np.repeat(crystals, nodes)),
            edge_source=torch.from_numpy(part.edge_source + first_node[of_edge]),
            edge_target=torch.from_numpy(part.edge_target + first_node[of_edge]),
            edge_vector=torch.from_numpy(part.edge_vector).to(dtype),
            edge_rotation=torch.from_numpy(part.edge_rotation + first_rotation[of_edge]),
            edge_kind=torch.from_numpy(part.edge_kind.astype(np.int64)),
            edge_translate=torch.from_numpy(part.edge_translate.astype(bool)),
            rotation=torch.from_numpy(part.rotation).to(dtype),
            site_node=torch.from_numpy(part.site_node + first_node[of_site]),
            site_rotation=torch.from_numpy(part.site_rotation + first_rotation[of_site]),
            site_crystal=torch.from_numpy(of_site),
            lattice=lattice,
            frame=torch.from_numpy(SIGNED_PERMUTATIONS).to(dtype)[order] @ triad[triad_of_frame],
            frame_axes=order,
            frame_standard=torch.from_numpy(part.frame_standard.astype(bool)),
            frame_crystal=torch.from_numpy(of_frame),
            frame_triad=triad_of_frame,
            triad=triad,
            triad_crystal=of_triad,
            rotation_crystal=torch.from_numpy(np.repeat(crystals, np.diff(part.rotation_ptr))),
            n_crystals=len(index),
        )


def _triads(
    part: VectorGraphs, of_frame: NDArray[np.int64], lattice: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The crosses of axes, the crystal of each, and which of them each frame has; the frames of one cross stand together."""
    named = np.concatenate([of_frame[:, None], part.frame_first, part.frame_second], axis=1)
    new = np.ones(len(named), dtype=bool)
    new[1:] = (named[1:] != named[:-1]).any(axis=1)
    crystal = torch.from_numpy(of_frame[new])
    spanned = (torch.from_numpy(steps[new]).to(lattice.dtype)[:, None] for steps in (part.frame_first, part.frame_second))
    first, second = (torch.bmm(steps, lattice[crystal])[:, 0] for steps in spanned)
    return triads(first, second), crystal, torch.from_numpy(np.cumsum(new) - 1)
