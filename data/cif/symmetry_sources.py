"""What a CIF block says about its symmetry, under all the names that programs have used."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import gemmi

_OPERATIONS = ("_space_group_symop_operation_xyz", "_symmetry_equiv_pos_as_xyz")
_DOTTED_OPERATIONS = ("_space_group_symop.operation_xyz", "_symmetry_equiv.pos_as_xyz")
# magCIF wrote each list under three names in turn.
_MAGNETIC = tuple(f"_space_group_symop{name}" for name in ("_magn_operation.xyz", ".magn_operation_xyz", "_magn_operation_xyz"))
_CENTRING = tuple(f"_space_group_symop{name}" for name in ("_magn_centering.xyz", ".magn_centering_xyz", "_magn_centering_xyz"))
_SYMBOLS = (
    *("_symmetry_space_group_name_H-M", "_space_group_name_H-M_alt", "_space_group_name_H-M_full", "_space_group_name_H-M"),
    *("_symmetry_space_group_name_H-M_alt", "_symmetry_space_group_name_H-M_full"),
)
_DOTTED_SYMBOLS = ("_space_group.name_H-M_alt", "_space_group.name_H-M_full", "_symmetry.space_group_name_H-M")
_HALL = ("_symmetry_space_group_name_Hall", "_space_group_name_Hall", "_space_group.name_Hall", "_symmetry.space_group_name_Hall")
_NUMBERS = ("_symmetry_Int_Tables_number", "_space_group_IT_number", "_space_group.IT_number", "_symmetry.Int_Tables_number")
_CODES = ("_space_group_IT_coordinate_system_code", "_space_group.IT_coordinate_system_code")
_MAGNETIC_GROUPS = (
    *("_space_group_magn.name_BNS", "_space_group_magn.number_BNS", "_space_group_magn.name_OG", "_space_group_magn.number_OG"),
    *("_space_group_magn_name_BNS", "_space_group_magn_number_BNS", "_space_group.magn_name_BNS", "_space_group.magn_number_BNS"),
)


@dataclass(frozen=True, slots=True)
class StatedSymmetry:
    """The statements as they stand in the block, `?` and `.` left out."""

    lists: tuple[tuple[str, ...], ...]  # of plain operations; more than one where two names hold different lists
    magnetic: tuple[str, ...]
    centring: tuple[str, ...]
    symbols: tuple[str, ...]  # Hermann-Mauguin
    halls: tuple[str, ...]
    numbers: tuple[str, ...]  # of International Tables
    code: str  # coordinate system code of International Tables
    magnetic_group: str  # a name of the magnetic space group


def stated_symmetry(block: gemmi.cif.Block) -> StatedSymmetry:
    """Collect all statements of a block about its symmetry."""
    lists = _lists(block, _OPERATIONS) or _lists(block, _DOTTED_OPERATIONS)
    magnetic = next(iter(_lists(block, _MAGNETIC)), ())
    symbols = _values(block, _SYMBOLS) or _values(block, _DOTTED_SYMBOLS)
    return StatedSymmetry(
        lists=lists,
        magnetic=magnetic,
        centring=next(iter(_lists(block, _CENTRING)), ()) if magnetic else (),
        symbols=symbols,
        halls=_values(block, _HALL),
        numbers=_values(block, _NUMBERS),
        code="" if lists else next(iter(_values(block, _CODES)), ""),
        magnetic_group="" if lists or magnetic else next(iter(_values(block, _MAGNETIC_GROUPS)), ""),
    )


def _lists(block: gemmi.cif.Block, tags: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """The lists under these names. One that holds nothing but `?` is none; a `?` among operations is one nobody can read."""
    found: dict[tuple[str, ...], None] = {}
    for tag in tags:
        column = block.find_values(tag)
        if column:
            texts = _unquoted(tuple(column))
            if texts:
                found[texts] = None
    return tuple(found)


@lru_cache(maxsize=4096)
def _unquoted(values: tuple[str, ...]) -> tuple[str, ...]:
    texts = tuple(gemmi.cif.as_string(value) or value for value in values)
    return texts if any(text.strip(" ?.") for text in texts) else ()


def _values(block: gemmi.cif.Block, tags: tuple[str, ...]) -> tuple[str, ...]:
    """Each distinct value once."""
    found: dict[str, None] = {}
    for tag in tags:
        value = block.find_value(tag)
        if value is not None and value not in ("?", "."):
            text = gemmi.cif.as_string(value).strip()
            if text.strip("?.'\" "):
                found[text] = None
    return tuple(found)
