"""Crystals with their magnetic cells, packed: what the model of orderings reads.

Sizes and classes follow from the non-magnetic primitive cell (`trunk`, models/graphs/crystal_graphs.py: one node an orbit).
Signs live on the sites of a cell that may be larger. Equivalent pairs of sites are one row of the pair table, so whatever a
network computes for a row is the same for all of them; the links say which sites of the cell they are.

==========================  =================  ====  ===================================================================
field                       shape              unit  meaning
==========================  =================  ====  ===================================================================
trunk                       CrystalGraphs            the primitive cell
descriptors                 (crystals, columns)  -   those of pipeline/features/descriptors.py
pair_ptr, link_ptr          (crystals + 1,)    1     crystal k owns the pairs pair_ptr[k]:pair_ptr[k+1], and so on
site_ptr, perm_ptr          (crystals + 1,)    1     the same for sites and for numbers in `perm`
pair_first, pair_second     (pairs,)           1     nodes inside the crystal; the second one is a carrier
pair_distance               (pairs,)           Å     length
pair_paths                  (pairs, paths)     1     what lies between (pipeline/magnetism/exchange_paths.py)
pair_induced                (pairs,)           1     1 where the first one is no carrier
pair_weight                 (pairs,)           1     such pairs for each carrier of the primitive cell
site_node                   (sites,)           1     node of each site of the cell, sites in the crystal's own order
site_carrier                (sites,)           1     1 where the site can hold a moment of its own
link_target, link_source    (links,)           1     sites inside the crystal, never the same twice
link_pair                   (links,)           1     pair inside the crystal
link_count                  (links,)           1     how many such pairs, in different images of the cell
link_distance               (links,)           Å     their mean length in the cell as it came (an order may have deformed it)
perm                        (numbers,)         1     (g, sites) permutations of the sites, row after row; the identity first,
                                                     then the other translations of the primitive cell
group_ptr                   (crystals + 1,)    1     crystal k has the permutations group_ptr[k]:group_ptr[k+1]
perm_shift                  (permutations,)    Å     how far the cell as it came is from obeying each (see magnetic_cell.py)
perm_strain                 (permutations,)    1     the same of its lattice, relative
==========================  =================  ====  ===================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.graphs.crystal_graphs import CrystalGraphs, GraphBatch, concatenate
from models.packing import gather

SITE_DTYPES = {
    "pair_ptr": np.int64,
    "site_ptr": np.int64,
    "link_ptr": np.int64,
    "perm_ptr": np.int64,
    "group_ptr": np.int64,
    "pair_first": np.int32,
    "pair_second": np.int32,
    "pair_distance": np.float32,
    "pair_paths": np.float32,
    "pair_induced": np.uint8,
    "pair_weight": np.float32,
    "site_node": np.int32,
    "site_carrier": np.uint8,
    "link_target": np.int16,
    "link_source": np.int16,
    "link_pair": np.int32,
    "link_count": np.float32,
    "link_distance": np.float32,
    "perm": np.int16,
    "perm_shift": np.float32,
    "perm_strain": np.float32,
}
OWNED = {
    "pair_ptr": ("pair_first", "pair_second", "pair_distance", "pair_paths", "pair_induced", "pair_weight"),
    "site_ptr": ("site_node", "site_carrier"),
    "link_ptr": ("link_target", "link_source", "link_pair", "link_count", "link_distance"),
    "perm_ptr": ("perm",),
    "group_ptr": ("perm_shift", "perm_strain"),
}


@dataclass(frozen=True, eq=False)
class SiteGraphs:
    """Many crystals in flat arrays (the module's table)."""

    trunk: CrystalGraphs
    descriptors: NDArray[np.float32]
    pair_ptr: NDArray[np.int64]
    site_ptr: NDArray[np.int64]
    link_ptr: NDArray[np.int64]
    perm_ptr: NDArray[np.int64]
    group_ptr: NDArray[np.int64]
    pair_first: NDArray[np.int32]
    pair_second: NDArray[np.int32]
    pair_distance: NDArray[np.float32]
    pair_paths: NDArray[np.float32]
    pair_induced: NDArray[np.uint8]
    pair_weight: NDArray[np.float32]
    site_node: NDArray[np.int32]
    site_carrier: NDArray[np.uint8]
    link_target: NDArray[np.int16]
    link_source: NDArray[np.int16]
    link_pair: NDArray[np.int32]
    link_count: NDArray[np.float32]
    link_distance: NDArray[np.float32]
    perm: NDArray[np.int16]
    perm_shift: NDArray[np.float32]
    perm_strain: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.trunk)

    @property
    def sites(self) -> NDArray[np.int64]:
        """(crystals,) sites of each cell."""
        return np.diff(self.site_ptr)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Every field but the trunk by its name."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "trunk"}

    def permutations(self, k: int) -> NDArray[np.int64]:
        """(g, sites) of one crystal."""
        return self.perm[self.perm_ptr[k] : self.perm_ptr[k + 1]].reshape(-1, int(self.sites[k])).astype(np.int64)

    def take(self, index: NDArray[np.int64]) -> SiteGraphs:
        """Some crystals, in the order asked for."""
        chosen: dict[str, NDArray[Any]] = {}
        for ptr, owned in OWNED.items():
            chosen[ptr], places = gather(getattr(self, ptr), index)
            chosen |= {name: getattr(self, name)[places] for name in owned}
        return SiteGraphs(self.trunk.take(index), self.descriptors[index], **chosen)


