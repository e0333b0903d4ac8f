"""The policies for crystals whose sites are shared or not full."""

from __future__ import annotations

import pytest

from data.cif.disorder import Disorder
from data.cif.reader import read_cif
from data.crystal import Crystal
from data.disordered import DisorderedCrystal
from data.rejection import Reason, Rejection

CELL = (
    "data_x\n"
    + "".join(f"_cell_length_{k} 2.9\n" for k in "abc")
    + "".join(f"_cell_angle_{k} 90\n" for k in ("alpha", "beta", "gamma"))
)
TAGS = ("label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy")
LOOP = "loop_\n" + "".join(f"_atom_site_{tag}\n" for tag in TAGS)


def read(sites: str, policy: Disorder, formula: str = "") -> Crystal | Rejection:
    text = f"{CELL}_space_group_name_H-M_alt 'P m -3 m'\n{formula}{LOOP}{sites}"
    (found,) = read_cif(text, "x.cif", "x", policy)
    return found


MIXED = "Fe1 Fe 0 0 0 0.9\nCo1 Co 0.0004 0 0 0.1\nAl1 Al 0.5 0.5 0.5 1\n"


def test_reject_is_the_default_and_names_the_site() -> None:
    found = read(MIXED, Disorder.REJECT)
    assert isinstance(found, Rejection)
    assert found.reason == Reason.PARTIAL_OCCUPANCY
    assert "'Fe1' has occupancy 0.9" in found.detail


def test_majority_takes_the_main_species_and_says_so() -> None:
    found = read(MIXED, Disorder.MAJORITY, "_chemical_formula_sum 'Fe0.9 Co0.1 Al'\n")
    assert isinstance(found, Crystal), found
    assert sorted(found.numbers.tolist()) == [13, 26]
    assert found.note == "disordered, majority taken: Fe1 0.9"


def test_a_vacancy_is_filled_only_by_a_majority() -> None:
    found = read("Fe1 Fe 0 0 0 0.8\n", Disorder.MAJORITY)
    assert isinstance(found, Crystal)
    assert found.note == "disordered, majority taken: Fe1 0.8"
    for sites in ("Fe1 Fe 0 0 0 0.5\nCo1 Co 0 0 0 0.5\n", "Fe1 Fe 0 0 0 0.3\n", "Fe1 Fe 0 0 0 1.7\nCo1 Co 0 0 0 9\n"):
        lost = read(sites, Disorder.MAJORITY)
        assert isinstance(lost, Rejection), sites
        assert lost.reason == Reason.PARTIAL_OCCUPANCY


def test_an_ordered_crystal_carries_no_note() -> None:
    for policy in Disorder:
        found = read("Fe1 Fe 0 0 0 1\nH1 D 0.5 0.5 0.5 1.000\nH2 D 0.5 0.5 0 1\n", policy)
        assert isinstance(found, Crystal)
        assert found.note == ""
        assert sorted(found.numbers.tolist()) == [1, 1, 1, 1, 26]  # deuterium is hydrogen


def averaged(sites: str, formula: str = "") -> DisorderedCrystal:
    text = f"{CELL}_space_group_name_H-M_alt 'P m -3 m'\n{formula}{LOOP}{sites}"
    (found,) = read_cif(text, "x.cif", "x", Disorder.AVERAGE)
    assert isinstance(found, DisorderedCrystal), found
    return found


def test_average_keeps_the_occupancies_of_a_place() -> None:
    found = averaged(MIXED, "_chemical_formula_sum 'Fe0.9 Co0.1 Al'\n")
    assert found.n_sites == 2 and found.formula == "AlFe0.9Co0.1"
    assert found.composition == {13: 1.0, 26: 0.9, 27: 0.1}
    assert found.occupancies == "Fe 0.9 Co 0.1 (1 site)"


def test_average_keeps_vacancies_and_split_places() -> None:
    found = averaged("Fe1 Fe 0 0 0 0.8\nCu1 Cu 0.5 0.5 0.3 0.25\n")
    assert found.n_atoms == pytest.approx(0.8 + 6 * 0.25)  # six places around the centre
    assert found.n_sites == 7


def test_rounded_thirds_fill_a_place_and_a_little_missing_is_a_vacancy() -> None:
    thirds = averaged("Fe1 Fe 0 0 0 0.333\nCo1 Co 0 0 0 0.333\nNi1 Ni 0 0 0 0.333\n")
    assert sum(thirds.composition.values()) == pytest.approx(1.0)
    assert averaged("Fe1 Fe 0 0 0 0.99\n").n_atoms == pytest.approx(0.99)


