"""Files with several data blocks: ids, and bad blocks that spare their neighbours."""

from __future__ import annotations

import pytest

from data.cif.reader import read_cif
from data.crystal import Crystal
from data.rejection import Reason, Rejection
from tests.data.cif_texts import cif_text

HEADER = "data_global\n_journal_year 1999\n"


def read(text: str) -> list[Crystal | Rejection]:
    return list(read_cif(text, "file.cif", "file"))


def ids(found: list[Crystal | Rejection]) -> list[str]:
    return [item.id if isinstance(item, Crystal) else f"{item.candidate_id} {item.reason.value}" for item in found]


def test_several_blocks_are_told_apart() -> None:
    assert ids(read(cif_text("one") + cif_text("two"))) == ["file#one", "file#two"]


@pytest.mark.parametrize("text", [HEADER + cif_text("one"), cif_text("one") + HEADER, HEADER + cif_text("one") + HEADER])
def test_header_blocks_beside_a_crystal_pass_in_silence(text: str) -> None:
    assert ids(read(text)) == ["file"]


@pytest.mark.parametrize("headers", [1, 2, 3])
def test_a_file_of_headers_only_is_one_rejection(headers: int) -> None:
    assert ids(read(HEADER.replace("global", "a") * headers)) == ["file no_sites"]


@pytest.mark.parametrize(
    ("tag", "code"),
    [("_database_code_ICSD", "41234"), ("_cod_database_code", "1000041"), ("_database_code_depnum_ccdc_archive", "'CCDC 9'")],
)
def test_a_database_code_is_the_id(tag: str, code: str) -> None:
    assert ids(read(cif_text(extra=f"{tag} {code}\n"))) == [code.strip("'")]


@pytest.mark.parametrize("code", ["?", ".", "' '"])
def test_an_empty_database_code_is_none(code: str) -> None:
    assert ids(read(cif_text(extra=f"_database_code_ICSD {code}\n"))) == ["file"]


def test_a_rejected_block_is_called_by_its_code() -> None:
    bad = cif_text("two", extra="_database_code_ICSD 7\n", sites="Mn1 Mn ? ? ? 1\n")
    assert ids(read(cif_text("one", extra="_database_code_ICSD 6\n") + bad)) == ["6#one", "7#two bad_coordinates"]
    (rejection,) = [item for item in read(cif_text("one") + bad) if isinstance(item, Rejection)]
    assert rejection.block == "two"


@pytest.mark.parametrize(
    ("middle", "reason"),
    [
        ("data_two\n_journal_name 'Acta\n_journal_year 1999\n", Reason.NOT_CIF),
        ("data_two\n_publ_section_title\n;\nnever closed\n", Reason.NOT_CIF),
        (cif_text("two", sites="Mn1 Mn 0 0 0\n"), Reason.NOT_CIF),
        (cif_text("two") + "stop here\n", Reason.NOT_CIF),
        (cif_text("two", sites="Mn1 Mn 0 ? 0 1\n"), Reason.BAD_COORDINATES),
        (cif_text("two", cell=""), Reason.NO_CELL),
        (cif_text("two", extra="_chemical_formula_sum 'H2 Mn O'\n"), Reason.MISSING_ATOMS),
    ],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_bad_block_in_the_middle_leaves_the_good_ones(middle: str, reason: Reason, ending: str) -> None:
    found = read((cif_text("one") + middle + cif_text("three")).replace("\n", ending))
    assert ids(found) == ["file#one", f"file#two {reason.value}", "file#three"]


def test_a_block_without_atoms_in_the_middle_leaves_the_good_ones() -> None:
    assert ids(read(cif_text("one") + cif_text("two", columns=(), sites="") + cif_text("three"))) == ["file#one", "file#three"]


def test_a_bad_block_beside_one_good_one() -> None:
    assert ids(read(cif_text("one") + "data_two\nloop_\n_a\n_b\n1 2 3\n")) == ["file", "file#two not_cif"]


def test_what_stands_before_the_first_block_spoils_nothing() -> None:
    assert ids(read("# (C) 2021 by someone\n\n" + cif_text("one"))) == ["file"]
    assert ids(read("stray words\n" + cif_text("one") + cif_text("two"))) == ["file#one", "file#two"]


def test_blocks_without_a_name() -> None:
    assert ids(read(cif_text("") + cif_text(""))) == ["file#", "file#"]
    assert len(read(cif_text("") + "data_\n_a 'open\n" + cif_text(""))) == 3
