"""Crystals that are one and the same, though their cells, origins or volumes differ: fingerprints, then StructureMatcher."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from data.crystal import Crystal
from data.symmetry import SymmetricCell, symmetrise

if TYPE_CHECKING:
    from pymatgen.analysis.structure_matcher import StructureMatcher
    from pymatgen.core import Structure

# Mean change of the distances, in units of the atomic spacing, above which two crystals are not held against each other. The
# matcher needs seconds for a pair of large cells, and nearly all such pairs differ a little more than two copies do.
SMALL_CELL = 40  # sites of a primitive cell
TOLERANCE_SMALL, TOLERANCE_LARGE = 0.02, 0.002
Fingerprint = tuple[str, int, tuple[tuple[int, int], ...]]


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A crystal that has the structure of an earlier one, by row number."""

    row: int
    of: int
    volume_ratio: float  # of the volumes per atom, this one to the earlier one


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    row: int
    volume_A3_per_atom: float
    spectrum: NDArray[np.float64]
    structure: Structure


def find_duplicates(crystals: Iterable[tuple[int, Crystal]]) -> Iterator[Duplicate]:
    """Each crystal that matches an earlier one, in the order of the rows.

    Args:
        crystals: row number and crystal; only those of one formula and one symmetry are held against each other, so crystals
            whose formula is theirs alone may be left out.
    """
    matcher = _matcher()
    buckets: dict[Fingerprint, list[_Known]] = defaultdict(list)
    for row, crystal in crystals:
        cell = symmetrise(crystal)
        bucket, structure = buckets[fingerprint(crystal, cell)], _structure(cell)
        this = _Known(row, crystal.volume / crystal.n_sites, _spectrum(structure), structure)
        for known in bucket:
            if _close(known.spectrum, this.spectrum) and matcher.fit(known.structure, structure):
                yield Duplicate(row, known.row, this.volume_A3_per_atom / known.volume_A3_per_atom)
                break
        else:
            bucket.append(this)


def fingerprint(crystal: Crystal, cell: SymmetricCell) -> Fingerprint:
    """The same for every cell, origin, orientation, site order and volume of one crystal: formula, space group, orbits."""
    orbits = zip(cell.numbers[cell.representatives].tolist(), cell.multiplicities.tolist(), strict=True)
    return crystal.formula, cell.space_group, tuple(sorted(orbits))


def repeated(formulas: Iterable[str]) -> set[str]:
    """Those that occur more than once."""
    return {formula for formula, n in Counter(formulas).items() if n > 1}


def _matcher() -> StructureMatcher:
    from pymatgen.analysis.structure_matcher import StructureMatcher

    return StructureMatcher(primitive_cell=False)  # the cells are primitive already; volumes are scaled to each other


def _spectrum(structure: Structure) -> NDArray[np.float64]:
    """All shortest distances between two sites of the primitive cell, ascending, in units of the atomic spacing."""
    n = len(structure)
    distances = np.sort(structure.distance_matrix[np.triu_indices(n, k=1)])
    spectrum: NDArray[np.float64] = distances / (structure.volume / n) ** (1 / 3)
    return spectrum


def _close(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    small = one.size <= SMALL_CELL * (SMALL_CELL - 1) // 2
    return one.size == 0 or float(np.abs(one - other).mean()) <= (TOLERANCE_SMALL if small else TOLERANCE_LARGE)


def _structure(cell: SymmetricCell) -> Structure:
    from pymatgen.core import Lattice, Structure

    return Structure(Lattice(cell.lattice), cell.numbers.tolist(), cell.frac)
