"""Whether the lengths of a cell can be in Å: in Bohr radii or other units, all atoms are too far apart to be bonded."""

from __future__ import annotations

from functools import lru_cache

import gemmi
import numpy as np
from numpy.typing import NDArray

from data.checks import MIN_DISTANCE_A
from data.crystal import cell_volume

# Of the sums of covalent radii. Of 12,345 crystals of the Materials Project, all but four (Ne, atoms of H and of Br, one metal
# that was calculated far too large) have atoms within 1.25; crystals in Bohr radii have 1.6 to 2.2.
FARTHEST = 1.6
_NOBLE_GASES = frozenset((2, 10, 18, 36, 54, 86))  # whose atoms are not bonded
_STEPS = np.stack(np.meshgrid(*3 * [[-1.0, 0.0, 1.0]], indexing="ij"), axis=-1).reshape(-1, 3)


def lengths_note(
    lattice: NDArray[np.float64], frac: NDArray[np.float64], numbers: NDArray[np.int64], sizes: NDArray[np.int64]
) -> str:
    """That no two atoms are near enough to be bonded, in words; empty for nearly all crystals.

    Args:
        lattice: (3, 3), Å, one lattice vector a row.
        frac: (N, 3) fractional coordinates of the atoms of the cell, those of one orbit together.
        numbers: (N,) their atomic numbers.
        sizes: (n,) atoms of each orbit.
    """
    radii = _radii()[numbers]
    starts = (np.cumsum(sizes) - sizes).tolist()  # one atom of each orbit
    shared = len({tuple(place) for place in np.round(frac[starts], 4).tolist()}) < len(starts)
    # spheres of these radii must overlap; those of several elements on one position do so anyway
    if not shared and 4.0 / 3.0 * np.pi * ((FARTHEST * radii) ** 3).sum() > cell_volume(lattice):
        return ""
    if set(numbers.tolist()) <= _NOBLE_GASES:
        return ""
    nearest, distance = np.inf, np.inf
    for k in starts:
        apart = frac - frac[k]
        apart -= np.rint(apart)
        apart_A = np.linalg.norm((apart[:, None] + _STEPS) @ lattice, axis=-1)
        apart_A[apart_A < MIN_DISTANCE_A] = np.inf  # itself, and what shares its place
        ratios = apart_A / (radii + radii[k])[:, None]
        if ratios.min() < nearest:
            nearest, distance = float(ratios.min()), float(apart_A.flat[ratios.argmin()])
        if nearest <= FARTHEST:
            return ""
    within = f"{nearest:.1f} times the sum of their covalent radii ({distance:.2f} Å)"
    return f"no atoms are bonded: the nearest are {within} apart. Are the lengths in Å?"


@lru_cache(maxsize=1)
def _radii() -> NDArray[np.float64]:
    """Covalent radii in Å by atomic number (Cordero et al., Dalton Trans. 2008, 2832)."""
    return np.array([gemmi.Element(z).covalent_r for z in range(119)])
