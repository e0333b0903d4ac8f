"""Statements about symmetry that are odd, short or contradictory: the reading that everything else supports, or a reason."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest

from data.cif.reader import read_cif
from data.cif.settings import settings_of_symbol
from data.crystal import Crystal
from data.rejection import Reason, Rejection
from tests.data.cif_texts import cell_text, cif_text, listed, named, operations

LABELS = ("label", "fract_x", "fract_y", "fract_z")
PLACES = 1e-6  # fractional
SPELLINGS = [
    ("_space_group_symop_magn_operation.", "_space_group_symop_magn_centering."),
    ("_space_group_symop.magn_operation_", "_space_group_symop.magn_centering_"),
    ("_space_group_symop_magn_operation_", "_space_group_symop_magn_centering_"),
]


def read(text: str) -> Crystal | Rejection:
    (item,) = read_cif(text, "file.cif", "file")
    return item


def content(formula: str, units: int | str = "?") -> str:
    return f"_chemical_formula_sum '{formula}'\n_cell_formula_units_Z {units}\n"


def file(symmetry: str, cell: str, sites: str, extra: str = "") -> str:
    return cif_text(symmetry=symmetry, cell=cell, sites=sites, extra=extra, columns=LABELS)


def crystal(text: str) -> Crystal:
    item = read(text)
    assert isinstance(item, Crystal), item
    return item


def refusal(text: str) -> str:
    item = read(text)
    assert isinstance(item, Rejection), f"read as {item.formula}, {item.n_sites} sites, {item.note}"
    assert item.reason is Reason.UNKNOWN_SYMMETRY, item
    return item.detail


def magnetic(names: tuple[str, str], rows: list[str], shifts: list[str]) -> str:
    loops = ""
    for name, texts in zip(names, (rows, shifts), strict=True):
        loops += f"loop_\n{name}id\n{name}xyz\n" + "".join(f"{k} {text}\n" for k, text in enumerate(texts, 1)) if texts else ""
    return loops


@pytest.mark.parametrize("names", SPELLINGS)
@pytest.mark.parametrize("family", ["", named("P -1"), named("P -1") + "_symmetry_Int_Tables_number 2\n"])
def test_magnetic_operations_in_each_spelling(names: tuple[str, str], family: str) -> None:
    symmetry = family + magnetic(names, ["x,y,z,+1", "-x,-y,-z,+1"], ["x,y,z,+1", "x,y,z+1/2,-1"])
    found = crystal(file(symmetry, cell_text(4.0, 4.1, 8.3), "Fe1 0 0 0\nO1 0.5 0.5 0.25\n"))
    assert (found.formula, found.n_sites) == ("FeO", 4)


@pytest.mark.parametrize("names", SPELLINGS)
@pytest.mark.parametrize("wrong", ["-x,-y,banana,+1", "-x,-y,-z,up", "-x,-y"])
def test_an_unreadable_operation_is_quoted_and_never_absent(names: tuple[str, str], wrong: str) -> None:
    symmetry = named("P -1") + magnetic(names, ["x,y,z,+1", wrong], [])
    assert repr(wrong) in refusal(file(symmetry, cell_text(4.0, 4.1, 8.3), "Fe1 0 0 0\n"))
    assert repr(wrong) in refusal(file(named("P -1") + listed(["x,y,z", wrong]), cell_text(4, 5, 6), "Fe1 0 0 0\n"))


def test_a_magnetic_group_without_operations_is_not_its_family() -> None:
    symmetry = named("P -1") + "_space_group_magn.name_BNS 'P_S -1'\n"
    assert "P_S -1" in refusal(file(symmetry, cell_text(4, 5, 6), "Fe1 0 0 0\n"))


def test_operations_with_factors() -> None:
    symmetry = magnetic(SPELLINGS[0], ["x,y,z,+1", "-x,-2x+y,z,+1"], ["x,y,z,+1", "x+1/2,y,z,-1"])
    found = crystal(file(symmetry, cell_text(10, 5, 4.1, 90, 90, 120), "Fe1 0 0 0\nGe1 0.1667 0.6667 0.5\n"))
    assert (found.formula, found.n_sites) == ("FeGe2", 6)
    assert not crystal(file(listed(["x,y,z", "-x,-2x+y,z"]), cell_text(10, 5, 4, 90, 90, 120), "Fe1 0 0 0\n")).note
    assert "2x,y,z" in refusal(file(listed(["x,y,z", "-2x,y,z"]), cell_text(10, 5, 4), "Fe1 0 0 0\n"))


LAVES = "Gd1 0 0 0\nFe1 0.625 0.625 0.625\n"


NO_ORIGIN = ["F d -3 m", "F d 3 m", "F 41/d -3 2/m", "Fd-3m"]


@pytest.mark.parametrize("symbol", [*NO_ORIGIN, "F d -3 m :1", "F d -3 m S", "F d -3 m (origin 1)"])
def test_origin_choice_1(symbol: str) -> None:
    found = crystal(file(named(symbol), cell_text(7.39, 7.39, 7.39), LAVES, content("Fe2 Gd", 8)))
    assert (found.formula, found.n_sites) == ("GdFe2", 24)
    assert ("F d -3 m:1" in found.note) == (symbol in NO_ORIGIN)


@pytest.mark.parametrize("symbol", ["F d -3 m", "F d -3 m :2", "F d -3 m Z", "F d -3 m {origin @ centre (-3m)}", "Fd-3mZ"])
def test_origin_choice_2(symbol: str) -> None:
    sites = "Gd1 0.125 0.125 0.125\nFe1 0.5 0.5 0.5\n"
    found = crystal(file(named(symbol), cell_text(7.39, 7.39, 7.39), sites, content("Fe2 Gd", 8)))
    assert (found.formula, found.n_sites) == ("GdFe2", 24)


def test_a_stated_origin_that_the_formula_contradicts() -> None:
    found = crystal(file(named("F d -3 m :2"), cell_text(7.39, 7.39, 7.39), LAVES, content("Fe2 Gd", 8)))
    assert found.formula == "GdFe2" and "F d -3 m:1" in found.note


def test_density_or_z_decides_the_origin_of_an_element() -> None:
    cell, site = cell_text(3.567, 3.567, 3.567), "C1 0 0 0\n"
    assert crystal(file(named("F d -3 m"), cell, site, content("C", 8))).n_sites == 8
    assert crystal(file(named("F d -3 m"), cell, site, "_exptl_crystal_density_diffrn 3.51\n")).n_sites == 8
    message = refusal(file(named("F d -3 m"), cell, site))
    assert "F d -3 m:1: 8 atoms" in message and "F d -3 m:2: 16 atoms" in message


INCOMPLETE = [
    ("I m m m", operations("P m m m"), cell_text(2.8, 2.9, 3.0), "Fe1 0 0 0\n", "Fe", 2, 2),
    ("F 4/m -3 2/m", ["x,y,z"], cell_text(5.64, 5.64, 5.64), "Mn1 0 0 0\nO1 0.5 0.5 0.5\n", "Mn O", 4, 8),
    ("F m -3 m", ["x,y,z"], cell_text(3.6, 3.6, 3.6), "Fe1 0 0 0\n", "Fe", 4, 4),
    ("F m m m", ["x,y,z", "x,y+1/2,z+1/2", "x+1/2,y,z+1/2", "-x,-y,-z"], cell_text(3.6, 3.7, 3.8), "Fe1 0 0 0\n", "Fe", 4, 4),
]


@pytest.mark.parametrize(("symbol", "rows", "cell", "sites", "formula", "units", "atoms"), INCOMPLETE)
def test_operations_left_out(symbol: str, rows: list[str], cell: str, sites: str, formula: str, units: int, atoms: int) -> None:
    symmetry = named(symbol) + listed(rows)
    found = crystal(file(symmetry, cell, sites, content(formula, units)))
    assert found.n_sites == atoms and symbol in found.note
    alone = read(file(symmetry, cell, sites))
    assert isinstance(alone, Rejection) or alone.n_sites == atoms, "nothing says that the short list is meant"


def test_all_atoms_listed_beside_the_symbol_of_the_crystal() -> None:
    sites = "Fe1 0 0 0\nFe2 0 0.5 0.5\nFe3 0.5 0 0.5\nFe4 0.5 0.5 0\n"
    for extra in ("", content("Fe", 4)):
        found = crystal(file(named("F m -3 m") + listed(["x,y,z"]), cell_text(3.6, 3.6, 3.6), sites, extra))
        assert found.n_sites == 4 and "operations" in found.note


def test_a_primitive_cell_under_the_symbol_of_its_group_is_no_contradiction() -> None:
    group = gemmi.SpaceGroup("I 4/m m m").operations()
    group.change_basis_forward(gemmi.Op("y+z,x+z,x+y").inverse())  # to a primitive cell, where nothing is centred
    rows = sorted({op.wrap().triplet() for op in group})
    edge, alpha = 4.0, 103.0
    wide = float(np.degrees(np.arccos(-1 - 2 * np.cos(np.radians(alpha)))))
    text = file(named("I 4/m m m") + listed(rows), cell_text(edge, edge, edge, alpha, alpha, wide), "Fe1 0 0 0\n")
    found = read(text)
    if isinstance(found, Crystal):
        assert found.n_sites == 1 and not found.note
    else:
        assert found.reason is Reason.UNKNOWN_SYMMETRY


def test_a_cell_without_the_symmetry_is_refused() -> None:
    for edges in ((3.6, 3.6, 4.2), (3.6, 3.6, 3.7), (3.5, 3.6, 3.6)):
        assert "the cell is off" in refusal(file(named("F m -3 m"), cell_text(*edges), "Fe1 0 0 0\n"))
        assert "the cell is off" in refusal(file(listed(operations("F m -3 m")), cell_text(*edges), "Fe1 0 0 0\n"))
    hexagonal = file(named("P 63/m m c"), cell_text(2.5, 2.5, 4.07), "Co1 0.3333 0.6667 0.25\n", content("Co", 2))
    assert "P 63/m m c" in refusal(hexagonal)
    assert crystal(file(named("F m -3 m"), cell_text(3.6, 3.601, 3.6, 90, 90.02, 90), "Fe1 0 0 0\n")).n_sites == 4


@pytest.mark.parametrize(
    ("angles", "setting"), [((90, 90, 110), "P 1 1 2/m"), ((90, 110, 90), "P 1 2/m 1"), ((110, 90, 90), "P 2/m 1 1")]
)
@pytest.mark.parametrize("symbol", ["P 2/m", "P2/m", "P 1 2/m 1", "P 1 1 2/m"])
def test_the_angle_says_which_axis_is_unique(symbol: str, angles: tuple[float, float, float], setting: str) -> None:
    text = file(named(symbol), cell_text(4, 5, 6, *angles), "Fe1 0.1 0.2 0.3\n")
    by_operations = file(listed(operations(setting)), cell_text(4, 5, 6, *angles), "Fe1 0.1 0.2 0.3\n")
    assert sorted(crystal(text).frac.round(6).tolist()) == sorted(crystal(by_operations).frac.round(6).tolist())


AXES = ["R -3 m", "R -3 m :H", "R -3 m :R", "R -3 m H", "R -3 m HR", "R-3m R", "R -3 2/m"]
AXES += ["R -3 m (hexagonal axes)"]


@pytest.mark.parametrize("symbol", AXES)
def test_the_cell_says_which_axes_a_rhombohedral_group_has(symbol: str) -> None:
    site = "Fe1 0.25 0.25 0.25\n"
    rhombohedral = crystal(file(named(symbol), cell_text(4, 4, 4, 57, 57, 57), site, content("Fe", 2)))
    hexagonal = crystal(file(named(symbol), cell_text(4, 4, 10, 90, 90, 120), "Fe1 0 0 0.25\n", content("Fe", 6)))
    assert (rhombohedral.n_sites, hexagonal.n_sites) == (2, 6)


NUMBERS = [
    "_symmetry_Int_Tables_number 229\n",
    "_space_group_name_H-M_alt ?\n_space_group_IT_number 229\n",
    "_space_group_name_H-M_full 'I 4/m -3 2/m'\n",
    "_space_group.IT_number 229\n",
    "_space_group_name_H-M_alt 'I m -3 m'\n_space_group_IT_number 229\n",
]


@pytest.mark.parametrize("symmetry", NUMBERS)
def test_number_or_full_symbol(symmetry: str) -> None:
    assert crystal(file(symmetry, cell_text(2.87, 2.87, 2.87), "Fe1 0 0 0\n")).n_sites == 2


def test_a_number_with_several_settings_is_never_guessed() -> None:
    text = file("_symmetry_Int_Tables_number 62\n", cell_text(5, 6, 7), "Fe1 0.1 0.25 0.3\n")
    assert "P n m a" in refusal(text) and "operations" in refusal(text)
    assert "code" not in refusal(text)
    coded = "_space_group_IT_number 227\n_space_group_IT_coordinate_system_code 2\n"
    assert crystal(file(coded, cell_text(3.6, 3.6, 3.6), "C1 0.125 0.125 0.125\n")).n_sites == 8


def test_symbol_and_number_that_contradict_one_another() -> None:
    symmetry = named("F m -3 m") + "_symmetry_Int_Tables_number 227\n"
    cell, site = cell_text(3.6, 3.6, 3.6), "Fe1 0 0 0\n"
    assert "'F m -3 m', number 227" in refusal(file(symmetry, cell, site))
    found = crystal(file(symmetry, cell, site, content("Fe", 4)))
    assert found.n_sites == 4 and "number 227" in found.note
    with_operations = crystal(file(symmetry + listed(operations("F m -3 m")), cell, site))
    assert with_operations.n_sites == 4 and "227" in with_operations.note


def test_operations_of_another_group_than_named_win_where_they_fit() -> None:
    symmetry = named("P m m m") + listed(operations("P m m 2"))
    sites = "Fe1 0 0 0.1\nO1 0.5 0.5 0.4\n"
    found = crystal(file(symmetry, cell_text(3, 4, 5), sites, content("Fe O", 1)))
    assert found.n_sites == 2 and "P m m 2" in found.note
    assert crystal(file(symmetry, cell_text(3, 4, 5), sites, content("Fe O", 2))).n_sites == 4


DIGITS = [(4.9, "0.333", "0.667", 2)]
DIGITS += [(4.9, "0.33", "0.67", 2), (12.0, "0.3333", "0.6667", 2), (3.5, "0.3", "0.7", 2)]


@pytest.mark.parametrize(("a", "x", "y", "copies"), DIGITS)
def test_sites_given_to_few_digits_are_moved_onto_their_special_position(a: float, x: str, y: str, copies: int) -> None:
    found = crystal(file(named("P 63/m m c"), cell_text(a, a, 8, 90, 90, 120), f"Co1 {x} {y} 0.25\n"))
    assert found.n_sites == copies
    np.testing.assert_allclose(found.frac[0], [1 / 3, 2 / 3, 0.25], atol=PLACES)
    assert ("moved" in found.note) == (len(x) < 5)


def test_a_moved_site_has_the_symmetry_of_its_place() -> None:
    found = crystal(file(listed(operations("F m -3 m")), cell_text(5, 5, 5), "Fe1 0.0003 0 0\nO1 0.2498 0.2501 0.2503\n"))
    assert sorted(found.numbers.tolist()) == [8] * 8 + [26] * 4
    np.testing.assert_allclose(found.frac * 4, np.rint(found.frac * 4), atol=PLACES)


def test_a_site_near_its_images_stays_apart_where_atoms_can_be() -> None:
    found = crystal(file(listed(["x,y,z", "-x,-y,-z"]), cell_text(5, 5, 5), "H1 0.07 0 0\n"))
    assert found.n_sites == 2 and found.frac[0, 0] == 0.07


SYMBOLS = [
    ("P21/c", "P 1 21/c 1"),
    ("P2(1)/c", "P 1 21/c 1"),
    ("P 1 21/c 1", "P 1 21/c 1"),
    ("P2~1~/n", "P 1 21/n 1"),
    ("P 1 1 21/b", "P 1 1 21/b"),
    ("P 31 2 1", "P 31 2 1"),
    ("P3121", "P 31 2 1"),
    ("P312", "P 3 1 2"),
    ("P 6_3/m m c", "P 63/m m c"),
    ("P63/mmc", "P 63/m m c"),
    ("C m c e", "C m c a"),
    ("FM-3M", "F m -3 m"),
    ("F_m_-3_m", "F m -3 m"),
    ("P n m a (No. 62)", "P n m a"),
    ("Pbnm", "P b n m"),
    ("I 41/a m d S", "I 41/a m d:1"),
    ("I41/amdZ", "I 41/a m d:2"),
    ("P n n n Z", "P n n n:2"),
    ("R 3 c H", "R 3 c:H"),
    ("R3mr", "R 3 m:R"),
    ("P 21/n 21/m 21/a", "P n m a"),
    ("P 42/m n m", "P 42/m n m"),
    ("P m -3 m S", "P m -3 m"),
    ("P 4/n m m origin choice 2", "P 4/n m m:2"),
]


@pytest.mark.parametrize(("symbol", "setting"), SYMBOLS)
def test_symbols_as_people_write_them(symbol: str, setting: str) -> None:
    chosen, _ = settings_of_symbol(symbol)
    assert chosen[0].xhm() == setting
