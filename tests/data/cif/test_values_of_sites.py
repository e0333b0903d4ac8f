"""Elements, stated formulas, and items that say that a block is no plain crystal."""

from __future__ import annotations

import gemmi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.cif.disorder import Disorder
from data.cif.element_symbols import symbol_readings
from data.cif.reader import read_cif
from data.cif.stated_composition import formula_readings
from data.crystal import Crystal
from data.rejection import Reason, Rejection
from tests.data.cif_texts import cell_text, cif_text

UNTYPED = ("label", "fract_x", "fract_y", "fract_z")
MAGNETIC = [gemmi.Element(z).name for z in (*range(21, 31), *range(39, 49), *range(57, 81), *range(89, 104))]
ELEMENTS = [gemmi.Element(z).name for z in range(1, 104)]


def read(text: str, disorder: Disorder = Disorder.REJECT) -> Crystal | Rejection:
    (found,) = read_cif(text, "file.cif", "file", disorder)
    return found


def crystal(text: str) -> Crystal:
    found = read(text)
    assert isinstance(found, Crystal), found
    return found


def reason(text: str) -> Reason:
    found = read(text)
    assert isinstance(found, Rejection), found.formula
    assert found.detail
    return found.reason


def formula(text: str) -> str:
    return f"_chemical_formula_sum '{text}'\n"


def one_site(label: str, symbol: str, stated: str = "") -> str:
    return cif_text(extra=formula(stated) if stated else "", sites=f"{label} {symbol} 0 0 0 1\n")


@pytest.mark.parametrize(
    ("label", "symbol", "element"),
    [
        ("NI1_1", "MNI2", "Ni"),
        ("OS1_1", "MOS5", "Os"),
        ("FE1_1", "MFE3", "Fe"),
        ("HO1", "JHO3", "Ho"),
        ("Mn1", "MN2", "Mn"),
        ("Fe1", "?", "Fe"),
        ("Fe1", ".", "Fe"),
        ("a", "Fe(III)", "Fe"),
        ("a", "FeII", "Fe"),
        ("a", "FE", "Fe"),
        ("a", "Fe+3", "Fe"),
    ],
)
def test_the_whole_symbol_is_read(label: str, symbol: str, element: str) -> None:
    assert crystal(one_site(label, symbol)).formula == element


@given(element=st.sampled_from(MAGNETIC), kind=st.sampled_from("MJ"), charge=st.integers(0, 7))
def test_form_factors_are_their_element(element: str, kind: str, charge: int) -> None:
    symbol = f"{kind}{element.upper()}{charge}"
    assert gemmi.Element(element).atomic_number in symbol_readings(symbol)
    assert crystal(one_site(f"{element.upper()}1_1", symbol)).numbers.tolist() == [gemmi.Element(element).atomic_number]


@given(element=st.sampled_from(ELEMENTS), charge=st.sampled_from(["", "3+", "+3", "2-", "-2", "+", "0+", "3", "2.67+"]))
def test_a_charge_is_no_part_of_the_element(element: str, charge: str) -> None:
    assert symbol_readings(element + charge) == {gemmi.Element(element).atomic_number}


@pytest.mark.parametrize("symbol", ["X", "M1", "Fex", "Wat", "OH", "Iron", "JO2", "Vaca"])
def test_an_unexplained_symbol_is_no_element(symbol: str) -> None:
    assert reason(one_site("A1", symbol)) is Reason.UNKNOWN_ELEMENT


HYDROXYL = "Fe1 0 0 0\nO1 0.3 0 0\nHO1 0.45 0 0\nO2 0 0.3 0\nH2A 0.05 0.42 0\nH2B 0.9 0.42 0\n"


def test_hydrogen_on_oxygen_is_no_holmium() -> None:
    text = cif_text(extra=formula("Fe H3 O2"), cell=cell_text(6, 7, 8), columns=UNTYPED, sites=HYDROXYL)
    assert crystal(text).formula == "FeH3O2"
    assert reason(text.replace(formula("Fe H3 O2"), "")) is Reason.UNKNOWN_ELEMENT


