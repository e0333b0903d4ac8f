"""Occupancies, volume, Z, density and multiplicities: what a file states beside its sites must not be passed over."""

from __future__ import annotations

import pytest

from data.cif.disorder import Disorder
from data.cif.reader import read_cif
from data.disordered import AnyCrystal, DisorderedCrystal
from data.rejection import Reason, Rejection
from tests.data.cif_texts import cell_text, cif_text, crystal_of, listed, named, operations, read_one

BCC = {"cell": cell_text(2.8665, 2.8665, 2.8665), "symmetry": named("I m -3 m"), "sites": "Fe1 Fe 0 0 0 1\n"}


def rejection(text: str) -> Rejection:
    found = read_one(text)
    assert isinstance(found, Rejection)
    return found


def atoms(found: AnyCrystal) -> dict[int, float]:
    """Atoms in the cell by atomic number."""
    total: dict[int, float] = {}
    if isinstance(found, DisorderedCrystal):
        for kind in found.kind.tolist():
            for one in found.kinds[kind]:
                total[one.number] = total.get(one.number, 0.0) + one.occupancy
    else:
        for number in found.numbers.tolist():
            total[number] = total.get(number, 0.0) + 1.0
    return total


def split_cell(sites: str, symbol: str = "P m -3 m", extra: str = "") -> str:
    """A cubic cell with the given sites and one full oxygen in its middle."""
    cell = cell_text(4, 4, 4, 90, 90, 120 if symbol == "P 6" else 90)
    return cif_text(extra=extra, cell=cell, symmetry=listed(operations(symbol)), sites=f"{sites}O1 O 0.5 0.5 0.5 1\n")


SPLIT = [
    ("P m -3 m", "Fe1 Fe 0.02 0 0 0.1667\n", {26: 1.0, 8: 1.0}),
    ("P -1", "Fe1 Fe 0.03 0.01 0 0.5\n", {26: 1.0, 8: 1.0}),
    ("P -1", "Fe1 Fe 0.03 0.01 0 0.25\n", {26: 0.5, 8: 1.0}),
    ("P -1", "Fe1 Fe 0.03 0.01 0 0.25\nCo1 Co 0.03 0.01 0 0.25\n", {26: 0.5, 27: 0.5, 8: 1.0}),
    ("P 6", "Fe1 Fe 0.075 0 0 0.1667\n", {26: 1.0, 8: 3.0}),  # a ring of 0.3 Å, whose opposite sites are 0.6 Å apart
    ("P m -3 m", "Fe1 Fe 0.06 0.04 0.02 0.0208\n", {26: 1.0, 8: 1.0}),
    ("P m -3 m", "Fe1 Fe 0.02 0 0 0.0833\nCo1 Co 0 0 0 0.5\n", {26: 0.5, 27: 0.5, 8: 1.0}),
]


@pytest.mark.parametrize(("symbol", "sites", "content"), SPLIT)
def test_each_image_of_a_split_site_has_its_occupancy(symbol: str, sites: str, content: dict[int, float]) -> None:
    found = crystal_of(split_cell(sites, symbol))
    assert atoms(found) == pytest.approx(content, abs=2e-3)
    assert "split around a special position" in found.note


@pytest.mark.parametrize("disorder", Disorder)
def test_a_full_atom_is_on_its_special_position_or_nowhere(disorder: Disorder) -> None:
    text = split_cell("Fe1 Fe 0.075 0 0 1\n", "P 6")
    (found,) = read_cif(text, "f", "f", disorder)
    assert isinstance(found, Rejection) and found.reason is Reason.OVERLAPPING_SITES and "0.30 Å" in found.detail
    (near,) = read_cif(text.replace("0.075", "0.045"), "f", "f", disorder)
    assert not isinstance(near, Rejection) and near.n_sites == 4 and "moved" in near.note


