"""Crystals to asymmetric-unit graphs: whole neighbour shells around one atom of each orbit.

The neighbours are found crystal by crystal; all the rest is done for many crystals at once, whose arrays are then long enough
for numpy to be fast.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from pymatgen.optimization.neighbors import find_points_in_spheres

from data.crystal import cell_volume
from data.symmetry import SymmetricCell
from models.graphs.crystal_graphs import DTYPES, CrystalGraphs

_PBC = np.ones(3, dtype=np.int64)
_SAME_PLACE_A = 1e-4  # Å; the centre itself
_EQUAL_A = 1e-5  # Å; in a symmetrised cell equivalent neighbours agree to rounding
_KEY_STEPS = 2.0**24  # per Å, in a sort key of 64 bits; finer than what is told apart


@dataclass(frozen=True)
class GraphSettings:
    """What decides the edges; part of the graph store's content hash."""

    neighbours: int = 12  # at least so many; the shell of the last one is taken whole
    shell_tolerance_A: float = 0.1  # neighbours this little farther than the last one still belong to its shell
    max_radius_A: float = 16.0  # no search goes beyond it, so that an atom may have fewer neighbours
    symprec_A: float = 0.01  # tolerance of the symmetry search


@dataclass(frozen=True)
class Cells:
    """Many cells, their sites and orbits numbered through."""

    cells: Sequence[SymmetricCell]

    @cached_property
    def representatives(self) -> list[NDArray[np.int64]]:
        return [cell.representatives for cell in self.cells]

    @cached_property
    def first(self) -> NDArray[np.int64]:
        """(cells + 1,) number of the first orbit of each cell."""
        return np.concatenate([[0], np.cumsum([len(r) for r in self.representatives])]).astype(np.int64)

    @cached_property
    def first_site(self) -> NDArray[np.int64]:
        """(cells + 1,) number of the first site of each cell."""
        return np.concatenate([[0], np.cumsum([len(cell.numbers) for cell in self.cells])]).astype(np.int64)

    @cached_property
    def cell(self) -> NDArray[np.int64]:
        """(orbits,) the cell of each orbit."""
        return np.repeat(np.arange(len(self.cells)), np.diff(self.first))

    @cached_property
    def orbit(self) -> NDArray[np.int64]:
        """(sites,) the orbit of each site inside its cell."""
        return np.concatenate([np.zeros(0, np.int64), *(cell.orbit for cell in self.cells)])

    @cached_property
    def site_cell(self) -> NDArray[np.int64]:
        """(sites,) the cell of each site."""
        return np.repeat(np.arange(len(self.cells)), np.diff(self.first_site))

    @cached_property
    def representative(self) -> NDArray[np.int64]:
        """(orbits,) number of the first site of each orbit."""
        return np.concatenate([np.zeros(0, np.int64), *self.representatives]) + self.first_site[self.cell]

    @cached_property
    def lattices(self) -> NDArray[np.float64]:
        """(cells, 3, 3) Å, rows."""
        return np.array([cell.lattice for cell in self.cells], dtype=np.float64).reshape(-1, 3, 3)

    @cached_property
    def frac(self) -> NDArray[np.float64]:
        """(sites, 3) fractional coordinates."""
        return np.concatenate([np.zeros((0, 3)), *(cell.frac for cell in self.cells)])

    @cached_property
    def numbers(self) -> NDArray[np.int64]:
        """(orbits,) atomic number of each orbit."""
        return np.concatenate([np.zeros(0, np.int64), *(cell.numbers for cell in self.cells)])[self.representative]

    @cached_property
    def share(self) -> NDArray[np.float64]:
        """(orbits,) share of the cell's sites on each orbit."""
        multiplicities = np.concatenate([np.zeros(0, np.int64), *(cell.multiplicities for cell in self.cells)])
        return multiplicities / np.diff(self.first_site)[self.cell]


@dataclass(frozen=True)
class Pairs:
    """Atoms and their neighbours: atom `site` in the cell at `image`, seen from the representative of orbit `centre`."""

    centre: NDArray[np.int64]  # (pairs,) orbit, numbered through
    site: NDArray[np.int64]  # (pairs,) numbered through
    image: NDArray[np.int8]  # (pairs, 3) lattice translation
    distance: NDArray[np.float64]  # (pairs,) Å

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> Pairs:
        return Pairs(self.centre[index], self.site[index], self.image[index], self.distance[index])

    @classmethod
    def joined(cls, parts: Sequence[Pairs]) -> Pairs:
        none = cls(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 3), np.int8), np.zeros(0))
        parts = [none, *parts]
        return cls(
            np.concatenate([p.centre for p in parts]),
            np.concatenate([p.site for p in parts]),
            np.concatenate([p.image for p in parts]),
            np.concatenate([p.distance for p in parts]),
        )


@dataclass(frozen=True, eq=False)
class Neighbourhoods:
    """The neighbours in crystals none of whose atoms is alone: what graphs with and without directions are made from."""

    every: Cells
    pairs: Pairs
    kept: NDArray[np.int64]  # places of the crystals among those that were handed over, ascending


def isolated_atom(settings: GraphSettings) -> str:
    """Why a crystal has no graph, in words."""
    return f"an atom has no neighbour within {settings.max_radius_A:g} Å"


def build_graphs(cells: Sequence[SymmetricCell], settings: GraphSettings) -> tuple[CrystalGraphs, NDArray[np.int64]]:
    """The packed graphs of many crystals, and which of them have one: a crystal with an isolated atom has none."""
    near = find_neighbours(cells, settings)
    return pack_graphs(near), near.kept


