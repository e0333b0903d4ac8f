"""CIF 2 in the words of the core dictionary, which is what gemmi reads small structures by.

CIF 2 writes `_atom_site.fract_x` for `_atom_site_fract_x`.
"""

from __future__ import annotations

import re

_DOTTED = re.compile(
    r"(?<!\S)(_(?:cell|atom_site|atom_type|space_group|space_group_symop|symmetry|symmetry_equiv|chemical_formula|database_code))\.",
    re.IGNORECASE,
)


def in_core_words(text: str) -> str:
    """The same text, its names of the categories that matter here without dots."""
    lower = text.lower()
    return _DOTTED.sub(r"\1_", text) if "_atom_site." in lower or "_cell." in lower else text
