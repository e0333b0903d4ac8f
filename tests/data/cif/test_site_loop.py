"""Columns that stand apart from the loop of the positions: gemmi passes over them, so that the block is refused."""

from __future__ import annotations

import pytest

from data.cif.disorder import Disorder
from data.cif.reader import read_cif
from data.crystal import Crystal
from data.disordered import AnyCrystal, DisorderedCrystal
from data.rejection import Reason, Rejection
from tests.data.cif_texts import CELL, P1, cif_text

PLAIN = ("label", "type_symbol", "fract_x", "fract_y", "fract_z")
SITES = "Fe1 Fe 0 0 0\nO1 O .5 .5 .5\n"


def read(text: str) -> AnyCrystal | Rejection:
    (found,) = read_cif(text, "f", "f", Disorder.AVERAGE)
    return found


@pytest.mark.parametrize(
    "beside",
    [
        "loop_\n_atom_site_occupancy\n0.5\n1\n", "_atom_site_occupancy 0.5\n", "loop_\n_atom_site_disorder_group\n1\n2\n3\n",
        "loop_\n_atom_site_attached_hydrogens\n2\n0\n", "loop_\n_atom_site_calc_flag\ndum\nd\n",
    ],
)  # fmt: skip
def test_a_column_in_another_loop_is_refused(beside: str) -> None:
    found = read(cif_text(columns=PLAIN, sites=SITES + beside))
    assert isinstance(found, Rejection) and found.reason is Reason.NOT_CIF
    assert f"_atom_site_{beside.split('_atom_site_')[1].split()[0]}" in found.detail


def test_type_symbols_in_another_loop_are_no_labels() -> None:
    columns = ("label", "fract_x", "fract_y", "fract_z")
    found = read(cif_text(columns=columns, sites="Fe1 0 0 0\nO1 .5 .5 .5\nloop_\n_atom_site_type_symbol\nCo\nS\n"))
    assert isinstance(found, Rejection) and "_atom_site_type_symbol" in found.detail


@pytest.mark.parametrize("beside", ["loop_\n_atom_site_occupancy\n?\n?\n", "_atom_site_calc_flag .\n"])
def test_a_column_that_says_nothing_does_no_harm(beside: str) -> None:
    assert not isinstance(read(cif_text(columns=PLAIN, sites=SITES + beside)), Rejection)


def test_a_single_site_without_a_loop() -> None:
    values = {"label": "Fe1", "type_symbol": "Fe", "fract_x": 0, "fract_y": 0, "fract_z": 0, "occupancy": 0.5}
    found = read(f"data_x\n{CELL}{P1}" + "".join(f"_atom_site_{name} {value}\n" for name, value in values.items()))
    assert isinstance(found, DisorderedCrystal) and found.composition == {26: 0.5}


def test_sites_without_labels_are_known_by_their_type_symbols() -> None:
    found = read(cif_text(columns=PLAIN[1:], sites="Fe3+ 0 0 0\nO .5 .5 .5\n"))
    assert isinstance(found, Crystal) and found.numbers.tolist() == [26, 8] and not found.note.startswith("site")
    single = {"type_symbol": "Fe", "fract_x": 0, "fract_y": 0, "fract_z": 0}
    found = read(f"data_x\n{CELL}{P1}" + "".join(f"_atom_site_{name} {value}\n" for name, value in single.items()))
    assert isinstance(found, Crystal) and found.numbers.tolist() == [26]


def test_sites_that_name_no_element_at_all() -> None:
    found = read(cif_text(columns=PLAIN[2:], sites="0 0 0\n.5 .5 .5\n"))
    assert isinstance(found, Rejection) and found.reason is Reason.UNKNOWN_ELEMENT
    assert found.detail == "the sites have neither labels nor type symbols"


def test_labels_that_stand_apart_are_refused() -> None:
    """Gemmi reads the loop of the labels, and takes coordinates that it lacks for zero."""
    beside = "loop_\n_atom_site_label\n_atom_site_U_iso_or_equiv\nFe1 0.01\nO1 0.01\n"
    found = read(cif_text(columns=PLAIN[1:], sites=f"Fe .3 .3 .3\nO .5 .5 .5\n{beside}"))
    assert isinstance(found, Rejection) and found.detail.startswith("_atom_site_label stands apart")
