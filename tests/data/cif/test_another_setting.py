"""Operations of one setting beside the name of another one of the same group: the sites, formula and Z say which is meant."""

from __future__ import annotations

import gemmi
import pytest

from data.crystal import Crystal
from data.disordered import AnyCrystal
from data.rejection import Rejection
from tests.data.cif_texts import cell_text, cif_text, listed, named, operations, read_one

SPINEL = {"1": ("0 0 0", ".625 .625 .625", ".3874 .3874 .3874"), "2": (".125 .125 .125", ".5 .5 .5", ".2624 .2624 .2624")}
CONTENT = "_chemical_formula_sum 'Mg Al2 O4'\n_cell_formula_units_Z 8\n"
HALL = {g.ext: f"_space_group_name_Hall '{g.hall}'\n" for g in gemmi.spacegroup_table_itb() if g.hm == "F d -3 m"}


def spinel(sites: str, symmetry: str, content: str = CONTENT) -> AnyCrystal | Rejection:
    mg, al, o = SPINEL[sites]
    rows = f"Mg1 Mg {mg} 1\nAl1 Al {al} 1\nO1 O {o} 1\n"
    return read_one(cif_text(extra=content, cell=cell_text(8.08, 8.08, 8.08), symmetry=symmetry, sites=rows))


@pytest.mark.parametrize("sites", ["1", "2"])
@pytest.mark.parametrize("operations_of", ["1", "2"])
@pytest.mark.parametrize("by", ["symbol", "Hall symbol"])
def test_the_content_decides_between_two_origins(sites: str, operations_of: str, by: str) -> None:
    other = "2" if operations_of == "1" else "1"
    name = named(f"F d -3 m :{other}") if by == "symbol" else HALL[other]
    found = spinel(sites, listed(operations(f"F d -3 m:{operations_of}")) + name)
    assert isinstance(found, Crystal) and found.formula == "MgAl2O4" and found.n_sites == 56
    assert f"the operations are those of F d -3 m:{operations_of}, not of" in found.note
    assert (f"taken: {by}" if sites == other else "taken: operations") in found.note


def test_where_nothing_decides_the_operations_count_and_the_note_says_so() -> None:
    found = spinel("2", listed(operations("F d -3 m:1")) + named("F d -3 m :2"), content="")
    assert isinstance(found, Crystal) and found.formula == "Mg2AlO"
    assert "the operations are those of F d -3 m:1, not of 'F d -3 m :2'; taken: operations" in found.note


def test_the_units_of_an_element_decide() -> None:
    symmetry = listed(operations("F d -3 m:1")) + named("F d -3 m :2")
    text = cif_text(
        extra="_chemical_formula_sum C\n_cell_formula_units_Z 8\n", cell=cell_text(3.57, 3.57, 3.57), symmetry=symmetry,
        sites="C1 C .125 .125 .125 1\n",
    )  # fmt: skip
    found = read_one(text)
    assert isinstance(found, Crystal) and found.n_sites == 8 and "taken: symbol" in found.note


@pytest.mark.parametrize(("symbol", "noted"), [("P n m a", False), ("Pnma", False), ("P b n m", True), ("P m c n", True)])
def test_the_usual_symbol_of_a_type_contradicts_no_setting(symbol: str, noted: bool) -> None:
    """Programs that search for symmetry write it beside the operations of any setting."""
    text = cif_text(cell=cell_text(5, 6, 7), symmetry=listed(operations("P n a m")) + named(symbol), sites="Fe1 Fe .1 .2 .25 1\n")
    found = read_one(text)
    assert isinstance(found, Crystal) and found.n_sites == 4 and ("not of" in found.note) == noted


def test_a_shifted_origin_that_no_symbol_can_name_is_settled() -> None:
    group = gemmi.SpaceGroup("P 1 21/c 1").operations()
    group.change_basis_forward(gemmi.Op("x+1/8,y,z"))
    rows = sorted({op.wrap().triplet() for op in group})
    cell = cell_text(5, 6, 7, beta=100)
    found = read_one(cif_text(cell=cell, symmetry=listed(rows) + named("P 1 21/c 1"), sites="Fe1 Fe .3 .2 .3 1\n"))
    assert isinstance(found, Crystal) and found.n_sites == 4 and not found.note
