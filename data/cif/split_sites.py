"""Partly occupied sites beside a special position: one atom that is split over several images."""

from __future__ import annotations

import gemmi
import numpy as np
from numpy.typing import NDArray

from data.checks import Unsound
from data.cif.disorder import FULL_OCCUPANCY, MOST_FILLED, SAME_PLACE_A
from data.cif.site_composition import composition_of, fits
from data.cif.special_positions import Orbits
from data.cif.stated_composition import formula_readings, stated_formula
from data.rejection import Reason

ROUNDING_A = 0.02  # Å; a site that is nearer to its special position than this is on it: rounding, or noise of a relaxation
FARTHEST_A = 0.25  # Å; an atom that is further from its special position than this is at another place, or split
_MOST_DIGITS = 6  # behind the point of a coordinate


def check_moves(small: gemmi.SmallStructure, orbits: Orbits, lattice: NDArray[np.float64]) -> None:
    """Only an atom that is on one of several images can stand far from its special position.

    Args:
        small: the listed sites, with their occupancies as listed.
        orbits: of these sites.
        lattice: (3, 3), Å, one lattice vector a row.

    Raises:
        Unsound: OVERLAPPING_SITES where the images of a site that was moved far would fill its place more than once.
    """
    for site in crowded(np.array([site.occ for site in small.sites]), orbits, lattice):
        by = float(orbits.moved[site])  # type: ignore[index]  # where nothing was moved nothing is crowded
        raise Unsound(
            Reason.OVERLAPPING_SITES,
            f"site {small.sites[site].label!r} is {by:.2f} Å from its special position, too near to its own images for "
            f"its occupancy of {small.sites[site].occ:.3g}",
        )


def crowded(occupancies: NDArray[np.float64], orbits: Orbits, lattice: NDArray[np.float64]) -> list[int]:
    """The sites further than FARTHEST_A from their special positions whose images would fill these more than once.

    Args:
        occupancies: (n,) as listed.
        orbits: of these sites.
        lattice: (3, 3), Å, one lattice vector a row.
    """
    if orbits.moved is None or not (far := orbits.moved > FARTHEST_A).any():
        return []
    filled = _filled(far, occupancies * orbits.merged, orbits, lattice)
    return np.flatnonzero(far)[filled > MOST_FILLED].tolist()  # type: ignore[no-any-return]


def split_occupancies(
    listed: NDArray[np.float64], occupancies: NDArray[np.float64], orbits: Orbits, lattice: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Occupancies of the places that the sites were moved to.

    By the CIF dictionary each image of a site has its occupancy. Where k images, further apart than rounding explains, are merged
    into one place, this place is filled k times as much: 1/6 of Fe at (0.02, 0, 0) of P m -3 m is one Fe at the origin. Where k
    images would fill the place more than once, the file means the place itself, and the occupancy stays.

    Args:
        listed: (n, 3) fractional coordinates as listed.
        occupancies: (n,) as listed.
        orbits: of these sites.
        lattice: (3, 3), Å, one lattice vector a row.
    """
    if orbits.moved is None or (occupancies >= FULL_OCCUPANCY).all():
        return occupancies
    unit = np.linalg.norm(lattice, axis=1).max() * 10.0 ** -_digits(listed)
    split = (occupancies < FULL_OCCUPANCY) & (orbits.moved > np.maximum(ROUNDING_A, unit))
    if not split.any():
        return occupancies
    filled = np.where(split, occupancies * orbits.merged, occupancies)
    found = occupancies.copy()
    found[split] = np.where(_filled(split, filled, orbits, lattice) <= MOST_FILLED, filled[split], occupancies[split])
    return found


def _filled(
    sites: NDArray[np.bool_], occupancies: NDArray[np.float64], orbits: Orbits, lattice: NDArray[np.float64]
) -> NDArray[np.float64]:
    """By how much the places of some sites are filled, by all sites together."""
    apart = orbits.listed[sites, None] - orbits.listed
    apart -= np.rint(apart)
    found: NDArray[np.float64] = (np.linalg.norm(apart @ lattice, axis=-1) < SAME_PLACE_A) @ occupancies
    return found


def share_split_sites(
    block: gemmi.cif.Block, small: gemmi.SmallStructure, orbits: Orbits, listed: NDArray[np.float64], lattice: NDArray[np.float64]
) -> str:
    """Give each split site the occupancy of its place, in place, unless the stated formula says otherwise.

    Returns:
        What was done, in words.
    """
    before = np.array([site.occ for site in small.sites])
    after = split_occupancies(listed, before, orbits, lattice)
    changed = np.flatnonzero(after != before).tolist()
    formulas = formula_readings(stated_formula(block)) if changed else ()
    plain = composition_of(small, orbits.sizes) if formulas else {}
    for k in changed:
        small.sites[k].occ = min(after[k], 1.0)
    summed = composition_of(small, orbits.sizes) if formulas else {}
    if any(fits(plain, stated) for stated in formulas) and not any(fits(summed, stated) for stated in formulas):
        for k in changed:
            small.sites[k].occ = before[k]
        return ""
    words = ", ".join(f"{small.sites[k].label} {before[k]:.3g} × {orbits.merged[k]}" for k in changed[:4])
    return f"split around a special position, occupancies summed: {words}" if changed else ""


def _digits(listed: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) digits behind the point of the coordinates of each site, those of its most precise one."""
    found = np.full(len(listed), float(_MOST_DIGITS))
    for digits in reversed(range(_MOST_DIGITS)):
        scaled = listed * 10.0**digits
        found[(np.abs(scaled - np.rint(scaled)) < 1e-6 * 10.0**digits).all(axis=1)] = digits
    return found
