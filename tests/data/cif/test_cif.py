"""CIF reading, one quirk at a time: each reason has a text that triggers it and nothing else."""

from __future__ import annotations

import math

import numpy as np
import pytest

from data.checks import MAX_SITES
from data.cif.reader import read_cif
from data.crystal import Crystal
from data.rejection import Reason, Rejection
from tests.data.cif_texts import CELL, MNO, P1, cell_text, cif_text, listed, named, operations

POSITION_TOLERANCE = 1e-9  # fractional; the digits of the text, read as they are
NOT_CIF_READING = {  # given by archives, sources, the feature step or the label rules
    *(Reason.UNREADABLE, Reason.UNSAFE_NAME, Reason.NO_NEIGHBOURS, Reason.MISSING_VALUE, Reason.BAD_LABEL),
    *(Reason.CONTRADICTORY_LABEL, Reason.DUPLICATE_ID, Reason.READER_LOST, Reason.FAILED),
    *(Reason.NOT_OPTIMADE, Reason.NOT_STRUCTURE, Reason.FILTERED),
}
MANY_SITES = "".join(f"Fe{i} Fe {i % 13 / 13:.6f} {i // 13 % 13 / 13:.6f} {i // 169 / 13:.6f} 1\n" for i in range(MAX_SITES + 1))
CROOKED = [t.replace("-z+1/2", "-z+1/4") for t in operations("P n m a")]  # readable, but no group
FOREIGN = [*operations("P n m a")[:-1], "x,-y+1/2,-z"]
TWO_COLUMNS = ("label", "fract_x", "fract_y")
BAD = [
    (Reason.NOT_CIF, "empty text", ""),
    (Reason.NOT_CIF, "prose", "Dear Sir or Madam"),
    (Reason.NOT_CIF, "login page", "<!DOCTYPE html><html><body>Please log in</body></html>"),
    (Reason.NOT_CIF, "loop one value short", cif_text(sites="Mn1 Mn 0 0 0\n")),
    (Reason.NOT_CIF, "string never closed", cif_text(extra="_journal_name 'Acta\n")),
    (Reason.NOT_CIF, "a word for a whole number", cif_text(extra="_symmetry_Int_Tables_number many\n")),
    (Reason.NO_CELL, "no cell", cif_text(cell="")),
    (Reason.NO_CELL, "unknown length", cif_text(cell=CELL.replace("_a 4.445(2)", "_a ?"))),
    (Reason.NO_CELL, "a word for a length", cif_text(cell=CELL.replace("_a 4.445(2)", "_a long"))),
    (Reason.NO_CELL, "angles missing", cif_text(cell="".join(CELL.splitlines(keepends=True)[:3]))),
    (Reason.NO_CELL, "flat cell", cif_text(cell=cell_text(4, 4, 4, 60, 60, 120))),
    (Reason.NO_CELL, "impossible angles", cif_text(cell=cell_text(4, 4, 4, 20, 20, 120))),
    (Reason.NO_CELL, "negative length", cif_text(cell=cell_text(-4, 4, 4))),
    (Reason.NO_CELL, "absurdly thin cell", cif_text(cell=cell_text(3e-4, 3e-4, 1e6), sites="Mn1 Mn 0 0 0 1\n")),
    (Reason.NO_CELL, "endless edge", cif_text(cell=cell_text(4.4, 2147483648, 4.4))),
    (Reason.NO_CELL, "two negative edges", cif_text(cell=cell_text(4.4, -1, -9e18))),
    (Reason.NO_SITES, "header only", "data_test\n_journal_year 1999\n"),
    (Reason.NO_SITES, "no atom loop", cif_text(columns=(), sites="")),
    (Reason.NO_SITES, "no third coordinate", cif_text(columns=TWO_COLUMNS, sites="Mn1 0 0\n")),
    (Reason.BAD_COORDINATES, "unknown", cif_text(sites="Mn1 Mn ? ? ? 1\n")),
    (Reason.BAD_COORDINATES, "one unknown among good ones", cif_text(sites=MNO + "H1 H 0.2 0.2 ? 1\n")),
    (Reason.BAD_COORDINATES, "not applicable", cif_text(sites="Mn1 Mn 0 . 0 1\n")),
    (Reason.BAD_COORDINATES, "a word", cif_text(sites="Mn1 Mn 0 zero 0 1\n")),
    (Reason.BAD_COORDINATES, "not a number", cif_text(sites="Mn1 Mn 0 nan 0 1\n")),
    (Reason.BAD_COORDINATES, "without its point", cif_text(sites="Mn1 Mn 0 250 0 1\n")),
    (Reason.BAD_COORDINATES, "without its point, quoted", cif_text(sites="Mn1 Mn 0 '-0750(2)' 0 1\n")),
    (Reason.BAD_COORDINATES, "astronomical", cif_text(sites="Mn1 Mn 0 1e300 0 1\n")),
    (Reason.UNKNOWN_SYMMETRY, "neither operations nor symbol", cif_text(symmetry="")),
    (Reason.UNKNOWN_SYMMETRY, "unknown symbol", cif_text(symmetry=named("Q 7"))),
    (Reason.UNKNOWN_SYMMETRY, "operations unknown, no symbol", cif_text(symmetry=listed(["?"]))),
    (Reason.UNKNOWN_SYMMETRY, "an operation nobody can read", cif_text(symmetry=listed(["x,y,z", "-x,-y,banana"]))),
    (Reason.UNKNOWN_SYMMETRY, "an operation that is none", cif_text(symmetry=listed(["x,y,z", "x,x,x"]))),
    (Reason.UNKNOWN_SYMMETRY, "no group", cif_text(symmetry=listed(["x,y,z", "-x,-y,-z", "x,y,-z"]))),
    (Reason.UNKNOWN_SYMMETRY, "a typing error in the operations", cif_text(symmetry=listed(CROOKED))),
    (Reason.UNKNOWN_SYMMETRY, "another group than named", cif_text(symmetry=named("P n m a") + listed(FOREIGN))),
    (Reason.UNKNOWN_SYMMETRY, "no identity", cif_text(symmetry=listed(["-x,-y,-z"]))),
    (Reason.UNKNOWN_ELEMENT, "dummy", cif_text(sites=MNO + "M1 M 0.25 0.25 0.25 1\n")),
    (Reason.UNKNOWN_ELEMENT, "water", cif_text(sites=MNO + "Wat1 Wat 0.25 0.25 0.25 1\n")),
    (Reason.UNKNOWN_ELEMENT, "Z = 104", cif_text(sites="Rf1 Rf 0 0 0 1\n")),
    (Reason.PARTIAL_OCCUPANCY, "half", cif_text(sites="Mn1 Mn 0 0 0 0.5\nO1 O 0.5 0.5 0.5 1\n")),
    (Reason.PARTIAL_OCCUPANCY, "mixed site", cif_text(sites="Mn1 Mn 0 0 0 0.5\nFe1 Fe 0 0 0 0.5\nO1 O 0.5 0.5 0.5 1\n")),
    (Reason.PARTIAL_OCCUPANCY, "more than full", cif_text(sites="Mn1 Mn 0 0 0 1.02\nO1 O 0.5 0.5 0.5 1\n")),
    (Reason.PARTIAL_OCCUPANCY, "empty", cif_text(sites=MNO + "H1 H 0.25 0.25 0.25 0\n")),
    (Reason.OVERLAPPING_SITES, "0.2 Å apart", cif_text(sites=MNO + "Mn2 Mn 0.045 0 0 1\n")),
    (Reason.OVERLAPPING_SITES, "0.2 Å apart across the border", cif_text(sites=MNO + "Mn2 Mn 0.955 0 0 1\n")),
    (Reason.OVERLAPPING_SITES, "given twice", cif_text(sites=MNO + "Mn2 Mn 1 0 0 1\n")),
    (Reason.OVERLAPPING_SITES, "cells 0.4 Å apart", cif_text(cell=cell_text(0.4, 4, 4), sites="Mn1 Mn 0 0 0 1\n")),
    (Reason.OVERLAPPING_SITES, "its own image", cif_text(symmetry=listed(["x,y,z", "-x,-y,-z"]), sites="O1 O 0.05 0 0 1\n")),
    (Reason.MISSING_ATOMS, "hydrogen nobody located", cif_text(extra="_chemical_formula_sum 'H2 Mn1 O2'\n")),
    (Reason.TOO_LARGE, "too many sites", cif_text(cell=cell_text(60, 60, 60), sites=MANY_SITES)),
]  # fmt: skip


