"""Layers without atoms: slabs, molecules in a box, and layered crystals that a calculation pulled apart are no bulk."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from data.crystal import plane_distances

WIDEST_A = 9.0  # Å between the planes of two neighbouring atoms; bulk crystals, layered ones too, have less


def vacuum_note(lattice: NDArray[np.float64], frac: NDArray[np.float64]) -> str:
    """`a layer of 15 Å without atoms: a slab? µ0·Ms counts it as volume`; empty for bulk crystals.

    Args:
        lattice: (3, 3), Å, one lattice vector a row.
        frac: (n, 3) fractional coordinates.
    """
    planes = plane_distances(lattice)
    if max(planes) <= WIDEST_A:
        return ""
    places = np.sort(frac % 1.0, axis=0)
    gaps = np.diff(places, axis=0, append=places[:1] + 1.0).max(axis=0) * planes
    widest = float(gaps.max())
    return f"a layer of {widest:.0f} Å without atoms: a slab? µ0·Ms counts it as volume" if widest > WIDEST_A else ""
