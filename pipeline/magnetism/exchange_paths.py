"""Pairs of sites that may couple magnetically, with what lies between them.

A *magnetic site* is an atom that can hold a moment of its own: a d- or f-element other than zinc, cadmium and mercury; in a
crystal without one, every atom. A *ligand* is an atom of an electronegative p-element. Superexchange runs from one magnetic site
to another over one ligand (its sign depends on the angle there: Goodenough 1955, Kanamori 1959) or over two ligands that touch,
so each pair of magnetic sites knows

====================  =======================================================================================================
columns               sum over
====================  =======================================================================================================
angle, first row      bridging ligands N, O, F: Gaussians of the cosine of the angle at the ligand
angle, other rows     the other bridging ligands: the same
contact               pairs of different ligands, one bound to each magnetic site: Gaussians of the distance between them
====================  =======================================================================================================

each weighted by how well the ligands are bound. Every other atom is coupled to its nearest magnetic sites, from which its small
induced moment comes. All of it is computed in the symmetrised primitive cell, where equivalent pairs are exactly alike: they
become one row.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Element
from pymatgen.optimization.neighbors import find_points_in_spheres

from data.crystal import symbol
from data.symmetry import SymmetricCell

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

OPEN_SHELLS = frozenset({*range(21, 30), *range(39, 48), *range(57, 80), *range(89, 104)})
COSINES = np.linspace(-1.0, 1.0, 6)
CONTACTS_A = np.array([2.4, 3.0, 3.6])
N_PATHS = 2 * len(COSINES) + len(CONTACTS_A)
_SEARCH_A, _LEAST_A = 10.0, 5.5  # magnetic sites farther apart never couple; nearer ones always may
_MAGNETIC_NEIGHBOURS = 12  # the cut-off is where each magnetic site has so many, between the two
_LIGAND_A = 4.0  # no bond is longer
_LIGANDS = 10  # bound ligands of a magnetic site that are looked at, the nearest ones and those as near as the last
_NEAREST = 1.25  # an atom that is no magnetic site is coupled to magnetic sites up to this multiple of its nearest one's distance
_SAME_A = 0.05  # two ligands this near are one
_EQUAL = 1e-3  # rows that agree this well, in Å and in the columns, are equivalent pairs


@dataclass(frozen=True, eq=False)
class Pairs:
    """Directed pairs of one primitive cell: `target` in the home cell, `source` in the cell at `image`."""

    target: Ints  # (pairs,) site; never a magnetic site paired with a source that is none
    source: Ints  # (pairs,) site, always a magnetic site
    image: Ints  # (pairs, 3) lattice vector in the primitive basis
    kind: Ints  # (pairs,) row of the tables below
    kind_orbits: Ints  # (kinds, 2) orbits of the two; of two magnetic sites the smaller number first
    kind_distance: Floats  # (kinds,) Å
    kind_paths: Floats  # (kinds, N_PATHS)
    kind_induced: NDArray[np.bool_]  # (kinds,) whether the target is no magnetic site


def magnetic_sites(numbers: Ints) -> NDArray[np.bool_]:
    """(n,) which atoms may hold a moment of their own."""
    found = np.isin(numbers, list(OPEN_SHELLS))
    return found if found.any() else np.ones(len(numbers), dtype=bool)


def exchange_pairs(cell: SymmetricCell) -> Pairs:
    """All pairs of a primitive cell."""
    holds = magnetic_sites(cell.numbers)
    cart = np.ascontiguousarray(cell.frac @ cell.lattice)
    centres = np.flatnonzero(holds)
    i, j, image, distance = find_points_in_spheres(
        cart, np.ascontiguousarray(cart[centres]), r=_SEARCH_A, pbc=np.ones(3, dtype=np.int64), lattice=cell.lattice, tol=1e-8
    )
    near = distance > _SAME_A
    i, j, image, distance = centres[i[near]], j[near], image[near].astype(np.int64), distance[near]
    both = holds[j]
    kept = both & (distance <= _cutoff(i[both], distance[both], centres))
    vector = cart[j] + image @ cell.lattice - cart[i]
    paths = np.zeros((int(kept.sum()), N_PATHS))
    if not holds.all():
        paths = _paths(i[kept], j[kept], vector[kept], *_bound(cell, i, j, vector, distance))
    induced = ~both & (distance <= _nearest_magnetic(j, distance, len(cart))[j])
    target = np.concatenate([i[kept], j[induced]])  # the second kind is seen from the atom that is no magnetic site
    source = np.concatenate([j[kept], i[induced]])
    images = np.concatenate([image[kept], -image[induced]])
    flag = np.repeat([False, True], [len(paths), int(induced.sum())])
    orbits = np.stack([cell.orbit[target], cell.orbit[source]], axis=1)
    orbits[~flag] = np.sort(orbits[~flag], axis=1)
    lengths = np.concatenate([distance[kept], distance[induced]])
    columns = np.concatenate([paths, np.zeros((int(induced.sum()), N_PATHS))])
    levels = [_levels(values) for values in (lengths, *columns.T)]
    key = np.column_stack([flag, orbits, *levels]).astype(np.int64)
    _, first, kind = np.unique(key, axis=0, return_index=True, return_inverse=True)
    return Pairs(target, source, images, kind.reshape(-1), orbits[first], lengths[first], columns[first], flag[first])


def _levels(values: Floats) -> Ints:
    """(n,) equal numbers for values that differ by at most _EQUAL, directly or through others between them, ascending.

    Rounding would part values that differ by nothing but noise wherever they lie between two steps.
    """
    order = np.argsort(values, kind="stable")
    level = np.zeros(len(values), dtype=np.int64)
    level[order[1:]] = np.cumsum(np.diff(values[order]) > _EQUAL)
    return level


def _cutoff(target: Ints, distance: Floats, centres: Ints) -> float:
    """One radius for the crystal, so that pairs are mutual: where the most isolated magnetic site has its neighbours."""
    order = np.lexsort([distance, target])
    target, distance = target[order], distance[order]
    starts = np.searchsorted(target, centres)
    counts = np.searchsorted(target, centres, side="right") - starts
    last = starts + np.minimum(counts, _MAGNETIC_NEIGHBOURS) - 1
    reach = max((float(distance[k]) for k, n in zip(last, counts, strict=True) if n), default=_SEARCH_A)
    return min(max(reach, _LEAST_A) + _SAME_A, _SEARCH_A)


def _nearest_magnetic(site: Ints, distance: Floats, n: int) -> Floats:
    """(n,) Å up to which an atom is coupled to magnetic sites."""
    nearest = np.full(n, np.inf)
    np.minimum.at(nearest, site, distance)
    return _NEAREST * nearest


def _bound(cell: SymmetricCell, i: Ints, j: Ints, vector: Floats, distance: Floats) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Of each site: (n, l, 3) Å vectors to its ligands, (n, l) how well they are bound, (n, l) whether of the first row."""
    radius = np.array([_radius(int(z)) for z in cell.numbers])
    ligand = np.array([_is_ligand(int(z)) for z in cell.numbers]) & ~magnetic_sites(cell.numbers)
    bonds = np.flatnonzero(ligand[j] & (distance < _LIGAND_A))
    bonds = bonds[np.lexsort([distance[bonds], i[bonds]])]
    first = np.searchsorted(i[bonds], i[bonds])
    rank = np.arange(len(bonds)) - first
    last = np.minimum(first + _LIGANDS, np.searchsorted(i[bonds], i[bonds], side="right")) - 1
    kept = distance[bonds] <= distance[bonds][last] + _EQUAL  # all of those that tie with the last one
    bonds, rank = bonds[kept], rank[kept]
    n, most = len(cell.numbers), int(rank.max(initial=0)) + 1
    vectors, strength, first_row = np.zeros((n, most, 3)), np.zeros((n, most)), np.zeros((n, most), dtype=bool)
    a, b = i[bonds], j[bonds]
    vectors[a, rank] = vector[bonds]
    strength[a, rank] = 1.0 / (1.0 + np.exp((distance[bonds] - 1.25 * (radius[a] + radius[b])) / 0.1))
    first_row[a, rank] = cell.numbers[b] < 10
    return vectors, strength, first_row


