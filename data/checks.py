"""Checks that every crystal passes, whichever source it comes from."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from data.crystal import Crystal, plane_distances
from data.rejection import Reason

MIN_DISTANCE_A = 0.5  # nearer than any bond; such pairs are split positions or typing errors
MAX_SITES = 2000  # in one unit cell
MAX_EDGE_A = 5000.0  # of a cell; longer than that of any known polytype, and symmetry searches hang on millions
MAX_COORDINATE = 1000.0  # cells from the origin; far more and the digits behind the point are lost
_ROWS_AT_ONCE = 256  # these two bound the memory of the distance check
_MAX_PAIRS = 4_000_000


class Unsound(Exception):
    """What was read is no usable crystal."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def check_crystal(crystal: Crystal) -> None:
    """The size of the cell and of its edges, the range of coordinates, and the distance of every atom to the others.

    `Crystal` itself has made sure of finite numbers, a cell with volume, and elements up to lawrencium.

    Raises:
        Unsound: with the reason of the first check that fails.
    """
    check_cell(crystal)
    check_distances(crystal)


def check_cell(crystal: Crystal) -> None:
    """Sites, edges and coordinates within the limits. Raises Unsound."""
    if crystal.n_sites > MAX_SITES:
        raise Unsound(Reason.TOO_LARGE, f"{crystal.n_sites} sites in the cell; the limit is {MAX_SITES}")
    longest = float(np.linalg.norm(crystal.lattice, axis=1).max())
    if longest > MAX_EDGE_A:
        raise Unsound(Reason.NO_CELL, f"a cell edge of {longest:.4g} Å; the limit is {MAX_EDGE_A:g}")
    farthest = float(np.abs(crystal.frac).max())
    if farthest > MAX_COORDINATE:
        raise Unsound(Reason.BAD_COORDINATES, f"a fractional coordinate is {farthest:.4g}; the limit is {MAX_COORDINATE:g}")


def check_distances(
    crystal: Crystal, places: NDArray[np.float64] | None = None, name: Callable[[int], str] | None = None
) -> None:
    """No atom within 0.5 Å of another: the same position given twice, or a split site.

    Args:
        crystal: the whole cell.
        places: (n, 3) fractional coordinates of the atoms to check, one of each orbit; None checks every atom.
        name: of one of these places, by its index, for the message; None: its number.

    Raises:
        Unsound: OVERLAPPING_SITES, or NO_CELL where the cell is too flat for its neighbours to be counted.
    """
    places = crystal.frac if places is None else places
    planes = plane_distances(crystal.lattice)
    for first in range(0, len(places), _ROWS_AT_ONCE):
        squared = _squared_distances(crystal, places[first : first + _ROWS_AT_ONCE], planes)
        close = squared < MIN_DISTANCE_A**2
        if np.count_nonzero(close) > len(squared):  # each is close to itself
            row = int(np.argmax(close.sum(axis=1)))
            distance = float(np.sqrt(np.partition(squared[row], 1)[1]))
            site = str(first + row + 1) if name is None else repr(name(first + row))
            raise Unsound(Reason.OVERLAPPING_SITES, f"site {site} has another atom at {distance:.3f} Å")


def _squared_distances(crystal: Crystal, places: NDArray[np.float64], planes: Sequence[float]) -> NDArray[np.float64]:
    """(places, atoms) squared distances in Å² from each place to the atoms, right wherever they are below 0.5 Å.

    A difference vector that short has fractional components below one half as long as lattice planes are more than 1 Å
    apart, and rounding then finds the nearest image; very oblique cells try the neighbouring images too.

    Args:
        planes: distances of the three families of lattice planes, Å.
    """
    difference = places[:, None, :] - crystal.frac
    difference -= np.rint(difference)
    if MIN_DISTANCE_A / min(planes) >= 0.5:  # oblique cells only
        reach = np.floor(MIN_DISTANCE_A / np.array(planes) + 0.5).astype(int)
        if np.prod(2 * reach + 1) * crystal.n_sites * len(places) > _MAX_PAIRS:
            raise Unsound(Reason.NO_CELL, f"lattice planes only {min(planes):.3g} Å apart")
        steps = np.stack(np.meshgrid(*(np.arange(-r, r + 1) for r in reach), indexing="ij"), axis=-1).reshape(-1, 3)
        difference = (difference[:, :, None, :] + steps).reshape(len(places), -1, 3)
    apart = difference.reshape(-1, 3) @ crystal.lattice  # one product of matrices, not one a place
    squared: NDArray[np.float64] = np.einsum("pi,pi->p", apart, apart)
    return squared.reshape(len(places), -1)
