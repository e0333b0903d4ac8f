"""Items by which a block says that its sites alone are not the crystal: modulation, attached hydrogens, dummy sites."""

from __future__ import annotations

import re

import gemmi

from data.checks import Unsound
from data.cif.element_symbols import is_given, is_vacancy, symbol_readings
from data.cif.numbers import number_of
from data.cif.stated_composition import stated_composition
from data.rejection import Reason

_FULL = 0.999  # of the cells
_MODULATED = re.compile(
    r"_cell_modulation_dimension|_cell_wave_vector|_space_group_(?:magn_)?ssg_|_space_group_symop_(?:magn_)?ssg_|_space_group_magn_ssg"
    r"|_atom_site_(?:displace|occ|u|rot|phason)_?(?:fourier|special|legendre|xharm|ortho)|_atom_site_fourier_wave_vector"
    r"|_atom_site_moment_(?:fourier|special)"
)


def modulation_note(block: gemmi.cif.Block) -> str:
    """`modulated (n wave vectors); the average structure was read`; empty for a block without modulation.

    Raises:
        Unsound: NO_CELL for a composite crystal, whose parts have cells of their own.
    """
    codes = {gemmi.cif.as_string(value) for value in block.find_values("_atom_site_subsystem_code")}
    subsystems = max(_number(block, "_cell_subsystems_number"), sum(map(is_given, codes)))
    if subsystems > 1:
        raise Unsound(Reason.NO_CELL, f"a composite crystal: its {subsystems} subsystems have cells of their own")
    tags = [tag for tag in _tags(block) if _MODULATED.match(tag.lower().replace(".", "_"))]
    if not tags:
        return ""
    stated = [_number(block, tag) for tag in tags if tag.lower() == "_cell_modulation_dimension"]
    listed = [len(block.find_values(tag)) for tag in tags if re.match(r"_cell_wave_vector[._]", tag.lower())]
    count = max(stated + listed, default=-1)
    if count == 0 or (count < 0 and all(not _says_something(block, tag) for tag in tags)):
        return ""
    vectors = "" if count < 0 else f" ({count} wave vector{'' if count == 1 else 's'})"
    return f"modulated{vectors}; the average structure was read"


def check_attached_hydrogens(block: gemmi.cif.Block) -> None:
    """Hydrogens that sit on a site without coordinates of their own; where a formula is stated, it says whether they are missing.

    Raises:
        Unsound: MISSING_ATOMS where no formula can be read.
    """
    for label, value in _rows(block, "_atom_site_attached_hydrogens"):
        count = number_of(value)
        if count > 0 and stated_composition(block) is None:
            detail = f"{count:g} hydrogens are attached to site {label!r} without coordinates"
            raise Unsound(Reason.MISSING_ATOMS, f"{detail}, and no formula says whether they are listed elsewhere")


def check_alternatives(block: gemmi.cif.Block) -> None:
    """Sites of two groups of one disorder assembly exclude each other, so that not both can be full; a formula would decide.

    Raises:
        Unsound: PARTIAL_OCCUPANCY where two such sites are full, stated or not, and no formula can be read.
    """
    groups = _column(block, "_atom_site_disorder_group")
    if not any(map(is_given, groups)) or stated_composition(block) is not None:
        return
    assemblies = _column(block, "_atom_site_disorder_assembly") or [""] * len(groups)
    occupancies = _column(block, "_atom_site_occupancy") or ["?"] * len(groups)
    full: dict[str, str] = {}
    for assembly, group, occupancy in zip(assemblies, groups, occupancies, strict=True):
        stated = number_of(occupancy) if is_given(occupancy) else 1.0  # by the CIF dictionary, and as the site is read
        if is_given(group) and stated >= _FULL and full.setdefault(assembly, group) != group:
            detail = f"the sites of the disorder groups {full[assembly]!r} and {group!r} exclude each other, but are full"
            raise Unsound(Reason.PARTIAL_OCCUPANCY, f"{detail}, and no formula decides")


def leave_out_dummies(small: gemmi.SmallStructure, block: gemmi.cif.Block) -> str:
    """Remove sites that hold no atom, in place; returns what was left out, in words.

    Raises:
        Unsound: MISSING_ATOMS where a dummy site names an element, and no formula says whether it counts.
    """
    flags = [gemmi.cif.as_string(value).lower() for value in block.find_values("_atom_site_calc_flag")]
    flagged = len(flags) == len(small.sites) and "dum" in flags
    typed = bool(block.find_values("_atom_site_type_symbol"))
    left_out: list[str] = []
    for k in range(len(small.sites) - 1, -1, -1):
        site = small.sites[k]
        given = typed and is_given(site.type_symbol)
        symbol = site.type_symbol if given else site.label
        if not (is_vacancy(symbol) or (flagged and flags[k] == "dum")):
            continue
        if given and symbol_readings(site.type_symbol) and stated_composition(block) is None:
            detail = f"site {site.label!r} is called a dummy and an atom of {site.type_symbol!r}"
            raise Unsound(Reason.MISSING_ATOMS, f"{detail}, and no formula decides")
        left_out.append(site.label)
        del small.sites[k]
    if not left_out:
        return ""
    return f"{len(left_out)} dummy site{'' if len(left_out) == 1 else 's'} left out ({', '.join(sorted(left_out)[:3])})"


def _tags(block: gemmi.cif.Block) -> list[str]:
    found: list[str] = []
    for item in block:
        if item.loop is not None:
            found.extend(item.loop.tags)
        elif item.pair is not None:
            tag, _ = item.pair
            found.append(tag)
    return found


def _number(block: gemmi.cif.Block, tag: str) -> int:
    """The whole number of a pair; -1 where there is none."""
    number = number_of(block.find_value(tag))
    return int(number) if 0 <= number < 1000 else -1


def _says_something(block: gemmi.cif.Block, tag: str) -> bool:
    return any(is_given(gemmi.cif.as_string(value)) for value in block.find_values(tag))


def _column(block: gemmi.cif.Block, tag: str) -> list[str]:
    return [gemmi.cif.as_string(value) for value in block.find_values(tag)]


def _rows(block: gemmi.cif.Block, tag: str) -> list[tuple[str, str]]:
    """(label, value) of one column of the sites."""
    if not len(block.find_values(tag)):
        return []
    return [(gemmi.cif.as_string(row[0]), row[1]) for row in block.find(["_atom_site_label", tag])]