def find_neighbours(cells: Sequence[SymmetricCell], settings: GraphSettings) -> Neighbourhoods:
    """The neighbours of one atom of each orbit, in all crystals without an isolated atom.

    "The twelve nearest" is not defined where the twelfth and thirteenth are equally far, which is the rule in symmetric
    crystals: so every neighbour up to the twelfth's distance plus a tolerance is kept. A crystal's neighbours are the same
    whatever stands beside it.
    """
    every = Cells(cells)
    pairs = shells(every, settings)
    isolated = every.cell[np.bincount(pairs.centre, minlength=int(every.first[-1])) == 0]
    kept = np.setdiff1d(np.arange(len(cells)), isolated)
    if len(kept) == len(cells):
        return Neighbourhoods(every, pairs, kept)
    some = find_neighbours([cells[k] for k in kept], settings)
    return Neighbourhoods(some.every, some.pairs, kept)


def pack_graphs(near: Neighbourhoods) -> CrystalGraphs:
    """Equivalent neighbours become one edge with a count."""
    every, pairs = near.every, near.pairs
    source = every.orbit[pairs.site]
    order = _order(pairs.centre * (int(source.max(initial=0)) + 1) + source, pairs.distance)
    pairs, source = pairs.take(order), source[order]
    changes = (np.diff(pairs.centre) != 0) | (np.diff(source) != 0) | (np.diff(pairs.distance) > _EQUAL_A)
    new = np.flatnonzero(np.concatenate([[len(pairs.centre) > 0], changes]))  # first edge of each set of equivalent ones
    counts = np.diff([*new, len(pairs.centre)])
    owner = every.cell[pairs.centre[new]]
    sites = np.diff(every.first_site)
    values = {
        "node_ptr": every.first,
        "edge_ptr": np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(sites)))]),
        "numbers": every.numbers,
        "node_weight": every.share,
        "edge_source": source[new],
        "edge_target": pairs.centre[new] - every.first[owner],
        "edge_distance": (np.add.reduceat(pairs.distance, new) if len(new) else pairs.distance) / counts,
        "edge_count": counts,
        "volume_per_atom": np.array([cell_volume(cell.lattice) for cell in every.cells]) / sites,
        "n_atoms": sites,
        "space_group": [cell.space_group for cell in every.cells],
    }
    return CrystalGraphs(**{name: np.asarray(v, dtype=DTYPES[name]) for name, v in values.items()})


def atoms_alone(cells: Sequence[SymmetricCell]) -> CrystalGraphs:
    """The nodes of the crystals' graphs without their edges, for what asks for the atoms only."""
    return pack_graphs(Neighbourhoods(Cells(cells), Pairs.joined([]), np.arange(len(cells))))


def shells(every: Cells, settings: GraphSettings) -> Pairs:
    """Every kept pair; radii grow until each centre has its shell. A centre without a neighbour has no pair."""
    # the sphere that holds the wanted number at the mean density, and some room for open structures
    density = np.array([len(cell.numbers) / cell_volume(cell.lattice) for cell in every.cells])
    radii = 1.25 * (settings.neighbours / density * 3 / (4 * np.pi)) ** (1 / 3) + settings.shell_tolerance_A
    waiting = np.arange(every.first[-1])
    kept = []
    while len(waiting):
        radii = np.minimum(radii, settings.max_radius_A)
        pairs = _search(every, waiting, radii)
        radius = radii[every.cell[waiting]]
        where = np.searchsorted(waiting, pairs.centre)
        counts = np.bincount(where, minlength=len(waiting))
        last = np.cumsum(counts) - counts + np.minimum(settings.neighbours, counts) - 1
        reach = np.full(len(waiting), np.inf)
        some = counts > 0
        reach[some] = pairs.distance[last[some]] + settings.shell_tolerance_A
        done = ((counts >= settings.neighbours) & (reach < radius)) | (radius >= settings.max_radius_A)
        kept.append(pairs.take(done[where] & (pairs.distance <= reach[where])))
        waiting = waiting[~done]
        radii = radii * 1.5
    return Pairs.joined(kept)


def _search(every: Cells, centres: NDArray[np.int64], radii: NDArray[np.float64]) -> Pairs:
    """All neighbours of some orbits' representatives within the radius of their cell, nearest first."""
    found = []
    for k, own in zip(*_runs(every.cell[centres], centres), strict=True):
        cell = every.cells[k]
        cart = np.ascontiguousarray(cell.frac @ cell.lattice)
        around = np.ascontiguousarray(cart[every.representatives[k][own - every.first[k]]])
        i, j, image, distance = find_points_in_spheres(cart, around, r=radii[k], pbc=_PBC, lattice=cell.lattice, tol=1e-8)
        found.append(Pairs(own[i], j + every.first_site[k], image.astype(np.int8), distance))
    pairs = Pairs.joined(found)
    pairs = pairs.take(pairs.distance > _SAME_PLACE_A)
    return pairs.take(_order(pairs.centre, pairs.distance))


def _runs(key: NDArray[np.int64], values: NDArray[np.int64]) -> tuple[list[int], list[NDArray[np.int64]]]:
    """Each key once, and its values; equal keys stand together."""
    starts = np.flatnonzero(np.concatenate([[True], np.diff(key) != 0]))
    return key[starts].tolist(), np.split(values, starts[1:])


def _order(group: NDArray[np.int64], distance: NDArray[np.float64]) -> NDArray[np.int64]:
    """By group, then by distance; as numpy.lexsort, but one sort of whole numbers is several times as fast."""
    steps = np.rint(distance * _KEY_STEPS).astype(np.int64)
    return np.argsort(group * (steps.max(initial=0) + 1) + steps, kind="stable")