def _paths(i: Ints, j: Ints, vector: Floats, ligand: Floats, strength: Floats, first_row: NDArray[np.bool_]) -> Floats:
    """(pairs, N_PATHS) the columns of the module's table."""
    out = np.zeros((len(i), N_PATHS))
    for part in np.array_split(np.arange(len(i)), len(i) // 4096 + 1):  # bounds the memory
        a, b = ligand[i[part]], ligand[j[part]]  # (p, l, 3) from each magnetic site of the pair
        weight = strength[i[part]][:, :, None] * strength[j[part]][:, None, :]
        apart = np.linalg.norm(a[:, :, None] - b[:, None, :] - vector[part][:, None, None], axis=-1)
        lengths = np.linalg.norm(a, axis=-1)[:, :, None] * np.linalg.norm(b, axis=-1)[:, None, :]
        cosine = np.einsum("pkx,plx->pkl", a, b) / np.maximum(lengths, 1e-9)
        bridge = weight * (apart < _SAME_A)
        angle = np.exp(-(((cosine[..., None] - COSINES) / 0.3) ** 2))
        short = first_row[i[part]][:, :, None]
        contact = np.exp(-(((apart[..., None] - CONTACTS_A) / 0.4) ** 2))
        touching = weight * ((apart >= _SAME_A) & (apart < CONTACTS_A[-1] + 1.0))
        out[part] = np.concatenate(
            [
                np.einsum("pkl,pkla->pa", bridge * short, angle),
                np.einsum("pkl,pkla->pa", bridge * ~short, angle),
                np.einsum("pkl,pkla->pa", touching, contact),
            ],
            axis=1,
        )
    return out


@lru_cache(maxsize=128)
def _radius(z: int) -> float:
    from pymatgen.analysis.molecule_structure_comparator import CovalentRadius

    return float(CovalentRadius.radius.get(symbol(z), 1.6))


@lru_cache(maxsize=128)
def _is_ligand(z: int) -> bool:
    element = Element.from_Z(z)
    return z == 1 or (element.block == "p" and not element.is_noble_gas and float(element.X) > 1.85)