@pytest.mark.parametrize(
    ("label", "one", "two"), [("CA1", "C", "Ca"), ("CD1", "C", "Cd"), ("HG1", "H", "Hg"), ("OS1", "O", "Os"), ("NB1", "N", "Nb")]
)
def test_capitals_without_types_need_a_formula(label: str, one: str, two: str) -> None:
    text = cif_text(columns=UNTYPED, sites=f"{label} 0 0 0\nFe1 0.5 0.5 0.5\n")
    assert reason(text) is Reason.UNKNOWN_ELEMENT
    for element in (one, two):
        found = crystal(text.replace("data_test\n", f"data_test\n{formula(f'Fe {element}')}"))
        assert sorted(found.numbers.tolist()) == sorted([26, gemmi.Element(element).atomic_number])


@pytest.mark.parametrize("label", ["Nd3", "Nd4", "Nd3*"])
def test_the_third_neodymium_is_no_ammonia(label: str) -> None:
    assert crystal(cif_text(columns=UNTYPED, sites=f"{label} 0 0 0\n")).formula == "Nd"
    assert reason(cif_text(columns=UNTYPED, sites=f"{label.upper()} 0 0 0\n")) is Reason.UNKNOWN_ELEMENT


@pytest.mark.parametrize(
    ("stated", "sites"),
    [
        ("Fe2 O3", "Fe1 Fe 0 0 0 1\nO1 O .5 .5 .5 1\n"),
        ("Fe O", "Fe1 Fe 0 0 0 1\nO1 O .5 .5 .5 1\nGd1 Gd .5 0 0 1\n"),
        ("Fe H4 O2", "Fe1 Fe 0 0 0 1\nO1 O .4 0 0 1\nO2 O 0 .4 0 1\nH1 H .6 .2 0 1\n"),
        ("C Mg O3", "Mg1 Mg 0 0 0 1\nC1 C .5 .5 .5 1\n"),
    ],
)
def test_sites_that_contradict_the_formula(stated: str, sites: str) -> None:
    assert reason(cif_text(extra=formula(stated), sites=sites)) is Reason.MISSING_ATOMS


@pytest.mark.parametrize(
    "stated",
    ["Mn O", "MnO", "Mn2 O2", "Mn1 O1", "Mn O (alpha)", "Mn(II) O", "MN O", "see text", "Hematite", "Mn1 2 O1 2", "O4 Mn4", "?"],
)
def test_formulas_as_people_write_them(stated: str) -> None:
    assert crystal(cif_text(extra=formula(stated))).formula == "MnO"


def test_a_folded_formula_is_read() -> None:
    folded = "_chemical_formula_sum\n;\\\n{}\n;\n"
    assert crystal(cif_text(extra=folded.format("Mn\\\n O"))).formula == "MnO"
    assert crystal(cif_text(extra=folded.format("Mn \\  \nO1"))).formula == "MnO"
    assert reason(cif_text(extra=folded.format("Mn2 \\\nO3"))) is Reason.MISSING_ATOMS


@given(st.dictionaries(st.sampled_from(ELEMENTS), st.integers(1, 30), min_size=1, max_size=5))
def test_a_formula_is_read_with_and_without_spaces(counts: dict[str, int]) -> None:
    expected = {gemmi.Element(name).atomic_number: float(n) for name, n in counts.items()}
    for separator in (" ", ""):
        assert expected in formula_readings(separator.join(f"{name}{n}" for name, n in counts.items()))


def test_attached_hydrogens_are_missing_atoms() -> None:
    columns = ("label", "type_symbol", "fract_x", "fract_y", "fract_z", "attached_hydrogens")
    sites = "Fe1 Fe 0 0 0 0\nO1 O 0.5 0.5 0.5 2\n"
    assert reason(cif_text(columns=columns, sites=sites)) is Reason.MISSING_ATOMS
    assert reason(cif_text(extra=formula("Fe H2 O"), columns=columns, sites=sites)) is Reason.MISSING_ATOMS
    assert crystal(cif_text(columns=columns, sites=sites.replace(" 2\n", " 0\n"))).formula == "FeO"
    listed = "H1 H 0.5 0.5 0.7 0\nH2 H 0.5 0.7 0.5 0\n"
    assert crystal(cif_text(extra=formula("Fe H2 O"), columns=columns, sites=sites + listed)).n_sites == 4


