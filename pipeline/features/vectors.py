"""Crystals to graphs with directions (models/graphs/vector_graphs.py), for many crystals at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.symmetry import SymmetricCell
from models.graphs.vector_graphs import VECTOR_DTYPES, VectorGraphs
from pipeline.features.cell_kinds import cell_kinds, edge_kinds, reduced_bases
from pipeline.features.frames import candidate_frames
from pipeline.features.neighbours import Cells, GraphSettings, Neighbourhoods, find_neighbours

_SAME_PLACE_A2 = 1e-6  # Å²; operations that miss a site by this little more than the best one do as well
_IMAGES_AT_ONCE = 1 << 18  # images of sites under operations in one array


def build_vectors(cells: Sequence[SymmetricCell], settings: GraphSettings) -> VectorGraphs:
    """The packed graphs of crystals none of whose atoms is alone (pipeline.features.neighbours.build_graphs finds those)."""
    return pack_vectors(find_neighbours(cells, settings), frames=True)


def vector_arrays(cells: Sequence[SymmetricCell], settings: GraphSettings) -> dict[str, NDArray[Any]]:
    """The fields of the graphs in double precision."""
    return _arrays(find_neighbours(cells, settings), frames=True)


def pack_vectors(near: Neighbourhoods, frames: bool) -> VectorGraphs:
    """The graphs of neighbours that were found. Without `frames`, which take most of the time, no crystal has a frame."""
    arrays = _arrays(near, frames)
    return VectorGraphs(**{name: np.asarray(values, dtype=VECTOR_DTYPES[name]) for name, values in arrays.items()})


def _arrays(near: Neighbourhoods, frames: bool) -> dict[str, NDArray[Any]]:
    every = near.every
    pairs = near.pairs.take(np.argsort(near.pairs.centre, kind="stable"))
    owner = every.cell[pairs.centre]
    representative = every.representative[pairs.centre]
    image = np.einsum("pi,pij->pj", pairs.image.astype(np.float64), every.lattices[owner])
    cart = np.einsum("si,sij->sj", every.frac, every.lattices[every.site_cell])
    vector = cart[pairs.site] + image - cart[representative]
    rotation, rotation_ptr, site_rotation = _rotations(every)
    reduced, coordinates = reduced_bases(every.lattices)
    kinds = cell_kinds(every.lattices, reduced, coordinates)
    return {
        "node_ptr": every.first,
        "edge_ptr": _pointers(np.bincount(owner, minlength=len(every.cells))),
        "rotation_ptr": rotation_ptr,
        "site_ptr": every.first_site,
        "numbers": every.numbers,
        "node_weight": every.share,
        "edge_source": every.orbit[pairs.site],
        "edge_target": pairs.centre - every.first[owner],
        "edge_vector": vector,
        "edge_rotation": site_rotation[pairs.site],
        "edge_kind": edge_kinds(vector, owner, reduced, kinds),
        "edge_translate": pairs.site == representative,
        "rotation": rotation,
        "site_node": every.orbit,
        "site_rotation": site_rotation,
        "lattice": reduced,
        **(_frames(every.lattices, rotation, rotation_ptr) if frames else _no_frames(len(every.cells))),
    }


def _rotations(every: Cells) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """The space groups' Cartesian rotations, and which of them takes an orbit's representative to each of its sites.

    Where several operations do, the first one counts.

    Returns:
        (k, 3, 3) matrices; (cells + 1,) the first one of each cell; (sites,) places among those of the cell.
    """
    settings: dict[tuple[int, int, bool], list[int]] = defaultdict(list)
    for k, cell in enumerate(every.cells):
        settings[cell.space_group, cell.hall, cell.exact].append(k)
    chosen = np.zeros(len(every.frac), dtype=np.int64)
    turns: list[NDArray[np.int64]] = [np.zeros((0, 3, 3), np.int64)] * len(every.cells)
    sites = np.diff(every.first_site)
    for members in settings.values():
        matrices, moves = every.cells[members[0]].operations()
        for part in _parts(members, sites, len(matrices)):
            places = np.concatenate([np.arange(every.first_site[k], every.first_site[k + 1]) for k in part])
            chosen[places] = _first_operation(every, places, matrices, moves)
        for k in members:
            turns[k] = matrices
    pointers = _pointers([len(matrices) for matrices in turns])
    to_cart = every.lattices.transpose(0, 2, 1)
    owner = np.repeat(np.arange(len(turns)), np.diff(pointers))
    flat = np.concatenate([np.zeros((0, 3, 3), np.int64), *turns])
    return to_cart[owner] @ flat @ np.linalg.inv(to_cart)[owner], pointers, chosen


def _parts(members: list[int], sites: NDArray[np.int64], operations: int) -> Iterator[list[int]]:
    """The cells in runs whose images fit into one array (one cell may exceed it alone)."""
    run: list[int] = []
    total = 0
    for k in members:
        if run and total + int(sites[k]) * operations > _IMAGES_AT_ONCE:
            yield run
            run, total = [], 0
        run.append(k)
        total += int(sites[k]) * operations
    yield run


def _first_operation(
    every: Cells, places: NDArray[np.int64], matrices: NDArray[np.int64], moves: NDArray[np.float64]
) -> NDArray[np.int64]:
    """(places,) the first operation that takes the representative to each site."""
    cell = every.site_cell[places]
    origin = every.frac[every.representative[every.first[cell] + every.orbit[places]]]
    apart = origin @ matrices.transpose(0, 2, 1) + moves[:, None] - every.frac[places]  # (operations, places, 3)
    apart -= np.rint(apart)
    lattice = every.lattices[cell]
    cart = sum(apart[:, :, i, None] * lattice[:, i] for i in range(3))
    square = (cart * cart).sum(axis=2)
    first: NDArray[np.int64] = np.argmax(square <= square.min(axis=0) + _SAME_PLACE_A2, axis=0)
    return first


def _frames(
    lattices: NDArray[np.float64], rotation: NDArray[np.float64], rotation_ptr: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    """The candidate frames of each crystal, one after the other."""
    groups = np.split(rotation, rotation_ptr[1:-1])
    found = [candidate_frames(lattice, group) for lattice, group in zip(lattices, groups, strict=True)]
    _, first, second, axes, standard = zip(*found, strict=True)
    return {
        "frame_ptr": _pointers([len(order) for order in axes]),
        "frame_first": np.concatenate(first),
        "frame_second": np.concatenate(second),
        "frame_axes": np.concatenate(axes),
        "frame_standard": np.concatenate(standard),
    }


def _no_frames(crystals: int) -> dict[str, NDArray[Any]]:
    none = np.zeros(0, dtype=np.int64)
    return {
        "frame_ptr": np.zeros(crystals + 1, dtype=np.int64),
        "frame_first": none.reshape(0, 3),
        "frame_second": none.reshape(0, 3),
        "frame_axes": none,
        "frame_standard": none.astype(bool),
    }


def _pointers(counts: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