@pytest.mark.parametrize("shares", [{"Fe": 0.6, "Co": 0.4}, {"Fe": 0.5}, {"Fe": 0.1, "Co": 0.1}])
def test_nor_are_atoms_whose_images_would_overfill_it(shares: dict[str, float]) -> None:
    """On the ring of six images there is room for a sixth of an atom on each, of all elements together."""
    sites = "".join(f"{name}1 {name} 0.075 0 0 {share}\n" for name, share in shares.items())
    found = read_one(split_cell(sites, "P 6"))
    assert isinstance(found, Rejection) and found.reason is Reason.OVERLAPPING_SITES and "0.30 Å" in found.detail


def test_an_occupancy_stays_where_the_images_would_overfill_the_place() -> None:
    found = crystal_of(split_cell("Fe1 Fe 0.02 0 0 0.5\n"))
    assert atoms(found) == pytest.approx({26: 0.5, 8: 1.0})
    assert "moved" in found.note and "split" not in found.note


def test_rounded_digits_are_no_split_site() -> None:
    text = cif_text(cell=cell_text(4.9, 4.9, 8, 90, 90, 120), symmetry=named("P 63/m m c"), sites="Co1 Co 0.33 0.67 0.25 0.3\n")
    assert atoms(crystal_of(text)) == pytest.approx({27: 0.6})


def test_the_formula_decides_whether_a_site_is_split() -> None:
    sites = "Fe1 Fe 0.03 0.01 0 0.25\n"
    assert atoms(crystal_of(split_cell(sites, "P -1", "_chemical_formula_sum 'Fe O2'\n")))[26] == pytest.approx(0.5)
    assert atoms(crystal_of(split_cell(sites, "P -1", "_chemical_formula_sum 'Fe O4'\n")))[26] == pytest.approx(0.25)


@pytest.mark.parametrize("written", ["0,5", "nan", "1/2", "half", "inf", "0.5?"])
def test_an_occupancy_that_is_no_number_is_not_one(written: str) -> None:
    found = rejection(cif_text(**BCC | {"sites": f"Fe1 Fe 0 0 0 {written}\n"}))
    assert found.reason is Reason.PARTIAL_OCCUPANCY and repr(written) in found.detail


@pytest.mark.parametrize("written", ["'0.5'", "0.5(2", "'0.50(2)'"])
def test_quoted_and_unclosed_occupancies_are_read(written: str) -> None:
    assert atoms(crystal_of(cif_text(**BCC | {"sites": f"Fe1 Fe 0 0 0 {written}\n"}))) == pytest.approx({26: 1.0})


@pytest.mark.parametrize("written", ["1.01", "0.998", "0.9985(3)"])
def test_occupancies_that_round_to_one_make_an_ordered_crystal(written: str) -> None:
    found = crystal_of(cif_text(**BCC | {"sites": f"Fe1 Fe 0 0 0 {written}\n"}))
    assert not isinstance(found, DisorderedCrystal) and atoms(found) == {26: 2.0}


@pytest.mark.parametrize("written", [".", "?"])
def test_an_occupancy_that_is_not_given_is_one(written: str) -> None:
    assert atoms(crystal_of(cif_text(**BCC | {"sites": f"Fe1 Fe 0 0 0 {written}\n"}))) == {26: 2.0}


def test_quoted_numbers_of_cell_and_coordinates_are_read() -> None:
    quoted = BCC["cell"].replace("_cell_length_a 2.8665", "_cell_length_a '2.8665'")
    assert atoms(crystal_of(cif_text(**BCC | {"cell": quoted, "sites": "Fe1 Fe '0' \"0.0\" 0 1\n"}))) == {26: 2.0}


@pytest.mark.parametrize("stated", ["100", "30.0", "2.3553", "20(1)", "'90'"])
def test_a_cell_of_another_volume_than_stated_is_rejected(stated: str) -> None:
    found = rejection(cif_text(extra=f"_cell_volume {stated}\n", **BCC))
    assert found.reason is Reason.NO_CELL and "_cell_volume" in found.detail


@pytest.mark.parametrize(("stated", "noted"), [("23.55(2)", False), ("?", False), ("0", False), ("24.2", True), ("47.1", True)])
def test_small_deviations_and_volumes_of_other_cells_are_noted(stated: str, noted: bool) -> None:
    found = crystal_of(cif_text(extra=f"_cell_volume {stated}\n", **BCC))
    assert ("_cell_volume" in found.note) == noted