def join_sites(parts: Sequence[SiteGraphs]) -> SiteGraphs:
    """One packed set from several, in order."""
    joined: dict[str, NDArray[Any]] = {}
    for ptr, owned in OWNED.items():
        counts = np.concatenate([np.diff(getattr(p, ptr)) for p in parts])
        joined[ptr] = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        joined |= {name: np.concatenate([getattr(p, name) for p in parts]) for name in owned}
    return SiteGraphs(concatenate([p.trunk for p in parts]), np.concatenate([p.descriptors for p in parts]), **joined)


@dataclass(frozen=True, eq=False)
class SiteBatch:
    """A batch as tensors; nodes, pairs and sites count over the whole batch. Floats have the network's dtype."""

    graph: GraphBatch
    pair_first: torch.Tensor  # (pairs,) int64 nodes
    pair_second: torch.Tensor  # (pairs,) int64
    pair_distance: torch.Tensor  # (pairs,) Å
    pair_paths: torch.Tensor  # (pairs, paths)
    pair_induced: torch.Tensor  # (pairs,) 0. or 1.
    pair_weight: torch.Tensor  # (pairs,)
    pair_crystal: torch.Tensor  # (pairs,) int64
    site_ptr: NDArray[np.int64]  # (crystals + 1,)
    site_node: torch.Tensor  # (sites,) int64
    site_carrier: NDArray[np.bool_]  # (sites,)
    link_crystal: NDArray[np.int64]  # (links,)
    link_target: NDArray[np.int64]  # (links,) sites
    link_source: NDArray[np.int64]  # (links,)
    link_pair: torch.Tensor  # (links,) int64
    link_count: torch.Tensor  # (links,)
    permutations: list[NDArray[np.int64]]  # of each crystal (g, its sites)

    @classmethod
    def collate(cls, graphs: SiteGraphs, index: NDArray[np.int64], dtype: torch.dtype = torch.float32) -> SiteBatch:
        part = graphs.take(index)
        crystals = np.arange(len(index))
        of_pair, of_site, of_link = (np.repeat(crystals, np.diff(ptr)) for ptr in (part.pair_ptr, part.site_ptr, part.link_ptr))
        node, site, pair = part.trunk.node_ptr[:-1], part.site_ptr[:-1], part.pair_ptr[:-1]
        return cls(
            graph=GraphBatch.collate(part.trunk, crystals, dtype),
            pair_first=torch.from_numpy(part.pair_first + node[of_pair]),
            pair_second=torch.from_numpy(part.pair_second + node[of_pair]),
            pair_distance=torch.from_numpy(part.pair_distance).to(dtype),
            pair_paths=torch.from_numpy(part.pair_paths).to(dtype),
            pair_induced=torch.from_numpy(part.pair_induced).to(dtype),
            pair_weight=torch.from_numpy(part.pair_weight).to(dtype),
            pair_crystal=torch.from_numpy(of_pair),
            site_ptr=part.site_ptr,
            site_node=torch.from_numpy(part.site_node + node[of_site]),
            site_carrier=part.site_carrier.astype(bool),
            link_crystal=of_link,
            link_target=part.link_target + site[of_link],
            link_source=part.link_source + site[of_link],
            link_pair=torch.from_numpy(part.link_pair + pair[of_link]),
            link_count=torch.from_numpy(part.link_count).to(dtype),
            permutations=[part.permutations(k) for k in range(len(index))],
        )
