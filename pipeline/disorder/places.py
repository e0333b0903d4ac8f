"""The places of a supercell that an approximant decides on: how near they are, and which cannot both be occupied."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from data.disordered import is_ordered
from pipeline.disorder.averaged_cell import AveragedCell
from pipeline.disorder.supercells import cells_of, short_edges

TOO_NEAR = 0.75  # of the sum of covalent radii; every bond of the tables is longer than 0.8 of it
TOGETHER = 1.02  # two places whose occupancies sum to more must both be occupied somewhere
_NEAREST_A = 0.1  # Å; nearer places are as bad as these
_LARGE_A = 12.0  # Å; in a cell whose lattice planes are as far apart, only the nearest images count
_TIE = 1e-6  # halves of an edge, and planes at the limit, count alike whatever their rounding errors
_IMAGES = np.array(list(product((-1, 0, 1), repeat=3)))
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Places:
    """A supercell's places; those that one species does not fill come in the order of `open`."""

    lattice: Floats  # (3, 3), Å, rows
    frac: Floats  # (n, 3)
    orbit: NDArray[np.int64]  # (n,)
    open: NDArray[np.int64]  # (m,) indices of the places that are shared or partly vacant
    excludes: Floats  # (m, m) above 0 for open places that cannot both be occupied, and larger the nearer they are
    near: Floats  # (2, m, m) weights of pairs of open places: distance to the powers -12 and -6; 0 where they exclude each other


def supercell_places(cell: AveragedCell, supercell: NDArray[np.int64]) -> Places:
    """The places of a supercell, in its cell of the shortest edges.

    Args:
        cell: the primitive cell.
        supercell: (3, 3) a Hermite normal form, rows in units of the primitive lattice vectors.
    """
    shifts = cells_of(supercell)
    edges = short_edges(cell.lattice, supercell)
    frac = (cell.frac[:, None] + shifts).reshape(-1, 3) @ np.linalg.inv(edges)
    orbit = np.repeat(cell.orbit, len(shifts))
    lattice = edges @ cell.lattice
    filled = np.array([is_ordered(o) for o in cell.occupants])
    places = np.flatnonzero(~filled[orbit])
    excludes, near = _pairs(lattice, frac[places], orbit[places], cell)
    return Places(lattice, frac % 1.0 % 1.0, orbit, places, excludes, near)


def _pairs(lattice: Floats, frac: Floats, orbit: NDArray[np.int64], cell: AveragedCell) -> tuple[Floats, Floats]:
    apart = frac[:, None] - frac
    apart -= np.rint(apart - _TIE)
    planes = 1.0 / np.linalg.norm(np.linalg.inv(lattice), axis=0)
    images = _IMAGES if planes.min() < _LARGE_A - _TIE else np.zeros((1, 3))
    vectors = (apart[:, :, None, :] + images) @ lattice
    distance2 = np.einsum("abti,abti->abt", vectors, vectors)
    itself = np.eye(len(frac), dtype=bool)
    distance2[itself, len(images) // 2] = np.inf
    shortest = np.sqrt(distance2.min(axis=2))
    radius = np.array([min(_radius(s.number) for s in o) for o in cell.occupants])[orbit]
    occupancy = np.array([sum(s.occupancy for s in o) for o in cell.occupants])[orbit]
    limit = TOO_NEAR * (radius[:, None] + radius)
    excluded = (shortest < limit) & (occupancy[:, None] + occupancy <= TOGETHER) & ~itself
    excludes = np.where(excluded, (limit / np.maximum(shortest, _NEAREST_A)) ** 4, 0.0)
    reach = np.where(excluded | itself, np.inf, shortest).min(initial=np.inf)
    reach = reach if np.isfinite(reach) else 1.0
    scaled = np.maximum(distance2 / reach**2, 1.0)
    near = np.stack([(scaled**-6).sum(axis=2), (scaled**-3).sum(axis=2)])
    near[:, excluded] = 0.0
    return excludes, near


def _radius(z: int) -> float:
    from ase.data import covalent_radii

    return float(covalent_radii[z])
