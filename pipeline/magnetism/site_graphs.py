"""Placed crystals to the packed graphs of models/graphs/site_graphs.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.graphs.site_graphs import SITE_DTYPES, SiteGraphs
from pipeline.features.neighbours import GraphSettings, build_graphs
from pipeline.magnetism.exchange_paths import N_PATHS, Pairs, carriers, exchange_pairs
from pipeline.magnetism.magnetic_cell import Placement, coset_index, symmetries


def build_site_graphs(placements: Sequence[Placement]) -> tuple[SiteGraphs, NDArray[np.int64]]:
    """The packed graphs, and which of the crystals have one: a crystal with an isolated atom has none."""
    trunk, kept = build_graphs([p.cell for p in placements], GraphSettings())
    parts = [_arrays(placements[k]) for k in kept]
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


def _arrays(placement: Placement) -> dict[str, NDArray[Any]]:
    cell = placement.cell
    pairs = exchange_pairs(cell)
    holds = carriers(cell.numbers)
    target, source, kind, count, distance = _links(placement, pairs)
    allowed = symmetries(placement)
    return {
        "pair_first": pairs.kind_orbits[:, 0],
        "pair_second": pairs.kind_orbits[:, 1],
        "pair_distance": pairs.kind_distance,
        "pair_paths": pairs.kind_paths,
        "pair_induced": pairs.kind_induced,
        "pair_weight": np.bincount(pairs.kind, minlength=len(pairs.kind_distance)) / holds.sum(),
        "site_node": placement.orbit,
        "site_carrier": holds[placement.site],
        "link_target": target,
        "link_source": source,
        "link_pair": kind,
        "link_count": count,
        "link_distance": distance,
        "perm": allowed.permutations.reshape(-1),
        "perm_shift": allowed.shift,
        "perm_strain": allowed.strain,
    }


def _links(placement: Placement, pairs: Pairs) -> tuple[NDArray[Any], ...]:
    """The pairs between the sites of the cell: target, source, kind, how many, their mean distance in the cell as it came in Å.

    A site's own images are left out.
    """
    number = np.full((len(placement.cell.numbers), placement.copies), -1, dtype=np.int64)
    coset = coset_index(placement.translation, placement.supercell)
    number[placement.site, coset] = np.arange(len(placement.site))
    order = np.argsort(coset, kind="stable").reshape(placement.copies, -1)[:, 0]
    homes = placement.translation[order]  # one lattice vector of each coset, in the order of their numbers
    targets = number[pairs.target]  # (pairs, copies)
    there = homes[None] + pairs.image[:, None]  # lattice vectors of the sources, if the targets' are the homes
    sources = number[pairs.source[:, None], coset_index(there, placement.supercell)]
    whole = (there - homes[None]) + placement.translation[targets] - placement.translation[sources]  # of the superlattice
    images = np.rint(whole @ np.linalg.inv(placement.supercell))
    vectors = placement.cart[sources] + images @ placement.lattice - placement.cart[targets]
    links = np.stack([targets, sources, np.broadcast_to(pairs.kind[:, None], targets.shape)], axis=-1).reshape(-1, 3)
    others = links[:, 0] != links[:, 1]
    rows, which, count = np.unique(links[others], axis=0, return_inverse=True, return_counts=True)
    distance = np.bincount(which.reshape(-1), np.linalg.norm(vectors, axis=-1).reshape(-1)[others], minlength=len(rows)) / count
    return rows[:, 0], rows[:, 1], rows[:, 2], count, distance
