"""CIF 2 and magCIF give the crystals that the same facts give in the core dictionary's words."""

from __future__ import annotations

import re

import numpy as np
import pytest

from data.cif.disorder import Disorder
from data.cif.reader import read_cif
from data.crystal import Crystal
from data.disordered import DisorderedCrystal
from data.rejection import Reason, Rejection
from tests.data.cif_texts import cif_text, named

CELL = "".join(f"_cell_length_{k} {v}\n" for k, v in zip("abc", (4.4, 4.4, 8.8), strict=True))
CELL += "".join(f"_cell_angle_{k} 90\n" for k in ("alpha", "beta", "gamma"))
SITES = "loop_\n_atom_site_label\n_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"
SITES += "Mn1 Mn 0.1 0.2 0.05\nO1 O 0.6 0.7 0.3\n"


def read_one(text: str) -> Crystal | Rejection:
    (item,) = read_cif(text, "file.cif", "file")
    return item


def magnetic(operations: list[str], centrings: list[str], extra: str = "") -> str:
    lists = {"operation": operations, "centering": centrings}
    loops = ""
    for name, listed in lists.items():
        if listed:
            tag = f"_space_group_symop_magn_{name}"
            loops += f"loop_\n{tag}.id\n{tag}.xyz\n" + "".join(f"{k} {text}\n" for k, text in enumerate(listed, start=1))
    return f"data_magnetic\n{CELL}{loops}{extra}{SITES}"


def test_names_with_dots() -> None:
    plain = cif_text(symmetry=named("F m -3 m"), extra="_chemical_formula_sum 'Mn1 O1'\n")
    dotted = re.sub(r"_(cell|atom_site|symmetry|chemical_formula)_(?=[a-zA-Z])", r"_\1.", plain)
    assert dotted.count(".") > plain.count(".") + 10
    one, other = read_one(plain), read_one(dotted)
    assert isinstance(one, Crystal) and isinstance(other, Crystal)
    assert one.numbers.tolist() == other.numbers.tolist() and one.n_sites == 8
    np.testing.assert_array_equal(one.frac, other.frac)


@pytest.mark.parametrize("upper", [False, True])
def test_names_with_dots_behind_one_another_on_a_line(upper: bool) -> None:
    names = ["label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy"]
    tags = " ".join(f"_atom_site.{name}" for name in names)
    loop = f"loop_ {tags.upper() if upper else tags}\nMn1 Mn 0 0 0 0.5 O1 O .5 .5 .5 1\n"
    (found,) = read_cif(cif_text(columns=(), sites=loop), "file.cif", "file", Disorder.AVERAGE)
    assert isinstance(found, DisorderedCrystal) and found.composition == {8: 1.0, 25: 0.5}


CIF_2 = "#\\#CIF_2.0\n"


def test_texts_between_three_quotes_are_read() -> None:
    stated = "_chemical_formula_sum {q}Mn O2{q}\n"
    plain = cif_text(extra=stated.format(q="'"))
    for quotes in ("'''", '"""'):
        found = read_one(CIF_2 + cif_text(extra=stated.format(q=quotes)))
        assert isinstance(found, Rejection) and found == read_one(plain), "the formula counts"
    sites = "'''Mn1''' '''Mn2+''' 0 0 0 1.\nO1 \"\"\"O\"\"\" .5 .5 .5 1\n"
    operations = "loop_\n_space_group_symop_operation_xyz\n'''x,y,z'''\n\"\"\"x+1/2,y+1/2,z\"\"\"\n"
    found = read_one(CIF_2 + cif_text(symmetry=operations, sites=sites))
    assert isinstance(found, Crystal) and found.numbers.tolist() == [25, 25, 8, 8]


def test_three_quotes_may_hold_lines_and_other_texts_may_hold_three_quotes() -> None:
    lines = "_publ_text '''it's\nloop_\n_cell_length_a\n1 2\n'''\n"
    others = "_publ_other\n;\n ''' and\n;\n_publ_more \"a ''' b\" # '''\n"
    found = read_one(CIF_2 + cif_text(extra=lines + others))
    assert isinstance(found, Crystal) and found.n_sites == 2 and not found.note


def test_operations_of_a_magnetic_group_place_the_atoms() -> None:
    """An antiferromagnet along c: the anti-translation is a translation for the atoms."""
    crystal = read_one(magnetic(["x,y,z,+1", "-x,-y,-z,-1"], ["x,y,z,+1", "x,y,z+1/2,-1"]))
    assert isinstance(crystal, Crystal)
    assert sorted(crystal.numbers.tolist()) == [8] * 4 + [25] * 4
    wanted = {(0.1, 0.2, 0.05), (0.9, 0.8, 0.95), (0.1, 0.2, 0.55), (0.9, 0.8, 0.45)}
    assert {tuple(np.round(f % 1.0, 6).tolist()) for f in crystal.frac[crystal.numbers == 25]} == wanted


def test_without_centring_and_beside_other_operations() -> None:
    bare = read_one(magnetic(["x,y,z,+1", "-x,-y,-z,-1"], []))
    assert isinstance(bare, Crystal) and bare.n_sites == 4
    stated = "loop_\n_symmetry_equiv_pos_as_xyz\nx,y,z\n"
    both = read_one(magnetic(["x,y,z,+1", "-x,-y,-z,-1"], [], extra=stated))
    assert isinstance(both, Crystal) and both.n_sites == 2, "the file's own plain operations are the ones for the atoms"


@pytest.mark.parametrize("operations", [["x,y,z,+1", "x,y"], ["x,y,z,+1", "-x,-y,z+1/7,+1"], ["x,y,z,+1", "-y,x,z,+1"]])
def test_operations_that_are_no_group_are_turned_away(operations: list[str]) -> None:
    item = read_one(magnetic(operations, []))
    assert isinstance(item, Rejection) and item.reason is Reason.UNKNOWN_SYMMETRY


def test_very_many_operations_are_turned_away() -> None:
    item = read_one(magnetic([f"x+{k}/97,y,z,+1" for k in range(97)], [f"x,y+{k}/97,z,+1" for k in range(97)]))
    assert isinstance(item, Rejection) and item.reason is Reason.UNKNOWN_SYMMETRY