def read(text: str) -> list[Crystal | Rejection]:
    return list(read_cif(text, "folder/file.cif", "file"))


def read_one(text: str) -> Crystal:
    (crystal,) = read(text)
    assert isinstance(crystal, Crystal), crystal
    return crystal


def positions(crystal: Crystal) -> set[tuple[int, float, float, float]]:
    return {(z, *np.round(f % 1.0, 6).tolist()) for z, f in zip(crystal.numbers.tolist(), crystal.frac, strict=True)}


def test_the_good_text_is_good() -> None:
    crystal = read_one(cif_text())
    assert (crystal.id, crystal.formula, crystal.n_sites) == ("file", "MnO", 2)
    np.testing.assert_allclose(crystal.lattice, 4.445 * np.eye(3), atol=1e-9)


@pytest.mark.parametrize(("reason", "text"), [pytest.param(r, t, id=f"{r.value}-{what}") for r, what, t in BAD])
def test_each_fault_has_its_reason(reason: Reason, text: str) -> None:
    (rejection,) = read(text)
    assert isinstance(rejection, Rejection), f"read as {rejection.formula}, {rejection.n_sites} sites"
    assert rejection.reason is reason, rejection
    assert (rejection.candidate_id, rejection.source_file) == ("file", "folder/file.cif")
    assert rejection.detail


