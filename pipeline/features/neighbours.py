"""One crystal to one asymmetric-unit graph: whole neighbour shells around one atom of each orbit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pymatgen.optimization.neighbors import find_points_in_spheres

from data.symmetry import SymmetricCell
from models.graph import DTYPES, CrystalGraphs

_PBC = np.ones(3, dtype=np.int64)
_SAME_PLACE_A = 1e-4  # Å; the centre itself
_EQUAL_A = 1e-5  # Å; in a symmetrised cell equivalent neighbours agree to rounding


class NoNeighbours(ValueError):
    """An atom has nothing around it up to the largest radius."""


@dataclass(frozen=True)
class GraphSettings:
    """What decides the edges; part of the graph store's content hash."""

    neighbours: int = 12  # at least so many; the shell of the last one is taken whole
    shell_tolerance_A: float = 0.1  # neighbours this little farther than the last one still belong to its shell
    max_radius_A: float = 16.0  # beyond it an atom makes do with what it has
    symprec_A: float = 0.01  # tolerance of the symmetry search


def build_graph(cell: SymmetricCell, settings: GraphSettings) -> CrystalGraphs:
    """The packed graph of one crystal.

    "The twelve nearest" is not defined where the twelfth and thirteenth are equally far, which is the rule in symmetric
    crystals: so every neighbour up to the twelfth's distance plus a tolerance is kept.

    Raises:
        NoNeighbours: an atom is alone within max_radius_A.
    """
    centre, neighbour, distance = _shells(cell, settings)
    source = cell.orbit[neighbour]
    order = np.lexsort((distance, source, centre))
    centre, source, distance = centre[order], source[order], distance[order]
    new = np.ones(len(centre), dtype=bool)  # first edge of each set of equivalent ones
    new[1:] = (np.diff(centre) != 0) | (np.diff(source) != 0) | (np.diff(distance) > _EQUAL_A)
    first = np.flatnonzero(new)
    weights = cell.multiplicities / len(cell.numbers)
    values = {
        "node_ptr": [0, len(weights)],
        "edge_ptr": [0, len(first)],
        "numbers": cell.numbers[cell.representatives],
        "node_weight": weights,
        "edge_source": source[first],
        "edge_target": centre[first],
        "edge_distance": np.add.reduceat(distance, first) / np.diff([*first, len(centre)]),
        "edge_count": np.diff([*first, len(centre)]),
        "volume_per_atom": [abs(np.linalg.det(cell.lattice)) / len(cell.numbers)],
        "n_atoms": [len(cell.numbers)],
        "space_group": [cell.space_group],
    }
    return CrystalGraphs(**{name: np.asarray(v, dtype=DTYPES[name]) for name, v in values.items()})


def _shells(cell: SymmetricCell, settings: GraphSettings) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Centre (orbit), neighbour (site) and distance (Å) of every kept pair; radii grow until each centre has its shell."""
    cart = np.ascontiguousarray(cell.frac @ cell.lattice)
    waiting = np.arange(len(cell.representatives))
    representatives = cell.representatives
    per_atom = abs(np.linalg.det(cell.lattice)) / len(cell.numbers)
    # the sphere that holds the wanted number at the mean density, and some room for open structures
    radius = 1.25 * (settings.neighbours * per_atom * 3 / (4 * np.pi)) ** (1 / 3) + settings.shell_tolerance_A
    kept: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]] = []
    while len(waiting):
        radius = min(radius, settings.max_radius_A)
        last = radius >= settings.max_radius_A
        centres = np.ascontiguousarray(cart[representatives[waiting]])
        i, j, _, d = find_points_in_spheres(cart, centres, r=radius, pbc=_PBC, lattice=cell.lattice, tol=1e-8)
        real = d > _SAME_PLACE_A
        i, j, d = i[real], j[real], d[real]
        order = np.lexsort((d, i))
        i, j, d = i[order], j[order], d[order]
        counts = np.bincount(i, minlength=len(waiting))
        if last and (counts == 0).any():
            raise NoNeighbours(f"an atom has no neighbour within {settings.max_radius_A:g} Å")
        starts = np.cumsum(counts) - counts
        rank = np.minimum(settings.neighbours, counts) - 1
        reach = (
            np.where(counts > 0, d[np.minimum(starts + rank, max(len(d) - 1, 0))], np.inf)
            if len(d)
            else np.full(len(counts), np.inf)
        )
        reach = reach + settings.shell_tolerance_A
        done = ((counts >= settings.neighbours) & (reach < radius)) | last
        keep = done[i] & (d <= reach[i])
        kept.append((waiting[i[keep]], j[keep], d[keep]))
        waiting = waiting[~done]
        radius *= 1.5
    centre, neighbour, distance = (np.concatenate(parts) for parts in zip(*kept, strict=True))
    return centre, neighbour, distance
