"""CIF 2 in the syntax and the words of CIF 1.1 and its core dictionary, which is what gemmi reads small structures by.

CIF 2 writes `_atom_site.fract_x` for `_atom_site_fract_x`, and texts between three quotes.
"""

from __future__ import annotations

import re

import gemmi

_DOTTED = re.compile(
    r"(?<!\S)(_(?:cell|atom_site|atom_type|space_group|space_group_symop|symmetry|symmetry_equiv|chemical_formula|database_code))\.",
    re.IGNORECASE,
)
_CIF_2 = re.compile(r"\ufeff?#\\#CIF_2")
_TRIPLE = re.compile(  # behind what may hold three quotes: text fields, comments, other strings
    r"""^;.*?^;|(?<!\S)#[^\n]*|(?<!\S)('''|\"\"\")(.*?)\1|(?<!\S)'[^'\n]*'|(?<!\S)"[^"\n]*\"""", re.MULTILINE | re.DOTALL
)


def in_core_syntax(text: str) -> str:
    """The same text; what CIF 2 writes between three quotes is quoted as CIF 1.1 does it, or a text field."""
    return _TRIPLE.sub(_quoted, text) if _CIF_2.match(text) else text


def _quoted(found: re.Match[str]) -> str:
    if not found[1]:
        return found[0]
    value = str(gemmi.cif.quote(found[2]))
    return f"\n{value}" if value.startswith(";") else value


def in_core_words(text: str) -> str:
    """The same text, its names of the categories that matter here without dots."""
    lower = text.lower()
    return _DOTTED.sub(r"\1_", text) if "_atom_site." in lower or "_cell." in lower else text
