"""CIF texts written by hand: a sound one whose parts can be replaced one at a time."""

from __future__ import annotations

import gemmi

from data.cif.disorder import Disorder
from data.cif.reader import read_cif
from data.disordered import AnyCrystal
from data.rejection import Rejection

CELL = """\
_cell_length_a 4.445(2)
_cell_length_b 4.445(2)
_cell_length_c 4.445(2)
_cell_angle_alpha 90.
_cell_angle_beta 90.
_cell_angle_gamma 90.
"""
P1 = "loop_\n_symmetry_equiv_pos_as_xyz\n'x, y, z'\n"
COLUMNS = ("label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy")
MNO = "Mn1 Mn2+ 0 0 0 1.\nO1 O2- 0.5 0.5 0.5 1.\n"


def read_one(text: str) -> AnyCrystal | Rejection:
    """The only block of a CIF text, disordered crystals included."""
    (found,) = read_cif(text, "f", "f", Disorder.AVERAGE)
    return found


def crystal_of(text: str) -> AnyCrystal:
    """The crystal of the only block, which must not be rejected."""
    found = read_one(text)
    assert not isinstance(found, Rejection), found.detail
    return found


def cif_text(
    name: str = "test",
    *,
    extra: str = "",
    cell: str = CELL,
    symmetry: str = P1,
    columns: tuple[str, ...] = COLUMNS,
    sites: str = MNO,
) -> str:
    """A data block; every argument is the text of its part."""
    loop = "loop_\n" + "".join(f"_atom_site_{column}\n" for column in columns) if columns else ""
    return f"data_{name}\n{extra}{cell}{symmetry}{loop}{sites}"


def cell_text(a: float, b: float, c: float, alpha: float = 90, beta: float = 90, gamma: float = 90) -> str:
    lengths = "".join(f"_cell_length_{n} {v}\n" for n, v in zip("abc", (a, b, c), strict=True))
    return f"{lengths}_cell_angle_alpha {alpha}\n_cell_angle_beta {beta}\n_cell_angle_gamma {gamma}\n"


def operations(space_group: str) -> list[str]:
    """The triplets of a space group, identity first."""
    return [op.triplet() for op in gemmi.SpaceGroup(space_group).operations()]


def listed(triplets: list[str]) -> str:
    return "loop_\n_symmetry_equiv_pos_as_xyz\n" + "".join(f"'{t}'\n" for t in triplets)


def named(symbol: str) -> str:
    return f"_symmetry_space_group_name_H-M '{symbol}'\n"
