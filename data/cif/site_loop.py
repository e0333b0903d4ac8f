"""Whether all that a block says of its sites stands in one loop, as CIF wants it: gemmi reads no column of another one."""

from __future__ import annotations

import gemmi

from data.checks import Unsound
from data.cif.element_symbols import is_given
from data.rejection import Reason

_COLUMNS = tuple(
    f"_atom_site_{name}"
    for name in (
        "type_symbol", "occupancy", "disorder_assembly", "disorder_group", "calc_flag", "attached_hydrogens", "subsystem_code",
    )
)  # fmt: skip


def check_site_loop(block: gemmi.cif.Block) -> None:
    """Raises Unsound, with NOT_CIF, where a column that decides about sites stands apart from their positions."""
    positions = block.find_values("_atom_site_fract_x").get_loop()
    for tag in _COLUMNS:
        column = block.find_values(tag)
        if column and column.get_loop() != positions and any(is_given(gemmi.cif.as_string(value)) for value in column):
            raise Unsound(Reason.NOT_CIF, f"{tag} stands apart from the loop of the sites' positions")
