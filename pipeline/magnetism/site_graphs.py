"""Placed crystals to the packed graphs of models/graphs/site_graphs.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.graphs.site_graphs import SITE_DTYPES, SiteGraphs
from pipeline.features.neighbours import GraphSettings, build_graphs
from pipeline.magnetism.exchange_paths import N_PATHS, Pairs, exchange_pairs, magnetic_sites
from pipeline.magnetism.magnetic_cell import MagneticCell, coset_index, symmetries


def build_site_graphs(magnetic_cells: Sequence[MagneticCell]) -> tuple[SiteGraphs, NDArray[np.int64]]:
    """The packed graphs, and which of the crystals have one: a crystal with an isolated atom has none."""
    trunk, kept = build_graphs([p.cell for p in magnetic_cells], GraphSettings())
    parts = [_arrays(magnetic_cells[k]) for k in kept]
    values: dict[str, NDArray[Any]] = {}
    for name, dtype in SITE_DTYPES.items():
        if name.endswith("_ptr"):
            counts = [len(part[_COUNTED[name]]) for part in parts]
            values[name] = np.concatenate([[0], np.cumsum(counts)]).astype(dtype)
        else:
            none = np.zeros((0, N_PATHS) if name == "pair_paths" else 0)
            values[name] = np.concatenate([none, *(part[name] for part in parts)]).astype(dtype)
    return SiteGraphs(trunk, **values), kept


_COUNTED = {
    "pair_ptr": "pair_first",
    "site_ptr": "site_node",
    "link_ptr": "link_target",
    "perm_ptr": "perm",
    "group_ptr": "perm_shift",
}


def _arrays(magnetic_cell: MagneticCell) -> dict[str, NDArray[Any]]:
    cell = magnetic_cell.cell
    pairs = exchange_pairs(cell)
    holds = magnetic_sites(cell.numbers)
    target, source, kind, count, distance = _links(magnetic_cell, pairs)
    allowed = symmetries(magnetic_cell)
    return {
        "pair_first": pairs.kind_orbits[:, 0],
        "pair_second": pairs.kind_orbits[:, 1],
        "pair_distance": pairs.kind_distance,
        "pair_paths": pairs.kind_paths,
        "pair_induced": pairs.kind_induced,
        "pair_weight": np.bincount(pairs.kind, minlength=len(pairs.kind_distance)) / holds.sum(),
        "site_node": magnetic_cell.orbit,
        "site_magnetic": holds[magnetic_cell.site],
        "link_target": target,
        "link_source": source,
        "link_pair": kind,
        "link_count": count,
        "link_distance": distance,
        "perm": allowed.permutations.reshape(-1),
        "perm_shift": allowed.shift,
        "perm_strain": allowed.strain,
    }


def _links(magnetic_cell: MagneticCell, pairs: Pairs) -> tuple[NDArray[Any], ...]:
    """The pairs between the sites of the cell: target, source, kind, how many, their mean distance in the cell as it came in Å.

    A site's own images are left out.
    """
    number = np.full((len(magnetic_cell.cell.numbers), magnetic_cell.copies), -1, dtype=np.int64)
    coset = coset_index(magnetic_cell.translation, magnetic_cell.supercell)
    number[magnetic_cell.site, coset] = np.arange(len(magnetic_cell.site))
    order = np.argsort(coset, kind="stable").reshape(magnetic_cell.copies, -1)[:, 0]
    homes = magnetic_cell.translation[order]  # one lattice vector of each coset, in the order of their numbers
    targets = number[pairs.target]  # (pairs, copies)
    there = homes[None] + pairs.image[:, None]  # lattice vectors of the sources, if the targets' are the homes
    sources = number[pairs.source[:, None], coset_index(there, magnetic_cell.supercell)]
    whole = (there - homes[None]) + magnetic_cell.translation[targets] - magnetic_cell.translation[sources]  # of the superlattice
    images = np.rint(whole @ np.linalg.inv(magnetic_cell.supercell))
    vectors = magnetic_cell.cart[sources] + images @ magnetic_cell.lattice - magnetic_cell.cart[targets]
    links = np.stack([targets, sources, np.broadcast_to(pairs.kind[:, None], targets.shape)], axis=-1).reshape(-1, 3)
    others = links[:, 0] != links[:, 1]
    rows, which, count = np.unique(links[others], axis=0, return_inverse=True, return_counts=True)
    distance = np.bincount(which.reshape(-1), np.linalg.norm(vectors, axis=-1).reshape(-1)[others], minlength=len(rows)) / count
    return rows[:, 0], rows[:, 1], rows[:, 2], count, distance
