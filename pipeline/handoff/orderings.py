"""Collinear magnetic orderings that compete with ferromagnetism, from the crystal's own symmetry.

Three families, all of them collinear:

* **Sublattice flips.** All sites of one element, or of one orbit, against the rest: ferrimagnets of the unchanged cell.
* **q = 0.** Sites of one orbit, up and down. The signs are a homomorphism χ of the crystal's point group onto {+1, -1} (a
  one-dimensional real representation): site g·r gets χ(g). So up and down sites are equivalent, and the cell stays.
* **Doubled cells.** Every site of the cell R gets the sign (-1)^(2 q·R), with q one of the points (½ 0 0) ... (½ ½ ½) of the
  primitive reciprocal cell; one q of each class under the point group. For one magnetic site in a primitive cubic cell these are
  the types A, C and G of Wollan and Koehler (Phys. Rev. 100, 545, 1955), for a face-centred one the types I and II.

pymatgen's MagneticStructureEnumerator finds these and more, but needs the enumlib program, which pip cannot install.
Orderings with longer periods, canted or spiral ones are not among them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from data.crystal import symbol
from data.symmetry import SymmetricCell
from pipeline.handoff.characters import sign_characters, site_images
from pipeline.handoff.moments import start_moments

if TYPE_CHECKING:
    from pymatgen.core import Structure

MAX_ORDERINGS = 6  # the ferromagnet among them: each costs a calculation
MAX_SITES = 160  # a doubled cell with more is left out
NEAR = 1.15  # magnetic neighbours up to this multiple of a site's nearest one count as nearest

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ordering:
    """A crystal with a moment on each site."""

    name: str  # fit for a folder: fm, fim-Gd, fim-orbit2, afm-gamma1, afm-q110; an afm compensates by symmetry
    structure: Structure  # with the site property `magmom` in µB

    @property
    def moments(self) -> Floats:
        """(n,) µB."""
        return np.array([float(m) for m in self.structure.site_properties["magmom"]])

    @property
    def total(self) -> float:
        """µB per cell, as the calculation starts."""
        return float(self.moments.sum())


def orderings(cell: SymmetricCell) -> list[Ordering]:
    """The ferromagnet, then up to MAX_ORDERINGS - 1 competitors: in turn one of the same cell and one of a doubled cell, of each
    kind those with most antiparallel nearest neighbours first."""
    sizes = start_moments(cell.numbers)
    ferromagnet = _ordering("fm", cell, sizes)
    patterns = _distinct([*_flips(cell, sizes), *_zone_centre(cell, sizes > 0)], sizes > 0)
    same = [_ordering(name, cell, signs * sizes) for name, signs in patterns]
    doubled = [_doubled(ferromagnet, q) for q in _classes(cell)] if 2 * len(sizes) <= MAX_SITES else []
    for found in (same, doubled):
        found.sort(key=lambda ordering: -antiparallel(ordering.structure))  # stable: equal ones stay in the order they were made
    in_turn = [ordering for pair in zip_longest(same, doubled) for ordering in pair if ordering is not None]
    return [ferromagnet, *in_turn[: MAX_ORDERINGS - 1]]


def antiparallel(structure: Structure) -> float:
    """The share of antiparallel pairs among nearest magnetic neighbours, 0..1."""
    magnetic = structure.copy()
    magnetic.remove_sites([k for k, site in enumerate(structure) if site.properties["magmom"] == 0.0])
    moments = np.array(magnetic.site_properties["magmom"], dtype=float)
    radius = 1.2 * (magnetic.volume / len(magnetic)) ** (1 / 3)
    while True:
        first, second, _, distance = magnetic.get_neighbor_list(radius)
        nearest = np.full(len(magnetic), np.inf)
        np.minimum.at(nearest, first, distance)
        if NEAR * nearest.max() <= radius:
            break
        radius *= 1.5
    near = distance <= NEAR * nearest[first] + 1e-6
    return float((moments[first] * moments[second] < 0)[near].mean())


def _ordering(name: str, cell: SymmetricCell, moments: Floats) -> Ordering:
    from pymatgen.core import Lattice, Structure

    properties = {"magmom": [float(m) for m in moments]}
    return Ordering(name, Structure(Lattice(cell.lattice), cell.numbers.tolist(), cell.frac, site_properties=properties))


def _flips(cell: SymmetricCell, sizes: Floats) -> Iterator[tuple[str, Floats]]:
    """Signs with all sites of one element or of one orbit turned, the smaller sums of moments first."""
    elements = sorted(set(cell.numbers[sizes > 0].tolist()), key=lambda z: sizes[cell.numbers == z].sum())
    orbits = sorted(set(cell.orbit[sizes > 0].tolist()), key=lambda k: sizes[cell.orbit == k].sum())
    yield from ((f"fim-{symbol(z)}", np.where(cell.numbers == z, -1.0, 1.0)) for z in elements)
    yield from ((f"fim-orbit{k + 1}", np.where(cell.orbit == k, -1.0, 1.0)) for k in orbits)


def _zone_centre(cell: SymmetricCell, magnetic: NDArray[np.bool_]) -> Iterator[tuple[str, Floats]]:
    """Signs of each character; an orbit that it cannot split stays up, and then the moments do not compensate."""
    images = site_images(cell)
    for k, character in enumerate(sign_characters(cell.operations()[0]), start=1):
        signs, kind = np.ones(len(cell.numbers)), "afm"
        for representative in cell.representatives[magnetic[cell.representatives]]:
            by_site: dict[int, set[int]] = {}
            for site, sign in zip(images[:, representative].tolist(), character.tolist(), strict=True):
                by_site.setdefault(site, set()).add(sign)
            if any(len(found) > 1 for found in by_site.values()):
                kind = "fim"
                continue
            for site, found in by_site.items():
                signs[site] = found.pop()
        yield f"{kind}-gamma{k}", signs


def _distinct(named: list[tuple[str, Floats]], magnetic: NDArray[np.bool_]) -> Iterator[tuple[str, Floats]]:
    """Patterns that differ from the ferromagnet and from each other by more than turning all moments round."""
    seen = {(1.0,) * int(magnetic.sum())}
    for name, signs in named:
        pattern = tuple((signs[magnetic] * signs[magnetic][0]).tolist())
        if pattern not in seen:
            seen.add(pattern)
            yield name, signs


def _classes(cell: SymmetricCell) -> list[tuple[int, int, int]]:
    """2q of one wave vector of each class under the point group, (1 0 0) ... (1 1 1)."""
    rotations, _ = cell.operations()
    left = {(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, 0, 1), (0, 1, 1), (1, 1, 1)}
    chosen = []
    while left:
        q = min(left, key=lambda v: (sum(v), -v[0], -v[1]))
        chosen.append(q)
        for rotation in rotations:
            h, k, m = (np.array(q) @ rotation % 2).tolist()
            left.discard((h, k, m))
    return chosen


def _doubled(ferromagnet: Ordering, q: tuple[int, int, int]) -> Ordering:
    """The ferromagnetic cell and its neighbour with all moments turned; `q` is twice the wave vector."""
    from pymatgen.core import Lattice, Structure

    k = q.index(1)
    basis = np.eye(3, dtype=int)
    for j in range(3):
        if j != k and q[j]:
            basis[j, k] = 1
    basis[k, k] = 2  # now q·R is even for all lattice vectors of the basis, and its determinant is 2
    crystal = ferromagnet.structure
    frac = np.concatenate([crystal.frac_coords, crystal.frac_coords + np.eye(3)[k]]) @ np.linalg.inv(basis)
    moments = np.concatenate([ferromagnet.moments, -ferromagnet.moments]).tolist()
    lattice, species = Lattice(basis @ crystal.lattice.matrix), [*crystal.species, *crystal.species]
    whole = Structure(lattice, species, frac, to_unit_cell=True, site_properties={"magmom": moments})
    compact = whole.get_reduced_structure("niggli")  # a compact cell has a compact mesh of k-points
    return replace(ferromagnet, name=f"afm-q{''.join(map(str, q))}", structure=compact)
