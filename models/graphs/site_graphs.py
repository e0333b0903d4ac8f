"""Crystals with their magnetic cells, packed: what the order ranker reads.

Sizes and classes follow from the non-magnetic primitive cell (`trunk`, models/graphs/crystal_graphs.py: one node an orbit).
Signs live on the sites of a cell that may be larger. Equivalent pairs of sites are one row of the pair table, so whatever is
computed for a row is the same for all of them; the links say which sites of the cell they are.

==========================  =================  ====  ===================================================================
field                       shape              unit  meaning
==========================  =================  ====  ===================================================================
trunk                       CrystalGraphs            the primitive cell
pair_ptr, link_ptr          (crystals + 1,)    1     crystal k owns the pairs pair_ptr[k]:pair_ptr[k+1], and so on
site_ptr, perm_ptr          (crystals + 1,)    1     the same for sites and for numbers in `perm`
pair_first, pair_second     (pairs,)           1     nodes inside the crystal; the second one is a magnetic site
pair_distance               (pairs,)           Å     length
pair_paths                  (pairs, paths)     1     what lies between (pipeline/magnetism/exchange_paths.py)
pair_induced                (pairs,)           1     1 where the first one is no magnetic site
pair_weight                 (pairs,)           1     such pairs for each magnetic site of the primitive cell
site_node                   (sites,)           1     node of each site of the cell, sites in the crystal's own order
site_magnetic               (sites,)           1     1 where the site can hold a moment of its own
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

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.graphs.crystal_graphs import CrystalGraphs

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
    "site_magnetic": np.uint8,
    "link_target": np.int16,
    "link_source": np.int16,
    "link_pair": np.int32,
    "link_count": np.float32,
    "link_distance": np.float32,
    "perm": np.int16,
    "perm_shift": np.float32,
    "perm_strain": np.float32,
}


@dataclass(frozen=True, eq=False)
class SiteGraphs:
    """Many crystals in flat arrays (the module's table)."""

    trunk: CrystalGraphs
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
    site_magnetic: NDArray[np.uint8]
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

    def permutations(self, k: int) -> NDArray[np.int64]:
        """(g, sites) of one crystal."""
        return self.perm[self.perm_ptr[k] : self.perm_ptr[k + 1]].reshape(-1, int(self.sites[k])).astype(np.int64)
