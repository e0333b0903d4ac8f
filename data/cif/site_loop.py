"""Whether all that a block says of its sites stands in one loop, as CIF wants it: gemmi reads no column of another one."""

from __future__ import annotations

import re

import gemmi

from data.checks import MAX_COORDINATE, Unsound
from data.cif.element_symbols import is_given
from data.rejection import Reason

_LABEL, _TYPE = "_atom_site_label", "_atom_site_type_symbol"
POSITIONS = ("_atom_site_fract_x", "_atom_site_fract_y", "_atom_site_fract_z")
_COLUMNS = (
    _LABEL,
    _TYPE,
    *(
        f"_atom_site_{name}"
        for name in ("occupancy", "disorder_assembly", "disorder_group", "calc_flag", "attached_hydrogens", "subsystem_code")
    ),
)
_WITHOUT_POINT = re.compile(r"['\"]?[-+]?(?!0+(?!\d))\d{2,}(?![\d.eE])")


def check_site_loop(block: gemmi.cif.Block) -> None:
    """Give sites without labels some, since gemmi passes over them.

    Raises:
        Unsound: NOT_CIF where a column that decides about sites stands apart from their positions; UNKNOWN_ELEMENT where sites
            have neither label nor type symbol.
    """
    positions = block.find_values(POSITIONS[0]).get_loop()
    for tag in _COLUMNS:
        column = block.find_values(tag)
        if column and column.get_loop() != positions and any(is_given(gemmi.cif.as_string(value)) for value in column):
            raise Unsound(Reason.NOT_CIF, f"{tag} stands apart from the loop of the sites' positions")
    if not block.find_values(_LABEL):
        _label(block, positions)


def check_coordinates(block: gemmi.cif.Block) -> None:
    """Gemmi reads `?` as not-a-number and drops nothing; say so before it becomes a wrong structure.

    Raises:
        Unsound: BAD_COORDINATES.
    """
    for tag in POSITIONS:
        for value in block.find_values(tag):
            if not abs(gemmi.cif.as_number(value)) <= MAX_COORDINATE:
                raise Unsound(Reason.BAD_COORDINATES, f"a fractional coordinate is {value!r}")


def lost_point(block: gemmi.cif.Block) -> str:
    """The first coordinate of several digits without a decimal point: `764` for 0.764; empty where there is none."""
    for tag in POSITIONS:
        for value in block.find_values(tag):
            if _WITHOUT_POINT.match(value):
                return f"a fractional coordinate is {value!r}, without a decimal point"
    return ""


def _label(block: gemmi.cif.Block, positions: gemmi.cif.Loop | None) -> None:
    """Label the sites by their type symbols, and number them."""
    symbols = [gemmi.cif.as_string(value).strip() for value in block.find_values(_TYPE)]
    if not symbols:
        raise Unsound(Reason.UNKNOWN_ELEMENT, "the sites have neither labels nor type symbols")
    labels = [gemmi.cif.quote(f"{symbol}{number}") for number, symbol in enumerate(symbols, start=1)]
    if positions is None:
        block.set_pair(_LABEL, labels[0])
        return
    positions.add_columns([_LABEL], "?")
    column = block.find_values(_LABEL)
    for k, label in enumerate(labels):
        column[k] = label
