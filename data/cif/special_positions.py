"""Fill the unit cell: every site's orbit, with sites near a special position moved onto it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from data.cif.operations import SymmetryGroup

MERGE_A = 0.4  # Å; images of one atom nearer than this are one atom on a special position (gemmi's limit, too)
_ON_IT_A = 1e-6  # Å; closer than that a site is on its special position
_SAME_A = 1e-3  # Å; two images of a site that was moved onto its special position are apart or the same
_ROUNDS = 8


class SplitSiteError(ValueError):
    """A site nearer to its own images than atoms can be, and near no special position that would explain it."""

    def __init__(self, site: int, distance: float) -> None:
        super().__init__(f"{distance:.3f} Å from its own image, on no special position")
        self.site = site


class Orbits:
    """The atoms that a group makes of the listed sites.

    Attributes:
        listed: (n, 3) fractional coordinates of the listed sites, moved onto their special positions.
        frac: (N, 3) all atoms of the cell, those of one listed site together, its own position first.
        sizes: (n,) atoms of each listed site in the cell.
        moved: (n,) distance in Å by which each site was moved; None where none was.
        merged: (n,) images of each listed position that became one atom by this move; 1 for a site that was not moved.

    Raises:
        SplitSiteError
    """

    def __init__(self, group: SymmetryGroup, listed: NDArray[np.float64], lattice: NDArray[np.float64]) -> None:
        n, m = len(listed), len(group)
        self.listed, self.frac = listed, listed
        self.moved: NDArray[np.float64] | None = None
        self.merged = np.ones(n, dtype=np.int64)
        if m == 1:
            self.sizes = np.ones(n, dtype=np.int64)
            return
        images = _images(group, listed)
        shift, squared = _to_images(images, listed, lattice)
        near = squared < MERGE_A**2
        special = [site for site, count in enumerate(near.sum(axis=1).tolist()) if count > 1]
        if not special:
            self.frac, self.sizes = images.reshape(-1, 3), np.full(n, m)
            return
        off = (near & (squared > _ON_IT_A**2)).any(axis=1)
        if off.any():
            self._move(group, lattice, np.flatnonzero(off), images, shift, near)
        kept = np.ones((n, m), dtype=bool)
        for site in special:
            kept[site] = _first_of_each(group, near[site].tobytes(), images[site], lattice)
        self.frac = images[kept]
        self.sizes = kept.sum(axis=1)

    def _move(self, group: SymmetryGroup, lattice: NDArray[np.float64], sites: NDArray[np.int64],
              images: NDArray[np.float64], shift: NDArray[np.float64], near: NDArray[np.bool_]) -> None:  # fmt: skip
        """Move sites onto their special positions; images and near are brought up to date in place."""
        self.listed = self.listed.copy()
        fixed = (_to_images(images[sites], self.listed[sites], lattice)[1] < _ON_IT_A**2).sum(axis=1)
        weights = near[sites] / near[sites].sum(axis=1)[:, None]
        places = self.listed[sites] + np.einsum("nmi,nm->ni", shift[sites], weights)
        _, squared = _to_images(_images(group, places), places, lattice)
        there = ((squared < _ON_IT_A**2) == near[sites]).all(axis=1) & ((squared < MERGE_A**2) == near[sites]).all(axis=1)
        for k, site in enumerate(sites.tolist()):
            if not there[k]:
                places[k], near[site] = _projected(group, places[k], lattice, site)
        self.moved = np.zeros(len(self.listed))
        self.moved[sites] = np.linalg.norm((places - self.listed[sites]) @ lattice, axis=1)
        self.merged[sites] = near[sites].sum(axis=1) // fixed
        self.listed[sites] = places
        images[sites] = _images(group, places)


def _to_images(
    images: NDArray[np.float64], places: NDArray[np.float64], lattice: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n, m, 3) fractional shift from each place to the nearest copy of each of its images, and (n, m) its square in Å²."""
    shift = images - places[:, None]
    shift -= np.rint(shift)
    apart = shift.reshape(-1, 3) @ lattice
    return shift, np.einsum("pi,pi->p", apart, apart).reshape(shift.shape[:2])


def _images(group: SymmetryGroup, places: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, m, 3) each operation applied to each place."""
    turned = places @ group.rotations.reshape(-1, 3).T
    images: NDArray[np.float64] = turned.reshape(len(places), -1, 3) + group.translations
    return images


def _projected(
    group: SymmetryGroup, place: NDArray[np.float64], lattice: NDArray[np.float64], site: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The special position next to a place, and which operations leave it where it is.

    The images that are near need not be all that meet there: of six on a ring, the neighbours are, and the others become near as
    the place moves inwards.
    """
    distance = 0.0
    for _ in range(_ROUNDS):
        shifts, squared = _to_images(_images(group, place[None]), place[None], lattice)
        near = squared[0] < MERGE_A**2
        distance = float(np.sqrt(squared[0][near].max()))
        if distance < _ON_IT_A:
            return place, near
        place = place + shifts[0][near].mean(axis=0)
    raise SplitSiteError(site, distance)


def _first_of_each(
    group: SymmetryGroup, stabiliser: bytes, images: NDArray[np.float64], lattice: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """(m,) the first operation that makes each atom of an orbit; it depends on the group and the stabiliser only."""
    known = group.orbit_masks.get(stabiliser)
    if known is not None:
        return known
    kept = np.ones(len(images), dtype=bool)
    for k in range(1, len(images)):
        shift = images[:k][kept[:k]] - images[k]
        shift -= np.rint(shift)
        kept[k] = (np.linalg.norm(shift @ lattice, axis=1) > _SAME_A).all()
    if group.whole_numbers:
        group.orbit_masks[stabiliser] = kept
    return kept
