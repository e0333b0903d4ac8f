"""Whether the atoms of one reading of a file are those that its formula, Z and density state."""

from __future__ import annotations

import math
import re
from enum import Enum

import gemmi
import numpy as np
from numpy.typing import NDArray

RELATIVE_TOLERANCE = 0.03  # of a count of atoms: refined occupancies and rounded formulas
COUNT_TOLERANCE = 0.1  # atoms in a cell, for elements that are rare in it
DENSITY_FITS, DENSITY_CONTRADICTS = 0.04, 0.15  # relative; calculated densities of real files lie within the first
_GRAMS = 1.66053907  # density in g/cm³ of 1 u per Å³
_FORMULAS = ("_chemical_formula_sum", "_chemical_formula.sum", "_chemical_formula_structural")
_PART = re.compile(r"([A-Z][a-z]?)(\d+\.?\d*|\.\d+)?")


class Verdict(Enum):
    """What the stated formula, Z and density say about a reading."""

    FITS = "fits"
    CONTRADICTS = "contradicts"
    UNKNOWN = "unknown"


class Evidence:
    """The stated composition (atomic number -> atoms in one formula unit), Z and density of a block."""

    def __init__(self, block: gemmi.cif.Block) -> None:
        self.composition = _composition(block)
        self.units = _number(block, ("_cell_formula_units_Z", "_cell.formula_units_Z"))
        self.density = _number(block, ("_exptl_crystal_density_diffrn", "_exptl_crystal_density_meas", "_cell_density"))

    def verdict(self, elements: NDArray[np.int64], atoms: NDArray[np.float64], volume: float) -> Verdict:
        """Judge a cell.

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
        """Hydrogen, and elements that no site holds, are not counted: nobody located them."""
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
        found = _GRAMS * sum(n * gemmi.Element(z).weight for z, n in counts.items()) / volume
        off = abs(found / self.density - 1.0)
        if off <= DENSITY_FITS:
            return Verdict.FITS
        return Verdict.CONTRADICTS if off >= DENSITY_CONTRADICTS else Verdict.UNKNOWN

    def __str__(self) -> str:
        parts = [f"{gemmi.Element(z).name}{n:g}" for z, n in self.composition.items()]
        if self.composition and self.units is not None:
            return f"{' '.join(parts)} × {self.units:g}"
        if len(parts) > 1:
            return " ".join(parts)
        return f"{self.density:g} g/cm³" if self.density is not None else "no formula with Z"


def _near(count: float, stated: float) -> bool:
    return abs(count - stated) <= max(COUNT_TOLERANCE, RELATIVE_TOLERANCE * stated)


def _composition(block: gemmi.cif.Block) -> dict[int, float]:
    for tag in _FORMULAS:
        text = gemmi.cif.as_string(block.find_value(tag) or "?")
        if not re.fullmatch(r"(?:[A-Z][a-z]?(?:\d+\.?\d*|\.\d+)?[\s,]*)+", text.strip()[:2000]):
            continue
        found: dict[int, float] = {}
        for name, count in _PART.findall(text):
            z = int(gemmi.Element(name).atomic_number)
            if z == 0:
                return {}
            found[z] = found.get(z, 0.0) + float(count or 1)
        if all(n > 0 for n in found.values()):
            return found
    return {}


def _number(block: gemmi.cif.Block, tags: tuple[str, ...]) -> float | None:
    for tag in tags:
        value = gemmi.cif.as_number(block.find_value(tag) or "?")
        if math.isfinite(value) and value > 0:
            return float(value)
    return None