@pytest.mark.parametrize("written", ["229", "229.0", "229.", "'229'", "229(1)"])
@pytest.mark.parametrize("tag", ["_symmetry_Int_Tables_number", "_space_group_IT_number"])
def test_a_group_number_is_read_however_it_is_written(tag: str, written: str) -> None:
    assert atoms(crystal_of(cif_text(**BCC | {"symmetry": f"{tag} {written}\n"}))) == {26: 2.0}


STATED = [
    ("_chemical_formula_sum Fe\n_cell_formula_units_Z 4\n", "but Z is 4"),
    ("_chemical_formula_sum Fe\n_cell_formula_units_Z 2\n", ""),
    ("_chemical_formula_sum Fe2\n_cell_formula_units_Z 2\n", ""),  # pymatgen's: the formula of the cell, Z of the reduced one
    ("_exptl_crystal_density_diffrn 3.0\n", "but _exptl_crystal_density_diffrn is 3"),
    ("_exptl_crystal_density_diffrn 7.87\n", ""),
]


@pytest.mark.parametrize(("extra", "note"), STATED)
def test_z_and_density_that_the_content_contradicts_are_noted(extra: str, note: str) -> None:
    found = crystal_of(cif_text(extra=extra, **BCC))
    assert note in found.note if note else found.note == ""


@pytest.mark.parametrize(
    ("formula", "units", "noted"),
    [("Fe", 2, True), ("Fe2", 2, True), ("Fe", 1, False), ("'Mn O'", 2, True), ("'Mn2 O2'", 2, False), ("'Mn O'", 1, False)],
)
def test_a_lost_centring_shows_in_z(formula: str, units: int, noted: bool) -> None:
    """One formula unit of a stated two: only a formula that is itself that many units can be that of the whole cell."""
    sites = "Mn1 Mn 0 0 0 1\nO1 O .5 .5 .5 1\n" * formula.startswith("'") or "Fe1 Fe 0 0 0 1\n"
    sites = "Mn1 Mn 0 0 0 1\nMn2 Mn 0 .5 .5 1\nO1 O .5 .5 .5 1\nO2 O .5 0 0 1\n" if "Mn2" in formula else sites
    found = crystal_of(cif_text(extra=f"_chemical_formula_sum {formula}\n_cell_formula_units_Z {units}\n", sites=sites))
    assert ("but Z is" in found.note) == noted


@pytest.mark.parametrize(("multiplicity", "noted"), [(2, False), (48, False), (4, True), (6, True)])
def test_multiplicities_that_the_symmetry_contradicts_are_noted(multiplicity: int, noted: bool) -> None:
    columns = ("label", "type_symbol", "symmetry_multiplicity", "fract_x", "fract_y", "fract_z")
    found = crystal_of(cif_text(**BCC | {"sites": f"Fe1 Fe {multiplicity} 0 0 0\n"}, columns=columns))
    assert ("multiplicities" in found.note) == noted


@pytest.mark.filterwarnings("error")
def test_a_multiplicity_beyond_all_numbers_warns_nobody() -> None:
    columns = ("label", "type_symbol", "symmetry_multiplicity", "fract_x", "fract_y", "fract_z")
    found = crystal_of(cif_text(**BCC | {"sites": "Fe1 Fe 1.5e308 0 0 0\n"}, columns=columns))
    assert "Fe1 1.5e+308 (here 2)" in found.note


def second_list(*triplets: str) -> str:
    return "loop_\n_space_group_symop_operation_xyz\n" + "".join(f"'{t}'\n" for t in triplets)


TWO = {"cell": cell_text(4, 5, 6), "sites": "Fe1 Fe 0.1 0.2 0.3 1\n"}


def test_two_lists_of_operations_that_nothing_decides_between_are_rejected() -> None:
    both = listed(["x,y,z", "-x,-y,z"]) + second_list("x,y,z", "-x,-y,-z")
    found = rejection(cif_text(symmetry=both, **TWO))
    assert found.reason is Reason.UNKNOWN_SYMMETRY and "two lists of operations differ" in found.detail