def test_every_reason_of_reading_is_triggered_above() -> None:
    assert {reason for reason, _, _ in BAD} | NOT_CIF_READING == set(Reason)


def test_the_largest_allowed_cell_is_read() -> None:
    sites = "".join(MANY_SITES.splitlines(keepends=True)[:MAX_SITES])
    assert read_one(cif_text(cell=cell_text(60, 60, 60), sites=sites)).n_sites == MAX_SITES


@pytest.mark.parametrize(
    "symmetry",
    [
        listed(operations("F m -3 m")),
        listed([t.replace("x", "X").replace(",", ", ") for t in operations("F m -3 m")]),
        named("F m -3 m"),
        named("Fm-3m"),
        "_space_group_name_H-M_alt 'F m -3 m'\n",
        "_symmetry_space_group_name_Hall '-F 4 2 3'\n",
        named("F m -3 m") + listed(["?"]),
    ],
    ids=["operations", "capitals", "symbol", "short symbol", "new tag", "Hall symbol", "operations unknown"],
)
def test_symmetry_by_operations_or_by_symbol_fills_the_cell(symmetry: str) -> None:
    crystal = read_one(cif_text(symmetry=symmetry))
    everywhere = [(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)]
    manganese = {(25, *map(float, p)) for p in everywhere}
    oxygen = {(8, *((np.array(p) + 0.5) % 1.0).tolist()) for p in everywhere}
    assert crystal.n_sites == 8
    assert positions(crystal) == manganese | oxygen


def test_a_very_oblique_cell_is_read() -> None:
    """Simple cubic, 3 Å, over the basis (1, 0, 0), (0, 1, 0), (8, 8, 1): lattice planes only 0.26 Å apart."""
    length, angle = 3 * math.sqrt(129), math.degrees(math.acos(8 / math.sqrt(129)))
    crystal = read_one(cif_text(cell=cell_text(3, 3, length, angle, angle, 90), sites="Mn1 Mn 0 0 0 1\n"))
    assert crystal.volume == pytest.approx(27.0)


