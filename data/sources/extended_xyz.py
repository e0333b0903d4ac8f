"""Extended XYZ, frame by frame: one that is broken does not stop those before it."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from data.cif.stated_composition import atomic_number
from data.sources.ase_atoms import entry_of_atoms
from data.sources.plain_entry import NoStructure, why_unreadable

_PROPERTIES = re.compile(r"\bproperties\s*=\s*[\"{]?([\w:]+)", re.IGNORECASE)
_KEYS = {"lattice": "Lattice", "properties": "Properties", "pbc": "pbc"}  # ASE passes over any other spelling
_KEY = re.compile(rf"(?<!\S)(?:{'|'.join(_KEYS)})(?=\s*=)", re.IGNORECASE)
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|\{[^}]*\}")
_POSITIONS = re.compile(r"(?:^|:)pos:R:3(?:$|:)", re.IGNORECASE)
_PERIODS = re.compile(rf"(?<!\S)pbc\s*=\s*({_QUOTED.pattern}|\[[^\]]*\]|\S+)")
_PERIOD = re.compile(r"t(?:rue)?|f(?:alse)?|[01](?:\.0*)?", re.IGNORECASE)
_SYMBOLS, _NUMBERS = ("species", "symbols"), ("Z", "numbers")  # columns that say the element; of several ASE takes any


def read_extended_xyz(text: str) -> Iterator[dict[str, Any] | str]:
    """An OPTIMADE entry of each frame, or in its place why there is none."""
    for frame in _frames(text.splitlines()):
        if isinstance(frame, str):
            yield frame
            continue
        try:
            yield _entry(frame)
        except Exception as fault:  # whatever ASE raises; it must not stop the others
            yield why_unreadable(fault, "extxyz")


def _frames(lines: list[str]) -> Iterator[list[str] | str]:
    """The lines of each frame; where the count of atoms and the lines do not agree, why, and no more."""
    at, number = 0, 0
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        number += 1
        if not lines[at].strip().isdigit():
            yield f"line {at + 1} must hold the number of atoms of frame {number}, not {lines[at][:40]!r}"
            return
        end = at + 2 + int(lines[at])
        if end > len(lines) or not all(line.strip() for line in lines[at + 2 : end]):
            yield f"frame {number} has fewer lines than the {int(lines[at])} atoms that line {at + 1} counts"
            return
        while end < len(lines) and lines[end].lstrip().upper().startswith("VEC"):  # lattice vectors of an older dialect
            end += 1
        behind = next((line for line in lines[end:] if line.strip()), "0")
        if not behind.strip().isdigit():
            yield f"frame {number} has more lines than the {int(lines[at])} atoms that line {at + 1} counts"
            return
        yield lines[at:end]
        at = end
    if not number:
        yield "no frame"


def _entry(frame: list[str]) -> dict[str, Any]:
    from ase.io.extxyz import read_xyz

    head = _KEY.sub(lambda key: _KEYS[key[0].lower()], frame[1])
    named = Counter(_KEY.findall(_QUOTED.sub("", head)))
    if twice := [key for key, count in named.items() if count > 1]:  # ASE takes the last one
        raise NoStructure(f"{twice[0]} stands twice in the second line")
    _check_periods(head)
    columns = _PROPERTIES.search(head)
    if columns and not _POSITIONS.search(columns[1]):  # ASE puts every atom at the origin
        raise NoStructure(f"the properties name no positions (pos:R:3): {columns[1][:80]}")
    if columns and frame[2:]:
        _check_width(columns[1].split(":"), len(frame[2].split()))
    try:
        atoms = next(iter(read_xyz(io.StringIO("\n".join([frame[0], head, *frame[2:]]) + "\n"), slice(None))))
    except KeyError as fault:
        raise NoStructure(f"{fault} is no element") from fault
    if not atoms.cell.volume > 0:
        raise NoStructure('no lattice: the second line must say Lattice="...", else the file is a molecule\'s')
    if columns:
        _check_elements(columns[1].split(":"), [row.split() for row in frame[2 : 2 + len(atoms)]])
    return entry_of_atoms(atoms)


def _check_periods(head: str) -> None:
    """Raises NoStructure where `pbc` is of words that are neither true nor false: ASE takes `TTF` and `p p f` for true."""
    stated = _PERIODS.search(head)
    words = re.findall(r"[^\s,]+", _inner(stated[1])) if stated else []
    if unread := [word for word in words if not _PERIOD.fullmatch(word)]:
        raise NoStructure(f"pbc says {unread[0][:40]!r}: write T or F for each direction, pbc=\"T T T\"")


def _inner(value: str) -> str:
    """What stands between the quotes or brackets of a value; within brackets, words in quotes are text for ASE, and true."""
    return value[1:-1] if len(value) > 1 and value[0] + value[-1] in ('""', "''", "{}", "[]") else value


def _check_width(columns: list[str], words: int) -> None:
    """Raises NoStructure where the columns are more than the words of a line: ASE makes room for as many as a line may say."""
    wanted = sum(map(int, columns[2::3]))
    if wanted > words:
        raise NoStructure(f"the properties name {wanted} columns, and the line of the first atom has {words} words")


def _check_elements(columns: list[str], rows: list[list[str]]) -> None:
    """Raises NoStructure where two columns hold positions, or an atom is of two elements by its symbols and atomic numbers.

    Args:
        columns: name, type and width of each, one after the other.
        rows: the words of each atom.
    """
    places, at = dict[str, int](), 0
    for name, width in zip(columns[::3], columns[2::3], strict=True):
        places[name] = at
        at += int(width)
    if "positions" in places:  # beside `pos`, without which no file is read
        raise NoStructure("the properties name two columns of positions: pos and positions")
    named = [name for name in (*_SYMBOLS, *_NUMBERS) if name in places]
    for k, row in enumerate(rows if len(named) > 1 else (), start=1):
        words = [row[places[name]] for name in named]
        elements = {atomic_number(w.capitalize()) if n in _SYMBOLS else int(w) for n, w in zip(named, words, strict=True)}
        if len(elements) > 1:
            raise NoStructure(f"atom {k} is of two elements by its columns {', '.join(named)}: {', '.join(words)}")
