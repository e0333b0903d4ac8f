"""CIF 2 and magCIF in the words of the core dictionary, which is what gemmi reads small structures by.

CIF 2 writes `_atom_site.fract_x` for `_atom_site_fract_x`. magCIF gives the operations of the magnetic space group, in two lists
to be multiplied: without their time reversal they say where the atoms stand.
"""

from __future__ import annotations

import re

import gemmi

_DOTTED = re.compile(
    r"^(\s*_(?:cell|atom_site|atom_type|space_group|space_group_symop|symmetry|symmetry_equiv|chemical_formula|database_code))\.",
    re.IGNORECASE | re.MULTILINE,
)
_CORE_OPERATIONS = ("_space_group_symop_operation_xyz", "_symmetry_equiv_pos_as_xyz")
_MAGNETIC = "_space_group_symop_magn_operation.xyz"
_CENTRING = "_space_group_symop_magn_centering.xyz"
_MOST_OPERATIONS = 192 * 8  # of a cubic group in a cell of eight primitive ones


def in_core_words(text: str) -> str:
    """The same text, its names of the categories that matter here without dots."""
    return _DOTTED.sub(r"\1_", text) if "_atom_site." in text or "_cell." in text else text


def spell_out_magnetic_operations(block: gemmi.cif.Block) -> None:
    """Add the operations of a magnetic space group to a block that has no others, in place."""
    magnetic = _operations(block, _MAGNETIC)
    if not magnetic or any(len(block.find_values(tag)) for tag in _CORE_OPERATIONS):
        return
    centring = _operations(block, _CENTRING) or [gemmi.Op("x,y,z")]
    if len(magnetic) * len(centring) > _MOST_OPERATIONS:
        return
    products = {(shift * op).wrap().triplet(): None for shift in centring for op in magnetic}
    loop = block.init_loop("_space_group_symop_operation_", ["xyz"])
    for triplet in products:
        loop.add_row([f"'{triplet}'"])


def _operations(block: gemmi.cif.Block, tag: str) -> list[gemmi.Op]:
    """Without their time reversal (the fourth component); none where one of them cannot be read."""
    found = [gemmi.cif.as_string(value) for value in block.find_values(tag)]
    if len(found) > _MOST_OPERATIONS:
        return []
    try:
        return [gemmi.Op(",".join(text.split(",")[:3])) for text in found]
    except (ValueError, RuntimeError):
        return []
