"""A fast test whether two standardised cells are equal after one shift of the origin.

Most descriptions of one crystal have the same standardised primitive cell up to the origin. This test takes a twentieth of the
time of StructureMatcher. A negative answer proves nothing, because the standard cell of a crystal is not unique.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from data.crystal import cell_volume
from data.symmetry import SymmetricCell

# A fifth of the tolerances of pipeline.dedup.matching, so that cells which agree here agree there
LENGTHS, SITES, COSINES = 0.02, 0.02, 0.01


def superposed(one: SymmetricCell, other: SymmetricCell) -> bool:
    """Whether the cells, scaled to the same volume, agree axis by axis and site by site after a shift of the origin."""
    if not np.array_equal(np.sort(one.numbers), np.sort(other.numbers)):
        return False
    size = (cell_volume(one.lattice) / cell_volume(other.lattice)) ** (1 / 3)
    lengths = [np.linalg.norm(cell.lattice, axis=1) for cell in (one, other)]
    if np.abs(lengths[0] / lengths[1] / size - 1).max() > LENGTHS:
        return False
    if np.abs(_cosines(one, lengths[0]) - _cosines(other, lengths[1])).max() > COSINES:
        return False
    elements, counts = np.unique(one.numbers, return_counts=True)
    rarest = elements[counts.argmin()]
    start = one.frac[one.numbers == rarest][0]
    within = SITES * (cell_volume(one.lattice) / len(one.numbers)) ** (1 / 3)
    places = other.frac[other.numbers == rarest]
    if np.array_equal(one.numbers, other.numbers):  # mostly the sites stand in one order, partner by partner
        apart = one.frac + (places[0] - start) - other.frac
        apart -= np.round(apart)
        if np.linalg.norm(apart @ one.lattice, axis=1).max() <= within:
            return True
    alien = one.numbers[:, None] != other.numbers[None, :]
    for place in places:
        apart = (one.frac + (place - start))[:, None] - other.frac[None]
        apart -= np.round(apart)
        distance = np.linalg.norm(apart @ one.lattice, axis=-1)
        distance[alien] = np.inf
        if distance.min(axis=1).max() <= within and len(set(distance.argmin(axis=1).tolist())) == len(distance):
            return True
    return False


def _cosines(cell: SymmetricCell, lengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3,) cosines of the angles between the axes."""
    unit = cell.lattice / lengths[:, None]
    cosines: NDArray[np.float64] = np.einsum("ij,ij->i", unit, np.roll(unit, 1, axis=0))
    return cosines
