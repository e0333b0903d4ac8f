"""The crystal: lattice, fractional coordinates, atomic numbers and an opaque id."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from data.rejection import Reason

if TYPE_CHECKING:
    from pymatgen.core import Structure

MAX_ATOMIC_NUMBER = 103


class CrystalError(ValueError):
    """The given numbers do not describe a crystal; `reason` is that of a rejection."""

    def __init__(self, message: str, reason: Reason = Reason.NO_CELL) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True, eq=False)
class Crystal:
    """A fully ordered periodic crystal.

    Raises:
        CrystalError: wrong shapes, no site, non-finite numbers, a cell without volume, Z outside 1..103.
    """

    id: str  # opaque: never parsed, never used as a path
    lattice: NDArray[np.float64]  # (3, 3), Å, one lattice vector a row
    frac: NDArray[np.float64]  # (n, 3), fractional coordinates, in the source's own site order
    numbers: NDArray[np.int64]  # (n,), atomic numbers
    note: str = ""  # what the reader changed; usually empty

    def __post_init__(self) -> None:
        if self.lattice.shape != (3, 3):
            raise CrystalError(f"lattice has shape {self.lattice.shape}, not (3, 3)")
        n = len(self.numbers)
        if n == 0:
            raise CrystalError("no atomic site", Reason.NO_SITES)
        if self.frac.shape != (n, 3):
            raise CrystalError(f"{n} atomic numbers but coordinates of shape {self.frac.shape}")
        if not np.isfinite(self.lattice).all():
            raise CrystalError("a lattice vector is not a finite number")
        if not np.isfinite(self.frac).all():
            raise CrystalError("a coordinate is not a finite number", Reason.BAD_COORDINATES)
        if not 1e-3 < self.volume < np.inf:
            raise CrystalError(f"the cell volume is {self.volume:.3g} Å³")
        if self.numbers.min() < 1 or self.numbers.max() > MAX_ATOMIC_NUMBER:
            raise CrystalError(f"atomic numbers must lie in 1..{MAX_ATOMIC_NUMBER}", Reason.UNKNOWN_ELEMENT)

    @property
    def n_sites(self) -> int:
        return len(self.numbers)

    @property
    def volume(self) -> float:
        """Cell volume in Å³."""
        return cell_volume(self.lattice)

    @property
    def formula(self) -> str:
        """Reduced formula, elements in pymatgen's order (by electronegativity)."""
        return reduced_formula(*self.reduced_composition)

    @property
    def reduced_composition(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Atomic numbers, ascending, and the atoms of each in the reduced formula."""
        counts = np.bincount(self.numbers)
        elements = counts.nonzero()[0]
        atoms = counts[elements].tolist()
        divisor = math.gcd(*atoms)
        return tuple(elements.tolist()), tuple(n // divisor for n in atoms)

    @property
    def chemsys(self) -> str:
        """Chemical system: the element symbols in alphabetical order, joined by '-'."""
        return "-".join(sorted(symbol(int(z)) for z in set(self.numbers.tolist())))

    def to_pymatgen(self) -> Structure:
        from pymatgen.core import Lattice, Structure

        return Structure(Lattice(self.lattice), self.numbers.tolist(), self.frac)

    @classmethod
    def from_pymatgen(cls, structure: Structure, id: str) -> Crystal:
        """Raises CrystalError where a site is disordered."""
        if not structure.is_ordered:
            raise CrystalError("partial or mixed occupancy")
        return make_crystal(id, structure.lattice.matrix, structure.frac_coords, [s.specie.Z for s in structure])


def cell_volume(lattice: NDArray[np.float64]) -> float:
    """The volume of a cell (Å³) from its lattice vectors, (3, 3) rows in Å."""
    # written out, because numpy's determinant of a 3×3 matrix takes ten times as long
    (ax, ay, az), (bx, by, bz), (cx, cy, cz) = lattice.tolist()
    return float(abs(ax * (by * cz - bz * cy) - ay * (bx * cz - bz * cx) + az * (bx * cy - by * cx)))


def plane_distances(lattice: NDArray[np.float64]) -> tuple[float, float, float]:
    """The distances (Å) of the lattice planes that two lattice vectors each span, of (3, 3) rows in Å."""
    a, b, c = lattice.tolist()  # written out, as for the volume
    volume = cell_volume(lattice)
    return volume / _area(b, c), volume / _area(c, a), volume / _area(a, b)


def _area(a: list[float], b: list[float]) -> float:
    (ax, ay, az), (bx, by, bz) = a, b
    return math.hypot(ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx)


def make_crystal(id: str, lattice: object, frac: object, numbers: object, note: str = "") -> Crystal:
    """A Crystal from array-like values.

    Args:
        id: the opaque id.
        lattice: (3, 3) lattice vectors as rows, Å.
        frac: (n, 3) fractional coordinates.
        numbers: (n,) atomic numbers.
        note: what the reader changed.

    Raises:
        CrystalError: the values do not describe a crystal.
    """
    return Crystal(
        id,
        np.ascontiguousarray(lattice, dtype=np.float64),
        np.ascontiguousarray(frac, dtype=np.float64).reshape(-1, 3),
        np.ascontiguousarray(numbers, dtype=np.int64),
        note,
    )


@lru_cache(maxsize=128)
def symbol(z: int) -> str:
    """The symbol of the element with atomic number `z`."""
    from pymatgen.core import Element

    return str(Element.from_Z(z).symbol)


@lru_cache(maxsize=65536)
def reduced_formula(elements: tuple[int, ...], counts: tuple[int, ...]) -> str:
    """Pymatgen's reduced formula of a composition; cached, because many crystals share one.

    Args:
        elements: atomic numbers.
        counts: atoms of each element.
    """
    from pymatgen.core.composition import Composition, reduce_formula

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="No Pauling electronegativity")  # noble gases, only sorted by it
        formula, _ = reduce_formula({symbol(z): n for z, n in zip(elements, counts, strict=True)})
    return str(Composition.special_formulas.get(formula, formula))  # O2 and the like; three times as fast as a Composition
