"""Whether the atoms of one reading of a file are those that its formula, Z and density state."""

from __future__ import annotations

import math
from enum import Enum

import gemmi
import numpy as np
from numpy.typing import NDArray

from data.cif.numbers import number_of
from data.cif.stated_composition import Composition, stated_composition, stated_units

RELATIVE_TOLERANCE = 0.03  # of a count of atoms: refined occupancies and rounded formulas
COUNT_TOLERANCE = 0.1  # atoms in a cell, for elements that are rare in it
DENSITY_FITS, DENSITY_CONTRADICTS = 0.04, 0.15  # relative; calculated densities of real files lie within the first
_GRAMS = 1.66053907  # density in g/cm³ of 1 u per Å³


class Verdict(Enum):
    """What the stated formula, Z and density say about a reading."""

    FITS = "fits"
    CONTRADICTS = "contradicts"
    UNKNOWN = "unknown"


class Evidence:
    """The stated composition (atomic number -> atoms in one formula unit), Z and density of a block."""

    def __init__(self, block: gemmi.cif.Block) -> None:
        self.composition = stated_composition(block) or {}
        self.units = stated_units(block)
        self.density = _number(block, ("_exptl_crystal_density_diffrn", "_exptl_crystal_density_meas", "_cell_density"))

    def verdict(self, elements: NDArray[np.int64], atoms: NDArray[np.float64], volume: float) -> Verdict:
        """Check a cell.

        Args:
            elements: (n,) atomic number of each listed site.
            atoms: (n,) its atoms in the cell, times its occupancy.
            volume: of the cell, Å³.
        """
        counts = {int(z): float(atoms[elements == z].sum()) for z in set(elements.tolist())}
        if 0 in counts:  # a site of no element
            return Verdict.UNKNOWN
        by_formula = self._by_formula(counts)
        return by_formula if by_formula is not Verdict.UNKNOWN else self._by_density(counts, volume)

    def _by_formula(self, counts: dict[int, float]) -> Verdict:
        """Hydrogen, and elements that no site holds, are not counted: the structure determination did not locate them."""
        shared = [z for z in self.composition if z != 1 and z in counts]
        if not shared:
            return Verdict.UNKNOWN
        units = self.units
        if units is None:
            if len(shared) < 2:
                return Verdict.UNKNOWN
            units = sum(counts[z] for z in shared) / sum(self.composition[z] for z in shared)
        fits = all(_near(counts[z], units * self.composition[z]) for z in shared)
        return Verdict.FITS if fits else Verdict.CONTRADICTS

    def _by_density(self, counts: dict[int, float], volume: float) -> Verdict:
        if self.density is None:
            return Verdict.UNKNOWN
        found = cell_density(counts, volume)
        off = abs(found / self.density - 1.0)
        if off <= DENSITY_FITS:
            return Verdict.FITS
        return Verdict.CONTRADICTS if off >= DENSITY_CONTRADICTS else Verdict.UNKNOWN

    def __bool__(self) -> bool:
        """Whether the block states anything that a reading can be held against."""
        return bool(self.composition and (self.units is not None or len(self.composition) > 1)) or self.density is not None

    def __str__(self) -> str:
        parts = [f"{gemmi.Element(z).name}{n:g}" for z, n in self.composition.items()]
        if self.composition and self.units is not None:
            return f"{' '.join(parts)} × {self.units:g}"
        if len(parts) > 1:
            return " ".join(parts)
        return f"{self.density:g} g/cm³" if self.density is not None else "no formula with Z"


def cell_density(atoms: Composition, volume: float) -> float:
    """In g/cm³, of the atoms by atomic number in a volume in Å³."""
    return _GRAMS * sum(n * float(gemmi.Element(z).weight) for z, n in atoms.items()) / volume


def _near(count: float, stated: float) -> bool:
    return abs(count - stated) <= max(COUNT_TOLERANCE, RELATIVE_TOLERANCE * stated)


def _number(block: gemmi.cif.Block, tags: tuple[str, ...]) -> float | None:
    for tag in tags:
        value = number_of(block.find_value(tag))
        if math.isfinite(value) and value > 0:
            return value
    return None
