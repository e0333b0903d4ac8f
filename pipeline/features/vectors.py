"""Crystals to graphs with directions (models/graphs/vector_graphs.py)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import moyopy
import numpy as np
from numpy.typing import NDArray

from data.symmetry import SymmetricCell
from models.graphs.cell_orbits import N_CELLS, cell_index, parity_kinds
from models.graphs.vector_graphs import VECTOR_DTYPES, VectorGraphs
from pipeline.features.frames import candidate_frames
from pipeline.features.neighbours import Cells, GraphSettings, shells

_NEAREST_A = 0.01  # Å; lattice points this little farther than the nearest one are as near
_STEPS = np.array(list(itertools.product((-1, 0, 1), repeat=3)), dtype=np.int64)  # (27, 3)


def build_vectors(cells: Sequence[SymmetricCell], settings: GraphSettings) -> VectorGraphs:
    """The packed graphs of crystals none of whose atoms is alone (pipeline.features.neighbours.build_graphs finds those)."""
    arrays = vector_arrays(cells, settings)
    return VectorGraphs(**{name: np.asarray(values, dtype=VECTOR_DTYPES[name]) for name, values in arrays.items()})


def vector_arrays(cells: Sequence[SymmetricCell], settings: GraphSettings) -> dict[str, NDArray[Any]]:
    """The fields of the graphs in double precision."""
    every = Cells(cells)
    pairs = shells(every, settings)
    pairs = pairs.take(np.argsort(pairs.centre, kind="stable"))
    owner = every.cell[pairs.centre]
    lattices = np.array([cell.lattice for cell in cells])
    cart = np.concatenate([cell.frac @ cell.lattice for cell in cells])
    representative = np.concatenate([r + s for r, s in zip(every.representatives, every.first_site[:-1], strict=True)])
    image = np.einsum("pi,pij->pj", pairs.image.astype(np.float64), lattices[owner])
    vector = cart[pairs.site] + image - cart[representative[pairs.centre]]
    turns = [_rotations(cell, r) for cell, r in zip(cells, every.representatives, strict=True)]
    site_rotation = np.concatenate([site for _, site in turns])
    sites = np.diff(every.first_site)
    frames = [candidate_frames(cell.lattice, matrices) for cell, (matrices, _) in zip(cells, turns, strict=True)]
    reduced, first, second, axes, standard = zip(*frames, strict=True)
    return {
        "node_ptr": every.first,
        "edge_ptr": _pointers(np.bincount(owner, minlength=len(cells))),
        "rotation_ptr": _pointers([len(matrices) for matrices, _ in turns]),
        "site_ptr": every.first_site,
        "numbers": np.concatenate([c.numbers[r] for c, r in zip(cells, every.representatives, strict=True)]),
        "node_weight": np.concatenate([cell.multiplicities for cell in cells]) / sites[every.cell],
        "edge_source": every.orbit[pairs.site],
        "edge_target": pairs.centre - every.first[owner],
        "edge_vector": vector,
        "edge_rotation": site_rotation[pairs.site],
        "edge_kind": np.concatenate([_kinds(c, v) for c, v in zip(cells, _split(vector, owner, len(cells)), strict=True)]),
        "edge_translate": pairs.site == representative[pairs.centre],
        "rotation": np.concatenate([matrices for matrices, _ in turns]),
        "site_node": every.orbit,
        "site_rotation": site_rotation,
        "frame_ptr": _pointers([len(order) for order in axes]),
        "lattice": np.stack(reduced),
        "frame_first": np.concatenate(first),
        "frame_second": np.concatenate(second),
        "frame_axes": np.concatenate(axes),
        "frame_standard": np.concatenate(standard),
    }


def _rotations(cell: SymmetricCell, representatives: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(k, 3, 3) the Cartesian rotations of the space group, and (sites,) which of them takes the representative to each site."""
    turns, moves = cell.operations()
    images = np.einsum("kij,nj->kni", turns, cell.frac[representatives]) + moves[:, None]
    apart = images[:, cell.orbit] - cell.frac  # (k, sites, 3)
    apart -= np.rint(apart)
    chosen = ((apart @ cell.lattice) ** 2).sum(axis=2).argmin(axis=0)
    to_cart = cell.lattice.T
    return to_cart @ turns @ np.linalg.inv(to_cart), chosen


def _kinds(cell: SymmetricCell, vectors: NDArray[np.float64]) -> NDArray[np.int64]:
    """(edges,) bits: the kinds of the lattice cells that an edge leads into.

    An edge leads into the cell of the lattice point nearest to its end, the centre's atom being the origin: that does not
    depend on which cell or origin was chosen. Where several points are equally near, their kinds all count.
    """
    basis = np.array(moyopy.niggli_reduce(cell.lattice.tolist())[0])
    steps = np.rint(basis @ np.linalg.inv(cell.lattice)).astype(np.int64)  # rows: the reduced vectors in the cell's own
    parity = cell_index(_STEPS @ steps)
    lengths = np.full(N_CELLS, np.inf)
    np.minimum.at(lengths, parity, np.linalg.norm(_STEPS @ basis, axis=1))
    kinds = parity_kinds(holohedry(cell.lattice), lengths)
    start = np.rint(vectors @ np.linalg.inv(basis)).astype(np.int64)
    points = start[:, None] + _STEPS
    distance = np.linalg.norm(vectors[:, None] - points @ basis, axis=2)
    nearest = distance < distance.min(axis=1, keepdims=True) + _NEAREST_A
    bits = np.where(nearest, 1 << kinds[cell_index(points @ steps)], 0)
    found: NDArray[np.int64] = np.bitwise_or.reduce(bits, axis=1)
    return found


def holohedry(lattice: NDArray[np.float64]) -> NDArray[np.int64]:
    """(h, 3, 3) the lattice's point group in its own basis, for columns of fractional coordinates."""
    alone = moyopy.Cell(lattice.tolist(), [[0.0, 0.0, 0.0]], [1])
    return np.array(moyopy.MoyoDataset(alone, symprec=_NEAREST_A).operations.rotations, dtype=np.int64)


def _pointers(counts: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _split(rows: NDArray[np.float64], owner: NDArray[np.int64], cells: int) -> list[NDArray[np.float64]]:
    return np.split(rows, np.cumsum(np.bincount(owner, minlength=cells))[:-1])