@pytest.mark.parametrize(("symbol", "z"), [("P -1", 0.7), ("P 1 1 2", 0.3)])
def test_the_name_of_the_group_decides_between_two_lists(symbol: str, z: float) -> None:
    both = listed(["x,y,z", "-x,-y,z"]) + second_list("x,y,z", "-x,-y,-z") + named(symbol)
    found = crystal_of(cif_text(symmetry=both, **TWO))
    assert not isinstance(found, DisorderedCrystal)
    assert found.frac[1, 2] % 1 == pytest.approx(z)


def test_the_content_decides_between_two_lists() -> None:
    both = listed(["x,y,z"]) + second_list("x,y,z", "-x,-y,-z")
    content = "_chemical_formula_sum Fe\n_cell_formula_units_Z 2\n"
    assert atoms(crystal_of(cif_text(extra=content, symmetry=both, **TWO))) == {26: 2.0}


GROUPED = ("label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy", "disorder_assembly", "disorder_group")
ALTERNATIVES = "Fe1 Fe 0 0 0 1 . .\nO1 O .5 .5 .2 {one} A 1\nO2 O .5 .5 .8 {other} A 2\n"


@pytest.mark.parametrize(("one", "other"), [("1", "1"), ("1.0", "0.9995"), ("1.00(1)", "1"), ("?", "?"), (".", "1")])
def test_alternatives_that_are_both_full_contradict_each_other(one: str, other: str) -> None:
    text = cif_text(columns=GROUPED, sites=ALTERNATIVES.format(one=one, other=other))
    found = read_one(text)
    assert isinstance(found, Rejection) and found.reason is Reason.PARTIAL_OCCUPANCY and "exclude" in found.detail


def test_alternatives_without_a_column_of_occupancies_are_full() -> None:
    columns = tuple(column for column in GROUPED if column != "occupancy")
    found = read_one(cif_text(columns=columns, sites=ALTERNATIVES.replace("1 . .", ". .").format(one="", other="")))
    assert isinstance(found, Rejection) and found.reason is Reason.PARTIAL_OCCUPANCY and "exclude" in found.detail


@pytest.mark.parametrize(
    "sites",
    [
        ALTERNATIVES.format(one="0.5", other="0.5"), ALTERNATIVES.format(one="1", other="1").replace("A 2", "B 2"),
        ALTERNATIVES.format(one="1", other="1").replace("A 2", "A 1"), ALTERNATIVES.format(one="?", other="0.5"),
    ],
)  # fmt: skip
def test_other_disorder_groups_are_read(sites: str) -> None:
    found = read_one(cif_text(columns=GROUPED, sites=sites))
    assert not isinstance(found, Rejection), found


def test_a_formula_decides_between_alternatives() -> None:
    text = cif_text(columns=GROUPED, sites=ALTERNATIVES.format(one="1", other="1"), extra="_chemical_formula_sum 'Fe O2'\n")
    found = read_one(text)
    assert not isinstance(found, Rejection) and found.formula == "FeO2"


@pytest.mark.parametrize("extra", ["_cell_subsystems_number 2\n", "_cell_subsystems_number 3\n_cell_modulation_dimension 1\n"])
def test_a_composite_crystal_has_no_one_cell(extra: str) -> None:
    found = read_one(cif_text(extra=extra))
    assert isinstance(found, Rejection) and "composite" in found.detail
    columns = ("label", "type_symbol", "fract_x", "fract_y", "fract_z", "subsystem_code")
    coded = cif_text(columns=columns, sites="Mn1 Mn 0 0 0 1\nO1 O .5 .5 .5 2\n")
    found = read_one(coded)
    assert isinstance(found, Rejection) and "composite" in found.detail
    found = read_one(coded.replace(".5 2", ".5 1"))
    assert not isinstance(found, Rejection)


@pytest.mark.parametrize(("beta", "word"), [(90.5, "0.9% off its symmetry"), (90.1, ""), (90, "")])
def test_a_cell_that_has_its_symmetry_roughly_is_noted(beta: float, word: str) -> None:
    found = crystal_of(cif_text(cell=cell_text(4, 5, 6, beta=beta), symmetry=named("P m m m")))
    assert word in found.note and bool(found.note) == bool(word)
