"""Elements on the page: where they stand in the periodic table, which candidates hold them, and what is said of each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.crystal import MAX_ATOMIC_NUMBER, symbol
from pipeline.report.formulas import composition

BITS = 24  # elements a mask; all numbers of a column have to stay below 2³¹
MASKS = -(-MAX_ATOMIC_NUMBER // BITS)
_NOBLE = (2, 10, 18, 36, 54, 86)
_LANTHANUM, _ACTINIUM = 57, 89
USUAL_RADIUS = 1.5  # Å
_F_BLOCK = 14  # elements a row that are shown below the table


@dataclass(frozen=True, slots=True)
class Place:
    """An element's field: period 1..7 (8 and 9 are the rows below the table), group 1..18."""

    z: int
    symbol: str
    row: int
    column: int


@lru_cache(maxsize=1)
def periodic_table() -> tuple[Place, ...]:
    """All elements that a crystal may hold; La and Ac begin the rows below the table."""
    return tuple(Place(z, symbol(z), *_place(z)) for z in range(1, MAX_ATOMIC_NUMBER + 1))


def masks(formulas: Iterable[str]) -> NDArray[np.int64]:
    """(rows, MASKS) of each formula: bit (z - 1) % BITS of mask (z - 1) // BITS is set where it holds element z."""
    rows = []
    for formula in formulas:
        row = [0] * MASKS
        for z, _ in composition(formula):
            row[(z - 1) // BITS] |= 1 << (z - 1) % BITS
        rows.append(row)
    return np.array(rows, dtype=np.int64).reshape(-1, MASKS)


def holders(formulas: Sequence[str]) -> dict[int, list[int]]:
    """Rows that hold an element, by atomic number."""
    found: dict[int, list[int]] = {}
    for row, formula in enumerate(formulas):
        for z, _ in composition(formula):
            found.setdefault(z, []).append(row)
    return found


def element_looks(numbers: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Colour (as VESTA has it) and radius (Å, Slater's) of elements, as pymatgen ships them; grey and 1.5 Å where it has none."""
    from pymatgen.core import Element

    colours = _colours()
    return {
        z: {"colour": colours.get(symbol(z), [128, 128, 128]), "radius": float(Element.from_Z(z).atomic_radius or USUAL_RADIUS)}
        for z in numbers
    }


@lru_cache(maxsize=1)
def _colours() -> dict[str, list[int]]:
    """Red, green, blue by symbol. The file is read as it is: the module beside it needs VTK."""
    text = (files("pymatgen.vis") / "ElementColorSchemes.yaml").read_text(encoding="utf-8")
    section = re.split(r"^(\w+):", text, flags=re.MULTILINE)
    vesta = section[section.index("VESTA") + 1]
    found = re.findall(r"^\s+(\w+):\s*\[\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*\]", vesta, flags=re.MULTILINE)
    return {name: [int(part) for part in colour] for name, *colour in found}


def _place(z: int) -> tuple[int, int]:
    for below, first in ((8, _LANTHANUM), (9, _ACTINIUM)):
        if first <= z <= first + _F_BLOCK:
            return below, z - first + 3
    period = 1 + sum(z > noble for noble in _NOBLE)
    place = z - (0, *_NOBLE)[period - 1]
    if z == 2:
        return 1, 18
    if period <= 3:
        return period, place if place <= 2 else place + 10
    return period, place if period <= 5 or place <= 2 else place - _F_BLOCK
