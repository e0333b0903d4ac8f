"""CIF 2 in the words of the core dictionary, which is what gemmi reads small structures by.

CIF 2 writes `_atom_site.fract_x` for `_atom_site_fract_x`.
"""

from __future__ import annotations

import re

_DOTTED = re.compile(
    r"^(\s*_(?:cell|atom_site|atom_type|space_group|space_group_symop|symmetry|symmetry_equiv|chemical_formula|database_code))\.",
    re.IGNORECASE | re.MULTILINE,
)


def in_core_words(text: str) -> str:
    """The same text, its names of the categories that matter here without dots."""
    return _DOTTED.sub(r"\1_", text) if "_atom_site." in text or "_cell." in text else text
