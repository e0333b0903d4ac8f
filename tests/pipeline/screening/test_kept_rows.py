"""The keys of kept rows: another version of whatever decides a row finds nothing of before."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata

import pytest

from data.cif import kept_texts
from pipeline.screening import kept_rows

ELEMENT_TABLES = {"matminer", "ase"}
READERS = {"gemmi", "moyopy", "pymatgen"}


@pytest.mark.parametrize("library", sorted(kept_rows.LIBRARIES))
def test_another_version_of_a_library_has_other_keys(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now, installed = kept_rows._code.__wrapped__(), metadata.version
    assert now == kept_rows._code.__wrapped__()
    monkeypatch.setattr(metadata, "version", lambda name: "0.0.1" if name == library else installed(name))
    assert now != kept_rows._code.__wrapped__()


@pytest.mark.parametrize("library", sorted(READERS))
def test_another_version_of_a_reader_reads_again(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now, installed = kept_texts._reader.__wrapped__(), metadata.version
    monkeypatch.setattr(kept_texts, "version", lambda name: "0.0.1" if name == library else installed(name))
    assert now != kept_texts._reader.__wrapped__()


def test_all_that_decides_a_row_is_among_them_and_nothing_heavy_is_imported_for_it() -> None:
    assert set(kept_rows.LIBRARIES) >= ELEMENT_TABLES | READERS | {"spglib"}
    asked = "import sys; from pipeline.screening import kept_rows; kept_rows._code()"
    told = "print({'ase', 'matminer', 'spglib'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", f"{asked}; {told}"], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "set()"
