"""The textbook's collinear orderings of a crystal, from its own symmetry: what an export offers where all orders are too many.

* **Sublattice flips.** All sites of one element, or of one orbit, against the rest: ferrimagnets of the unchanged cell.
* **q = 0.** Sites of one orbit, up and down. The signs are a homomorphism χ of the crystal's point group onto {+1, -1} (a
  one-dimensional real representation): site g·r gets χ(g). So up and down sites are equivalent, and the cell stays.
* **Doubled cells.** Every site of the cell R gets the sign (-1)^(2 q·R), with q one of the points (½ 0 0) ... (½ ½ ½) of the
  primitive reciprocal cell; one q of each class under the point group. For one magnetic site in a primitive cubic cell these are
  the types A, C and G of Wollan and Koehler (Phys. Rev. 100, 545, 1955), for a face-centred one the types I and II.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.crystal import symbol
from data.symmetry import SymmetricCell
from pipeline.magnetism.sign_irreps import sign_characters, site_images

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Wave = tuple[int, int, int]

UNCHANGED: Wave = (0, 0, 0)
NEAR = 1.15  # magnetic neighbours up to this multiple of a site's nearest one count as nearest


@dataclass(frozen=True, eq=False)
class Family:
    """An ordering that repeats with the primitive cell or with two of them."""

    name: str  # fim-Gd, fim-orbit2, afm-gamma1, fim-gamma2, afm-q110; an afm compensates by symmetry
    signs: Floats  # (n,) +-1, of the sites of the primitive cell
    wave: Wave  # twice its wave vector


def families(cell: SymmetricCell, sizes: Floats) -> list[Family]:
    """Those that differ from the ferromagnet and from each other by more than turning all moments round; the unchanged cell
    first.

    Args:
        sizes: (n,) µB, 0 on sites that carry no moment.
    """
    unchanged = _distinct([*_flips(cell, sizes), *_zone_centre(cell, sizes > 0)], sizes > 0)
    doubled = [Family(f"afm-q{''.join(map(str, q))}", np.ones(len(sizes)), q) for q in _classes(cell)]
    return [*unchanged, *doubled]


@dataclass(frozen=True, eq=False)
class NearestPairs:
    """The nearest magnetic neighbours of each magnetic site of a cell, as pairs."""

    first: Ints  # (p,) site of the cell
    second: Ints  # (p,)
    image: Ints  # (p, 3) the lattice vector of the second site's cell

    @classmethod
    def of(cls, cell: SymmetricCell, magnetic: NDArray[np.bool_]) -> NearestPairs:
        """Neighbours up to NEAR times a site's nearest one.

        Args:
            magnetic: (n,) which sites carry moments.
        """
        from pymatgen.core import Lattice, Structure

        sites = np.flatnonzero(magnetic)
        structure = Structure(Lattice(cell.lattice), cell.numbers[sites].tolist(), cell.frac[sites])
        radius = 1.2 * (structure.volume / len(structure)) ** (1 / 3)
        while True:
            first, second, image, distance = structure.get_neighbor_list(radius)
            nearest = np.full(len(structure), np.inf)
            np.minimum.at(nearest, first, distance)
            if NEAR * nearest.max() <= radius:
                break
            radius *= 1.5
        near = distance <= NEAR * nearest[first] + 1e-6
        return cls(sites[first[near]], sites[second[near]], np.rint(image[near]).astype(np.int64))

    def antiparallel(self, family: Family) -> float:
        """The share of them that an ordering makes antiparallel, 0..1."""
        turned = family.signs[self.first] * family.signs[self.second] * (1 - 2 * (self.image @ family.wave % 2))
        return float((turned < 0).mean())


def _flips(cell: SymmetricCell, sizes: Floats) -> Iterator[Family]:
    """All sites of one element or of one orbit turned, the smaller sums of moments first."""
    elements = sorted(set(cell.numbers[sizes > 0].tolist()), key=lambda z: sizes[cell.numbers == z].sum())
    orbits = sorted(set(cell.orbit[sizes > 0].tolist()), key=lambda k: sizes[cell.orbit == k].sum())
    yield from (Family(f"fim-{symbol(z)}", np.where(cell.numbers == z, -1.0, 1.0), UNCHANGED) for z in elements)
    yield from (Family(f"fim-orbit{k + 1}", np.where(cell.orbit == k, -1.0, 1.0), UNCHANGED) for k in orbits)


def _zone_centre(cell: SymmetricCell, magnetic: NDArray[np.bool_]) -> Iterator[Family]:
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
        yield Family(f"{kind}-gamma{k}", signs, UNCHANGED)


def _distinct(found: list[Family], magnetic: NDArray[np.bool_]) -> Iterator[Family]:
    seen = {(1.0,) * int(magnetic.sum())}
    for family in found:
        pattern = tuple((family.signs[magnetic] * family.signs[magnetic][0]).tolist())
        if pattern not in seen:
            seen.add(pattern)
            yield family


def _classes(cell: SymmetricCell) -> list[Wave]:
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
