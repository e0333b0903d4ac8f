"""What a cell of a table says, whatever its type: in CSV every cell is text, and pandas turns whole numbers into decimals."""

from __future__ import annotations

import math
import re
from typing import Any

_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+(?:[eE][-+]?\d+)?")
_ORDERINGS = {
    "fm": "FM", "ferro": "FM", "ferromagn": "FM", "ferromagnet": "FM", "fim": "FiM", "ferri": "FiM", "ferrimagn": "FiM",
    "ferrimagnet": "FiM", "afm": "AFM", "antiferro": "AFM", "antiferromagn": "AFM", "antiferromagnet": "AFM", "nm": "NM",
    "nonmagn": "NM", "nonmagnet": "NM",
}  # fmt: skip
_NOTHING = frozenset(("", "nan", "none", "null", "na", "n/a", "<na>", "-", "?", ".", "[]", "{}", "()"))
_NO = frozenset(("0", "0.0", "false", "f", "no", "n"))


def identifier_of(cell: Any) -> str:
    """An id as text; empty where there is none. 12.0 is 12: a column of whole numbers with a gap becomes decimals."""
    if isinstance(cell, float):
        return "" if math.isnan(cell) else f"{cell:.0f}" if cell.is_integer() else str(cell)
    if isinstance(cell, bytes):
        cell = cell.decode(errors="backslashreplace")
    return "" if cell is None else str(cell).strip()


def number_of(cell: Any) -> float | None:
    """A number, None where the cell is absent, NaN where it holds something else. `0,05` has a decimal comma."""
    if cell is None:
        return None
    if isinstance(cell, str) and _DECIMAL_COMMA.fullmatch(cell.strip()):
        cell = cell.replace(",", ".")
    try:
        return float(cell)
    except (TypeError, ValueError):
        return math.nan


def states_something(cell: Any) -> bool:
    """Whether a cell is more than one of the words for an absent value."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return False
    return not (isinstance(cell, str) and cell.strip().lower() in _NOTHING)


def ordering_of(cell: Any) -> str | None:
    """FM, FiM, AFM or NM of a word for it; None where none is stated, and an unknown word as it is."""
    if not states_something(cell):
        return None
    word = str(cell).strip()
    plain = re.sub(r"[^a-z]", "", word.lower()).removesuffix("etic").removesuffix("ism")
    return None if plain == "unknown" else _ORDERINGS.get(plain, word)


def says_yes(cell: Any) -> bool:
    """Whether a flag is set or a list of ids holds one: not for 0, `False`, `no`, NaN and an empty list."""
    if not states_something(cell) or (isinstance(cell, str) and cell.strip().lower() in _NO):
        return False
    return bool(cell)