def test_operations_in_an_unusual_setting_are_applied() -> None:
    crystal = read_one(cif_text(symmetry=listed(["x,y,z", "-x+1/4,-y,-z"]), sites="Mn1 Mn 0.3 0.2 0.1 1\n"))
    assert positions(crystal) == {(25, 0.3, 0.2, 0.1), (25, 0.95, 0.8, 0.9)}


@pytest.mark.parametrize("spoil", ["delete", "repeat"])
@pytest.mark.parametrize("symbol", ["", named("P n m a")], ids=["operations only", "and symbol"])
def test_a_spoilt_list_of_operations_never_gives_another_crystal(spoil: str, symbol: str) -> None:
    sites = "Mn1 Mn 0.1 0.25 0.2 1\nO1 O 0.3 0.05 0.4 1\n"
    whole = operations("P n m a")
    cell = cell_text(5.1, 6.2, 7.3)
    right = positions(read_one(cif_text(cell=cell, symmetry=listed(whole), sites=sites)))
    assert len(right) == 12
    for k in range(len(whole)):
        spoilt = [*whole[:k], *whole[k + 1 :]] if spoil == "delete" else [*whole, whole[k]]
        (found,) = read(cif_text(cell=cell, symmetry=symbol + listed(spoilt), sites=sites))
        if isinstance(found, Rejection):
            assert found.reason is Reason.UNKNOWN_SYMMETRY
        else:
            assert positions(found) == right


def test_uncertainties_in_brackets_are_no_digits() -> None:
    crystal = read_one(cif_text(sites="Mn1 Mn 0.1234(5) -0.25(1) .5 1.000(3)\n"))
    np.testing.assert_allclose(crystal.frac, [[0.1234, -0.25, 0.5]], atol=POSITION_TOLERANCE)


@pytest.mark.parametrize("ending", ["\r\n", "\r"])
def test_line_ends_of_other_systems(ending: str) -> None:
    assert read_one(cif_text().replace("\n", ending)).formula == "MnO"


@pytest.mark.parametrize("kind", ["D", "D1+", "T", "H1+"])
def test_heavy_hydrogen_is_hydrogen(kind: str) -> None:
    formula = f"_chemical_formula_sum '{kind[0]}1 Mn1'\n"
    crystal = read_one(cif_text(extra=formula, sites=f"Mn1 Mn 0 0 0 1\n{kind[0]}1 {kind} 0.5 0.5 0.5 1\n"))
    assert sorted(crystal.numbers.tolist()) == [1, 25]


@pytest.mark.parametrize("occupancy", ["1", "1.0", "1.0000(5)", ".", "?"])
def test_an_occupancy_that_is_full_or_unstated(occupancy: str) -> None:
    assert read_one(cif_text(sites=f"Mn1 Mn 0 0 0 {occupancy}\n")).n_sites == 1


def test_elements_from_labels_where_no_type_is_given() -> None:
    crystal = read_one(cif_text(columns=("label", "fract_x", "fract_y", "fract_z"), sites="Mn1 0 0 0\nO2 0.5 0.5 0.5\n"))
    assert crystal.numbers.tolist() == [25, 8]


def test_no_atom_is_lost_where_the_formula_agrees() -> None:
    assert read_one(cif_text(extra="_chemical_formula_sum 'Mn1 O1'\n")).formula == "MnO"


@pytest.mark.parametrize("written", ["1", "-1", "00", "1.000", "12.25", "1e0", "'0'"])
def test_whole_numbers_of_cells(written: str) -> None:
    assert read_one(cif_text(sites=f"Mn1 Mn 0 {written} 0 1\n")).n_sites == 1


def test_sites_keep_the_order_of_the_file() -> None:
    sites = "O1 O 0.5 0.5 0.5 1\nMn1 Mn 0 0 0 1\nC1 C 0.5 0 0 1\n"
    assert read_one(cif_text(symmetry=P1, sites=sites)).numbers.tolist() == [8, 25, 6]