def test_charges_come_from_the_symbols_or_the_table_of_atom_types() -> None:
    (kind,) = averaged("Fe1 Fe3+ 0 0 0 0.5\nMn1 Mn2+ 0 0 0 0.5\n").kinds
    assert [(s.number, s.charge) for s in kind] == [(25, 2.0), (26, 3.0)]
    table = "loop_\n_atom_type_symbol\n_atom_type_oxidation_number\nFe 2.5\nMn 2\n"
    (kind,) = averaged("Fe1 Fe 0 0 0 0.5\nMn1 Mn 0 0 0 0.5\n", table).kinds
    assert [s.charge for s in kind] == [2.0, 2.5]
    (kind,) = averaged("Fe1 Fe 0 0 0 0.5\nMn1 Mn 0 0 0 0.5\n").kinds
    assert [s.charge for s in kind] == [None, None]


@pytest.mark.parametrize(
    ("sites", "formula", "reason", "word"),
    [
        ("Fe1 Fe 0 0 0 0.8\nCo1 Co 0 0 0 0.8\n", "", Reason.PARTIAL_OCCUPANCY, "1.6 times"),
        ("Fe1 Fe 0 0 0 1.7\n", "", Reason.PARTIAL_OCCUPANCY, "occupancy 1.7"),
        ("Fe1 Fe 0 0 0 -0.2\n", "", Reason.PARTIAL_OCCUPANCY, "occupancy -0.2"),
        ("Fe1 Fe 0 0 0 0.5\n", "_chemical_formula_sum 'Fe0.5 H2'\n", Reason.MISSING_ATOMS, "names H"),
        ("Fe1 Fe 0 0 0 0.5\nAl1 Al 0.5 0.5 0.5 1\n", "_chemical_formula_sum 'Fe0.9 Al'\n", Reason.MISSING_ATOMS, "do not add up"),
        ("Fe1 Fe 0 0 0 0.5\nW1 Wat 0.5 0.5 0.5 1\n", "", Reason.UNKNOWN_ELEMENT, "hydrogens have no sites"),
    ],
)
def test_what_no_average_can_mend_keeps_its_reason(sites: str, formula: str, reason: Reason, word: str) -> None:
    lost = read(sites, Disorder.AVERAGE, formula)
    assert isinstance(lost, Rejection)
    assert (lost.reason, word in lost.detail) == (reason, True), lost


IONS = "Fe1 Fe2+ 0 0 0 0.3\nFe2 Fe3+ 0 0 0 0.25\nCo1 Co2+ 0 0 0 0.45\nO1 O2- 0.5 0.5 0.5 1\n"
APART = "Fe1 Fe 0 0 0 0.5\nFe2 Fe 0.06 0 0 0.5\nO1 O 0.5 0.5 0.5 1\n"


@pytest.mark.parametrize(("sites", "share"), [(IONS, "Fe1/Fe2 0.55"), (APART, "Fe1/Fe2 1")])
def test_the_majority_is_that_of_an_element(sites: str, share: str) -> None:
    (found,) = read_cif(f"{CELL}_space_group_name_H-M_alt 'P 1'\n{LOOP}{sites}", "x.cif", "x", Disorder.MAJORITY)
    assert isinstance(found, Crystal), found
    assert (found.formula, found.note) == ("FeO", f"disordered, majority taken: {share}")


@pytest.mark.parametrize(
    ("sites", "word"),
    [
        ("Fe1 Fe 0 0 0 0.9\nCo1 Co 0 0 0 0.6\n", "fill one place 1.5 times"),
        ("Fe1 Fe 0 0 0 1\nCo1 Co 0 0 0 1\nAl1 Al 0.5 0.5 0.5 0.9\n", "fill one place 2 times"),
        ("Fe1 Fe 0 0 0 1.3\nCo1 Co 0 0 0 -0.3\n", "occupancy -0.3"),
        ("Fe1 Fe2+ 0 0 0 0.25\nFe2 Fe3+ 0 0 0 0.25\nCo1 Co 0 0 0 0.5\n", "no element has more than half"),
    ],
)
def test_no_majority_is_taken_of_what_contradicts_itself(sites: str, word: str) -> None:
    lost = read(sites, Disorder.MAJORITY)
    assert isinstance(lost, Rejection) and lost.reason == Reason.PARTIAL_OCCUPANCY and word in lost.detail, lost
