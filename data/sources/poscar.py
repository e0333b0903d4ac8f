"""POSCAR and CONTCAR of VASP 4 to 6.

Read here and not by pymatgen, which passes over atoms beyond the numbers in line 7 and over species without a number, takes the
flag `F` behind a position for fluorine, and knows neither three scales nor comments behind numbers.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.cif.element_symbols import symbol_readings
from data.cif.stated_composition import atomic_number
from data.sources.plain_entry import NoStructure, plain_entry

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?"
_NUMBERS = re.compile(rf"\s*{_NUMBER}(?:\s+|(?=[-+]))" * 2 + rf"{_NUMBER}(?=\s|$)")  # Fortran writes `0.5-0.5-0.5` without blanks
_FLAG = re.compile(r"\.?[TF](?:RUE|ALSE)?\.?", re.IGNORECASE)
_MOST_LINES = 40  # of symbols, which VASP wraps after twenty
Floats = NDArray[np.float64]


def read_poscar(text: str) -> dict[str, Any]:
    """The crystal as an OPTIMADE entry.

    Raises:
        NoStructure: the text is no POSCAR, or contradicts itself.
    """
    lines = [line.rstrip() for line in re.split(r"\r\n|\r|\n", text)]
    reader = _Lines(lines)
    scales = reader.numbers("the scale")
    if len(scales) not in (1, 3) or 0.0 in scales or (len(scales) == 3 and min(scales) < 0):
        raise NoStructure("line 2 must hold the scale, or three scales above zero")
    rows = [reader.numbers("a lattice vector") for _ in range(3)]
    if any(len(row) != 3 for row in rows):
        raise NoStructure("lines 3 to 5 must hold three numbers each, the lattice vectors")
    lattice = np.array(rows)
    scale = np.array(scales)
    if scales[0] < 0:  # the volume of the cell
        scale = np.array([(-scales[0] / max(abs(float(np.linalg.det(lattice))), 1e-9)) ** (1 / 3)])
    names, counts = _species(reader)
    selective = reader.peek()[:1] in ("S", "s")
    if selective:
        reader.next("")
    mode = reader.next("`Direct` or `Cartesian`")[:1]
    if not mode.isalpha():
        raise NoStructure(f"line {reader.at} must say `Direct` or `Cartesian`")
    places, symbols = _positions(reader, sum(counts), selective)
    named = [name for name, count in zip(names, counts, strict=True) for _ in range(count)] if names else symbols
    if not all(named) or (not names and set(named) <= {"T", "F"}):  # flags, not tritium and fluorine
        raise NoStructure("a POSCAR that does not name its elements: write their symbols above the numbers of atoms")
    cartesian = places * scale if mode in "cCkK" else places @ (lattice * scale)
    return plain_entry(lattice * scale, cartesian, [[(symbol, 1.0)] for symbol in named], _note(named, symbols))


class _Lines:
    """The lines from the second on, one after the other; what follows `!` or `#` is a comment."""

    def __init__(self, lines: list[str]) -> None:
        self._lines, self.at = lines, 1

    def peek(self) -> str:
        return re.split("[!#]", self._lines[self.at], maxsplit=1)[0].strip() if self.at < len(self._lines) else ""

    def next(self, what: str) -> str:
        if self.at >= len(self._lines):
            raise NoStructure(f"the file ends at line {self.at}, before {what}")
        line = self.peek()
        self.at += 1
        return line

    def numbers(self, what: str) -> list[float]:
        """The numbers that the line begins with, as Fortran reads them. Raises NoStructure where it begins with none."""
        found: list[float] = []
        for word in self.next(what).split():
            if re.fullmatch(_NUMBER, word) is None:
                break
            found.append(_value(word))
        if not found:
            raise NoStructure(f"line {self.at} must hold {what}, not {self._lines[self.at - 1][:40]!r}")
        return found


def _species(reader: _Lines) -> tuple[list[str], list[int]]:
    """The symbols (none in VASP 4) and the number of atoms of each."""
    names: list[str] = []
    for _ in range(_MOST_LINES):
        words = reader.peek().split()
        if not words or not words[0][0].isalpha():
            break
        names.extend(map(_symbol, words))
        reader.next("")
    counts: list[int] = []
    while not counts or len(counts) < len(names):
        words = reader.peek().split()
        if not words or not all(word.isdigit() for word in words):
            break
        counts.extend(map(int, words))
        reader.next("")
    if not counts or not sum(counts):
        raise NoStructure(f"line {reader.at + 1} must hold the number of atoms of each element")
    if names and len(names) != len(counts):
        listed = " ".join(names[:9])
        raise NoStructure(f"{len(names)} elements are named ({listed}), but {len(counts)} numbers of atoms stand below")
    return names, counts


def _symbol(word: str) -> str:
    """The symbol of `Fe_pv/474ac0d`, which is POTCAR's name and hash. Raises NoStructure for `Fe/Co`."""
    symbol, *behind = re.split("[/_]", word)
    if any(map(atomic_number, behind)):
        raise NoStructure(f"{word[:40]!r} in the line of elements names several")
    return symbol


def _positions(reader: _Lines, count: int, selective: bool) -> tuple[Floats, list[str]]:
    """(count, 3) positions, and the symbol behind each, which is empty where there is none."""
    places, symbols = [], []
    for k in range(count):
        line = reader.next(f"position {k + 1} of {count}")
        found = _NUMBERS.match(line)
        if found is None:
            raise NoStructure(f"line {reader.at} must hold position {k + 1} of {count}, not {line[:40]!r}")
        places.append([_value(word) for word in re.findall(_NUMBER, found[0])])
        behind = line[found.end() :].split()
        if selective or (len(behind) >= 3 and all(map(_FLAG.fullmatch, behind[:3]))):
            behind = behind[3:]
        symbols.append(behind[0] if len(behind) == 1 and symbol_readings(behind[0]) else "")
    if _NUMBERS.match(reader.peek()):
        raise NoStructure(f"more positions than the {count} atoms that are counted above them")
    return np.array(places), symbols


def _value(word: str) -> float:
    return float(word.replace("d", "e").replace("D", "e"))


def _note(named: list[str], symbols: list[str]) -> str:
    for k, (name, symbol) in enumerate(zip(named, symbols, strict=True), start=1):
        if symbol and symbol_readings(symbol).isdisjoint(symbol_readings(name)):
            return f"position {k} is {name} by the line of elements, which VASP reads, and {symbol} by the symbol behind it"
    return ""
