"""A number means the same with quotes around it, and with an uncertainty whose bracket is not closed, wherever it stands."""

from __future__ import annotations

import math

import pytest

from data.cif.numbers import number_of
from data.disordered import DisorderedCrystal
from data.rejection import Reason, Rejection
from tests.data.cif_texts import cif_text, crystal_of, listed, read_one

WATER = ("label", "type_symbol", "fract_x", "fract_y", "fract_z", "attached_hydrogens")
MULTIPLICITY = ("label", "type_symbol", "fract_x", "fract_y", "fract_z", "symmetry_multiplicity")


@pytest.mark.parametrize("written", ["3", "3.0", "3(1)", "'3'", '"3(1)"', "3(1", "3.(1"])
def test_spellings_of_a_number(written: str) -> None:
    assert number_of(written) == 3.0


@pytest.mark.parametrize("written", [None, "", "?", ".", "'?'", "three", "3+", "3,0", "'3 Å'"])
def test_what_is_no_number(written: str | None) -> None:
    assert math.isnan(number_of(written))


@pytest.mark.parametrize("two", ["2", "'2'", '"2"', "2(1"])
def test_attached_hydrogens_are_never_left_out(two: str) -> None:
    found = read_one(cif_text(columns=WATER, sites=f"Fe1 Fe 0 0 0 0\nO1 O 0.5 0.5 0.5 {two}\n"))
    assert isinstance(found, Rejection) and found.reason is Reason.MISSING_ATOMS


@pytest.mark.parametrize("states", [("2.5", "2"), ("'2.5'", "'2'"), ('"2.5(1)"', "2(1")])
def test_oxidation_numbers(states: tuple[str, str]) -> None:
    table = f"loop_\n_atom_type_symbol\n_atom_type_oxidation_number\nFe {states[0]}\nMn {states[1]}\nO ?\n"
    found = read_one(cif_text(extra=table, sites="Fe1 Fe 0 0 0 0.5\nMn1 Mn 0 0 0 0.5\nO1 O 0.5 0.5 0.5 1\n"))
    assert isinstance(found, DisorderedCrystal)
    assert {one.number: one.charge for kind in found.kinds for one in kind} == {25: 2.0, 26: 2.5, 8: None}


def test_an_oxidation_number_that_is_none_leaves_the_type_symbol_its_say() -> None:
    table = "loop_\n_atom_type_symbol\n_atom_type_oxidation_number\nFe3+ three\n"
    found = read_one(cif_text(extra=table, sites="Fe1 Fe3+ 0 0 0 0.5\nO1 O 0.5 0.5 0.5 1\n"))
    assert isinstance(found, DisorderedCrystal)
    assert {one.number: one.charge for kind in found.kinds for one in kind} == {26: 3.0, 8: None}


@pytest.mark.parametrize(
    ("item", "word"),
    [
        ("_chemical_formula_sum 'Mn2 O2'\n_cell_formula_units_Z {}\n", "Z is 9"),
        ("_exptl_crystal_density_diffrn {}\n", "density_diffrn is 9"),
        ("_cell_volume {}\n", "_cell_volume is 9"),
    ],
)
@pytest.mark.parametrize("nine", ["9", "'9'", "9(1", "'9(1)'"])
def test_statements_about_the_cell(item: str, word: str, nine: str) -> None:
    found = read_one(cif_text(extra=item.format(nine)))
    assert word in (found.detail if isinstance(found, Rejection) else found.note)


@pytest.mark.parametrize("two", ["2", "'2'"])
def test_multiplicities(two: str) -> None:
    text = cif_text(columns=MULTIPLICITY, symmetry=listed(["x,y,z", "-x,-y,-z", "x,y,-z", "-x,-y,z"]), sites="{}")
    assert "Mn1 2 (here 1)" in crystal_of(text.format(f"Mn1 Mn 0 0 0 {two}\nO1 O .5 .5 .2 2\n")).note


def test_units_decide_between_readings() -> None:
    """Operations of P1 beside a name of a larger group: both readings have the formula, and only Z tells which is meant."""
    symmetry = listed(["x,y,z"]) + "_symmetry_space_group_name_H-M 'P -1'\n"
    stated = "_chemical_formula_sum 'Mn O'\n_cell_formula_units_Z {}\n"
    for two in ("2", "'2'"):
        found = read_one(cif_text(extra=stated.format(two), symmetry=symmetry, sites="Mn1 Mn .1 .2 .3 1\nO1 O .6 .6 .7 1\n"))
        assert not isinstance(found, Rejection) and found.n_sites == 4