@pytest.mark.parametrize(
    "extra",
    [
        "_cell_modulation_dimension 1\n",
        "loop_\n_cell_wave_vector_seq_id\n_cell_wave_vector_x\n1 0.43\n",
        "_space_group_ssg_name 'P 4/n m m (0,0,g)s00'\n",
        "_space_group_magn.ssg_name 'P1(a,b,g)0'\n",
    ],
)
def test_modulation_is_noted(extra: str) -> None:
    assert "modulated" in crystal(cif_text(extra=extra)).note
    assert "modulated" not in crystal(cif_text(extra="_cell_modulation_dimension 0\n")).note


@pytest.mark.parametrize("dummy", ["Vac1 Vac", "Du1 Du", "V1 Va"])
def test_dummy_sites_are_left_out(dummy: str) -> None:
    found = crystal(cif_text(sites=f"Mn1 Mn 0 0 0 1\nO1 O 0.5 0.5 0.5 1\n{dummy} 0.5 0 0 1\n"))
    assert found.formula == "MnO" and "dummy" in found.note


def test_mixed_valence_on_one_site_is_one_element() -> None:
    found = crystal(cif_text(sites="Fe1 Fe2+ 0 0 0 0.33\nFe2 Fe3+ 0 0 0 0.67\nO1 O2- 0.5 0.5 0.5 1\n"))
    assert found.formula == "FeO" and "Fe2+" in found.note
    assert reason(cif_text(sites="Fe1 Fe2+ 0 0 0 0.5\nFe2 Fe3+ 0 0 0 0.3\nO1 O2- 0.5 0.5 0.5 1\n")) is Reason.PARTIAL_OCCUPANCY


@pytest.mark.parametrize("label", ["Fe/Co", "Al1/Si1", "Fe3+/Mn2+", "Fe,Co1", "(Fe;Mn)", "FE|CO", "AlSi", "FeCo1", "Fe1Co1"])
def test_a_label_of_two_elements_is_neither_of_them(label: str) -> None:
    assert reason(cif_text(columns=UNTYPED, sites=f"{label} 0 0 0\n")) is Reason.UNKNOWN_ELEMENT


@pytest.mark.parametrize(
    ("label", "formula"),
    [("Cl-", "Cl2"), ("Fe1/2", "Fe"), ("Fe/Fe2", "Fe"), ("Mn1,a", "Mn"), ("SiT1", "Si"), ("FeOct", "Fe"), ("FeTet1", "Fe")],
)
def test_other_marks_behind_a_label_say_nothing(label: str, formula: str) -> None:
    assert crystal(cif_text(columns=UNTYPED, sites=f'"{label}" 0 0 0\n')).formula == formula


@pytest.mark.parametrize("angle", [-90, 270, 0, 180, 450])
@pytest.mark.parametrize("which", [0, 1, 2])
def test_an_angle_that_no_cell_has(angle: float, which: int) -> None:
    """270 and -90 have the cosine and the volume of 90."""
    angles = [90.0, 90.0, 90.0]
    angles[which] = angle
    assert reason(cif_text(cell=cell_text(4, 5, 6, *angles))) is Reason.NO_CELL


def test_tritium_is_said_to_be_that_unless_a_formula_has_it() -> None:
    """`T` is as often the tetrahedral atom of a silicate, by its type symbol as by its label."""
    sites = "T1 T 0 0 0 1\nO1 O 0.5 0.5 0.5 1\n"
    assert "'T1' is hydrogen (tritium) by its type symbol" in crystal(cif_text(sites=sites)).note
    assert "tritium" not in crystal(cif_text(extra=formula("T O"), sites=sites)).note
    assert reason(cif_text(extra=formula("Si O"), sites=sites)) is Reason.MISSING_ATOMS


@pytest.mark.parametrize(
    ("sites", "words"),
    [
        ("Fe1 Co 0 0 0 1\nCo1 Fe 0.5 0.5 0.5 1\n", ["'Fe1' is Co by its type symbol", "'Co1' is Fe by its type symbol"]),
        ("Fe1 Fe 0 0 0 1\nCo1 Co 0.5 0.5 0.5 1\n", []),
        ("Ni1 Fe 0 0 0 1\nCo1 Co 0.5 0.5 0.5 1\n", []),  # a name of its own, of no element that the formula has
    ],
)
def test_exchanged_type_symbols_add_up_to_the_formula_and_are_noted(sites: str, words: list[str]) -> None:
    found = crystal(cif_text(extra=formula("Fe Co"), sites=sites))
    assert all(word in found.note for word in words) and bool(found.note) == bool(words)
