"""The disordered crystal: places that several species share, or that are empty in a part of the cells."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import gcd
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data.crystal import Crystal, CrystalError, cell_volume, reduced_formula, symbol

DIGITS = 4  # of an occupancy and of a formula
WHOLE = 1e-6  # within which an amount is a whole number


class Species(NamedTuple):
    """One species of a place."""

    number: int  # atomic number
    occupancy: float  # share of the cells that have it there, above 0
    charge: float | None  # oxidation state as the source states it


Occupants = tuple[Species, ...]  # of one place, by atomic number; what is missing to an occupancy of 1 is vacant


@dataclass(frozen=True, eq=False)
class DisorderedCrystal:
    """The average over all cells of a crystal whose cells differ.

    Raises:
        CrystalError: wrong shapes, no place, non-finite numbers, a cell without volume, or a place that is filled more than once.
    """

    id: str
    lattice: NDArray[np.float64]  # (3, 3), Å, one lattice vector a row
    frac: NDArray[np.float64]  # (n, 3), fractional coordinates of the places of the cell
    kind: NDArray[np.int64]  # (n,) index into `kinds`
    kinds: tuple[Occupants, ...]  # what shares a place
    note: str = ""  # what the reader changed

    def __post_init__(self) -> None:
        n = len(self.kind)
        if self.lattice.shape != (3, 3) or self.frac.shape != (n, 3) or n == 0:
            raise CrystalError(f"lattice {self.lattice.shape}, {n} places with coordinates of shape {self.frac.shape}")
        if not (np.isfinite(self.lattice).all() and np.isfinite(self.frac).all() and 1e-3 < self.volume < np.inf):
            raise CrystalError("a coordinate is not a finite number, or the cell has no volume")
        for occupants in self.kinds:
            if not occupants or not 0 < sum(s.occupancy for s in occupants) <= 1.0 + WHOLE:
                raise CrystalError(f"a place is filled {sum(s.occupancy for s in occupants):.4g} times")

    @property
    def n_sites(self) -> int:
        """Places in the cell, which is more than its atoms where some are vacant."""
        return len(self.kind)

    @property
    def volume(self) -> float:
        """Cell volume in Å³."""
        return cell_volume(self.lattice)

    @cached_property
    def composition(self) -> dict[int, float]:
        """Mean number of atoms in the cell by atomic number, ascending."""
        total: dict[int, float] = {}
        for occupants, count in zip(self.kinds, np.bincount(self.kind, minlength=len(self.kinds)).tolist(), strict=True):
            for species in occupants:
                total[species.number] = total.get(species.number, 0.0) + species.occupancy * count
        return dict(sorted(total.items()))

    @property
    def n_atoms(self) -> float:
        """Mean number of atoms in the cell."""
        return sum(self.composition.values())

    @property
    def formula(self) -> str:
        """Formula of the mean composition, with decimals where it has no whole numbers: Fe0.7Co0.3."""
        places = np.bincount(self.kind, minlength=len(self.kinds)).tolist()
        units = gcd(*(self._of_one_class(places)))
        amounts = {z: round(n / units, DIGITS) for z, n in self.composition.items()}
        return mixed_formula({z: n for z, n in amounts.items() if n > 0} or self.composition)

    @property
    def chemsys(self) -> str:
        """Chemical system: the element symbols in alphabetical order, joined by '-'."""
        return "-".join(sorted(map(symbol, self.composition)))

    @property
    def occupancies(self) -> str:
        """The places that one species does not fill: `Co 0.3 Fe 0.7 (2 sites); Li 0.5 (8 sites)`."""
        counts: dict[str, int] = {}
        for occupants, count in zip(self.kinds, np.bincount(self.kind, minlength=len(self.kinds)).tolist(), strict=True):
            if not is_ordered(occupants) and count:
                text = " ".join(f"{symbol(s.number)} {s.occupancy:.3g}" for s in occupants)
                counts[text] = counts.get(text, 0) + count
        return "; ".join(f"{text} ({n} site{'' if n == 1 else 's'})" for text, n in sorted(counts.items()))

    def _of_one_class(self, places: list[int]) -> list[int]:
        """Places of each set of occupants, sites of equal occupants together."""
        classes: dict[tuple[tuple[int, float], ...], int] = {}
        for occupants, count in zip(self.kinds, places, strict=True):
            key = tuple((s.number, round(s.occupancy, DIGITS)) for s in occupants)
            classes[key] = classes.get(key, 0) + count
        return list(classes.values())


AnyCrystal = Crystal | DisorderedCrystal


def is_ordered(occupants: Occupants) -> bool:
    """Whether one species fills the place in every cell."""
    return len(occupants) == 1 and occupants[0].occupancy > 1.0 - WHOLE


def mixed_formula(amounts: dict[int, float]) -> str:
    """A formula in the order of `Crystal.formula`, reduced where all amounts are whole numbers.

    Args:
        amounts: atoms by atomic number, above 0.
    """
    whole = [round(n) for n in amounts.values()]
    if all(n > 0 and abs(n - m) < WHOLE for n, m in zip(whole, amounts.values(), strict=True)):
        divisor = gcd(*whole)
        return reduced_formula(tuple(amounts), tuple(n // divisor for n in whole))
    several = len(amounts) > 1
    order = reduced_formula(tuple(amounts), tuple(range(2, len(amounts) + 2))) if several else symbol(next(iter(amounts)))
    names = sorted(amounts, key=lambda z: _place(order, symbol(z)))
    return "".join(f"{symbol(z)}{'' if abs(amounts[z] - 1) < WHOLE else f'{amounts[z]:.{DIGITS}g}'}" for z in names)


def _place(formula: str, name: str) -> int:
    """Where a symbol stands in a formula; no symbol is taken for the beginning of a longer one."""
    at = formula.find(name)
    while at >= 0 and formula[at + len(name) : at + len(name) + 1].islower():
        at = formula.find(name, at + 1)
    return at
