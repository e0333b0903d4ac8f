"""The two policies for crystals whose sites are shared or not full."""

from __future__ import annotations

from data.cif.disorder import Disorder
from data.cif.reader import read_cif
from data.crystal import Crystal
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
        found = read("Fe1 Fe 0 0 0 1\nH1 D 0.5 0.5 0.5 1.000\nT1 T 0.5 0.5 0 1\n", policy)
        assert isinstance(found, Crystal)
        assert found.note == ""
        assert sorted(found.numbers.tolist()) == [1, 1, 1, 1, 26]  # deuterium and tritium are hydrogen
