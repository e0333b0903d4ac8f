"""The primitive cell of a disordered crystal, with its symmetry as far as the average has any."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import moyopy
import numpy as np
from numpy.typing import NDArray

from data.crystal import cell_volume
from data.disordered import DIGITS, DisorderedCrystal, Occupants
from data.symmetry import SYMPREC_A, SymmetricCell

_SHIFTS = np.array(list(product((-1, 0, 1), repeat=3)))
_VOLUME_WITHIN = 1e-3  # relative


@dataclass(frozen=True, eq=False)
class AveragedCell:
    """The primitive cell in the orientation of the source, its places in an order that the source's order does not change."""

    lattice: NDArray[np.float64]  # (3, 3), Å, rows
    frac: NDArray[np.float64]  # (n, 3), in [0, 1)
    orbit: NDArray[np.int64]  # (n,) places that are equivalent on average
    occupants: tuple[Occupants, ...]  # of each orbit
    symmetric: SymmetricCell  # the same in the standard setting; each place has the number of its most frequent species
    fingerprint: str  # space group, and occupants and multiplicity of each orbit


def averaged_cell(crystal: DisorderedCrystal, symprec_A: float = SYMPREC_A) -> AveragedCell:
    """Find the symmetry of a crystal in which equal occupants count as one element.

    Args:
        crystal: the crystal.
        symprec_A: tolerance of the symmetry search, Å.
    """
    classes, label = _classes(crystal)
    try:
        cell = moyopy.Cell(crystal.lattice.tolist(), crystal.frac.tolist(), (label + 1).tolist())
        found = moyopy.MoyoDataset(cell, symprec=symprec_A)
    except Exception:  # moyopy raises its own error types where a cell is too distorted for the tolerance
        return _without_symmetry(crystal, classes, label)
    rotations, shifts = np.array(found.operations.rotations), np.array(found.operations.translations)
    translations = shifts[(rotations == np.eye(3)).all(axis=(1, 2))]
    lattice = _primitive(crystal.lattice, translations)
    orbits = np.array(found.orbits)
    if lattice is None:
        lattice, first = crystal.lattice, np.arange(crystal.n_sites)
    else:
        first = _first_copies(crystal, lattice, symprec_A)
        if len(first) * len(translations) != crystal.n_sites:
            lattice, first = crystal.lattice, np.arange(crystal.n_sites)
    frac = (crystal.frac[first] @ crystal.lattice @ np.linalg.inv(lattice)) % 1.0 % 1.0
    primitive = found.prim_std_cell
    standard = np.array(primitive.numbers, dtype=np.int64) - 1
    orbit = np.full(len(standard), -1, dtype=np.int64)
    orbit[np.array(found.mapping_std_prim)] = orbits
    main = np.array([max(o, key=lambda s: (s.occupancy, -s.number)).number for o in classes])
    symmetric = SymmetricCell(
        np.array(primitive.basis), np.array(primitive.positions) % 1.0 % 1.0, main[standard],
        np.unique(orbit, return_inverse=True)[1], int(found.number), True, int(found.hall_number),
    )  # fmt: skip
    return _sorted(crystal, lattice, frac, label[first], orbits[first], classes, symmetric)


def _classes(crystal: DisorderedCrystal) -> tuple[list[Occupants], NDArray[np.int64]]:
    """Distinct sets of occupants in a fixed order, and (n,) which of them each place has."""
    keys = [tuple((s.number, round(s.occupancy, DIGITS)) for s in occupants) for occupants in crystal.kinds]
    ordered = sorted(set(keys))
    first = [crystal.kinds[keys.index(key)] for key in ordered]
    places = {key: k for k, key in enumerate(ordered)}
    return first, np.array([places[key] for key in keys], dtype=np.int64)[crystal.kind]


def _primitive(lattice: NDArray[np.float64], translations: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The shortest basis of the lattice with these translations (k, 3) added; None where there is nothing to reduce."""
    if len(translations) < 2:
        return None
    vectors = ((translations - np.rint(translations))[:, None] + _SHIFTS).reshape(-1, 3) @ lattice
    lengths = np.round(np.linalg.norm(vectors, axis=1), 5)
    backwards = np.round(vectors, 5)
    order = [k for k in np.lexsort((*-backwards.T[::-1], lengths)) if lengths[k] > 0]
    basis: list[NDArray[np.float64]] = []
    for k in order:
        trial = [*basis, vectors[k]]
        if np.linalg.matrix_rank(np.array(trial), tol=1e-3) == len(trial):
            basis = trial
        if len(basis) == 3:
            break
    found = np.array(basis)
    if len(found) < 3 or abs(cell_volume(found) * len(translations) / cell_volume(lattice) - 1.0) > _VOLUME_WITHIN:
        return None
    return found if np.linalg.det(found) > 0 else -found


def _first_copies(crystal: DisorderedCrystal, lattice: NDArray[np.float64], within_A: float) -> NDArray[np.int64]:
    """Indices of one place of each set that the translations of the primitive lattice make of it."""
    frac = crystal.frac @ crystal.lattice @ np.linalg.inv(lattice)
    apart = frac[:, None] - frac
    apart -= np.rint(apart)
    near = np.einsum("abi,abi->ab", apart @ lattice, apart @ lattice) < (2 * within_A) ** 2
    return np.unique(near.argmax(axis=1))


def _sorted(
    crystal: DisorderedCrystal, lattice: NDArray[np.float64], frac: NDArray[np.float64], label: NDArray[np.int64],
    orbits: NDArray[np.int64], classes: list[Occupants], symmetric: SymmetricCell,
) -> AveragedCell:  # fmt: skip
    """Order the places by occupants and coordinates, and number the orbits in that order."""
    rounded = np.round(frac, 4) % 1.0
    order = np.lexsort((rounded[:, 2], rounded[:, 1], rounded[:, 0], label))
    named: dict[tuple[int, int], int] = {}
    orbit = np.array([named.setdefault((int(orbits[k]), int(label[k])), len(named)) for k in order], dtype=np.int64)
    occupants = tuple(classes[one] for _, one in named)
    shares = [_shares(classes[one], int(n)) for (_, one), n in zip(named, np.bincount(orbit), strict=True)]
    key = "|".join(["disordered", str(symmetric.space_group), *sorted(shares)])
    return AveragedCell(lattice, frac[order], orbit, occupants, symmetric, key)


def _shares(occupants: Occupants, multiplicity: int) -> str:
    return "+".join(f"{s.number}*{s.occupancy:.2f}" for s in occupants) + f":{multiplicity}"


def _without_symmetry(crystal: DisorderedCrystal, classes: list[Occupants], label: NDArray[np.int64]) -> AveragedCell:
    main = np.array([max(o, key=lambda s: (s.occupancy, -s.number)).number for o in classes])
    each = np.arange(crystal.n_sites)
    frac = crystal.frac % 1.0 % 1.0
    symmetric = SymmetricCell(crystal.lattice, frac, main[label], each, 1, False)
    sorted_cell = _sorted(crystal, crystal.lattice, frac, label, each, classes, symmetric)
    return replace(sorted_cell, orbit=np.unique(np.sort(label), return_inverse=True)[1], occupants=tuple(classes))
