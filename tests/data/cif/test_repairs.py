"""Syntax broken in places that say nothing of the crystal, and numbers whose uncertainty is not closed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.cif.reader import read_cif
from data.crystal import Crystal
from data.rejection import Reason, Rejection
from data.sources.cif_folder import decode
from tests.data.cif_texts import CELL, cif_text


def read(text: str) -> Crystal | Rejection:
    (found,) = read_cif(text, "file.cif", "file")
    return found


def good(text: str) -> Crystal:
    found = read(text)
    assert isinstance(found, Crystal) and found.formula == "MnO" and found.n_sites == 2, found
    return found


@pytest.mark.parametrize(
    "extra",
    [
        "_chemical_name_structure_type fcc(ccp)#Cu#γ-Mn\n",
        "_chemical_name_structure_type α−NaFeO2\n",
        "_journal_name_full “Journal of Things”\n",
        "_journal_name_full ‘Acta’\n",
        "_journal_volume\u00a012\n",
        "_journal_volume 1\ufeff2\n",
        "_journal_name_full J. Phys. Chem.\n",
        "_journal_year 1999\n_journal_year 2000\n",
        "loop_\n_publ_author_name\n_publ_author_address\na b c\n",
    ],
)
@pytest.mark.parametrize("end", ["", "\x1a", "\x00", "\r\n\x1a"])
def test_what_says_nothing_of_the_crystal_costs_nothing(extra: str, end: str) -> None:
    good(cif_text(extra=extra) + end)


@given(
    st.text(
        st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"], exclude_characters="'\"#;_"), min_size=1, max_size=12
    )
)
def test_any_letters_in_a_bare_value(word: str) -> None:
    good(cif_text(extra=f"_chemical_name_mineral a{word}\n"))


def test_windows_1252() -> None:
    assert good(decode(cif_text(extra="_journal_name_full “Acta” – 1\n").encode("cp1252"))).n_sites == 2


def test_a_broken_item_that_matters_costs_the_block() -> None:
    found = read(cif_text(extra="_chemical_formula_sum Mn O\n"))
    assert isinstance(found, Rejection) and found.reason is Reason.NOT_CIF
    noted = good(cif_text(extra="_journal_name_full J. Phys\n"))
    assert "_journal_name_full" in noted.note


@given(digits=st.integers(1, 9999), part=st.sampled_from(["a", "b", "c"]), uncertainty=st.sampled_from(["(", "(1", "(12"]))
def test_an_unclosed_uncertainty_is_read(digits: int, part: str, uncertainty: str) -> None:
    length = f"4.{digits:04d}"
    found = good(cif_text(cell=CELL.replace(f"_cell_length_{part} 4.445(2)", f"_cell_length_{part} {length}{uncertainty}")))
    assert found.volume == pytest.approx(4.445**2 * float(length), rel=1e-9)
    moved = good(cif_text(sites=f"Mn1 Mn 0.{digits % 1000:04d}{uncertainty} 0 0 1\nO1 O 0.5 0.5 0.5 1\n"))
    assert moved.frac[0, 0] == pytest.approx(digits % 1000 / 1e4, abs=1e-9)


@pytest.mark.parametrize("value", ["4.4{2}", "4.4+-0.1", "4.4±0.1", "long"])
def test_other_uncertainties_are_quoted(value: str) -> None:
    found = read(cif_text(cell=CELL.replace("_cell_length_c 4.445(2)", f"_cell_length_c {value}")))
    assert isinstance(found, Rejection) and found.reason is Reason.NO_CELL and value.replace("±", "")[:3] in found.detail
