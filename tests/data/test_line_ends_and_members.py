"""Files whose lines end in carriage returns only, and zips with several members of one name."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from data.rejection import Rejection
from data.sources import Record
from data.sources.lookup import find_crystals
from data.sources.opening import candidate_columns, candidate_source
from tests.data.cif_texts import cell_text, cif_text, named

OXIDE = cif_text()
IRON = cif_text(cell=cell_text(2.86, 2.86, 2.86), sites="Fe1 Fe 0 0 0 1\nFe2 Fe 0.5 0.5 0.5 1\n")


def read(path: Path) -> list[Record | Rejection]:
    source = candidate_source([path], candidate_columns(""))
    return [item for shard in source.shards() for item in source.read(shard)]


def formulas(items: list[Record | Rejection]) -> list[str]:
    return [item.detail if isinstance(item, Rejection) else item.crystal.formula for item in items]


@pytest.mark.parametrize("text", [OXIDE, "# by hand\n" + OXIDE])
def test_a_cif_with_carriage_returns_only(tmp_path: Path, text: str) -> None:
    (tmp_path / "mac.cif").write_bytes(text.replace("\n", "\r").encode())
    assert formulas(read(tmp_path / "mac.cif")) == ["MnO"]


def test_a_licence_is_seen_whatever_ends_the_lines(tmp_path: Path) -> None:
    """In a file, and in a cell of a table whose own lines end otherwise."""
    text = cif_text(extra="_database_code_ICSD 12345\n").replace("\n", "\r")
    (tmp_path / "mac.cif").write_bytes(text.encode())
    pd.DataFrame({"material_id": ["a"], "cif": [text]}).to_parquet(tmp_path / "t.parquet")
    for name in ("mac.cif", "t.parquet"):
        (item,) = read(tmp_path / name)
        assert isinstance(item, Record) and item.licensed and item.crystal.formula == "MnO"


def test_members_of_one_name_are_all_read(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("x.cif", IRON)
        archive.writestr("y.cif", OXIDE)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("x.cif", OXIDE)
    (tmp_path / "z.zip").write_bytes(buffer.getvalue())
    items = read(tmp_path / "z.zip")
    assert formulas(items) == ["Fe", "MnO", "MnO"]
    assert [item.source_file for item in items] == ["z.zip/x.cif", "z.zip/x.cif", "z.zip/y.cif"]
    source = candidate_source([tmp_path / "z.zip"], candidate_columns(""))
    found = find_crystals(source, [("x", items[0].source_file)])
    assert [crystal.formula for crystals in found.values() for crystal in crystals] == ["Fe", "MnO"]


def test_what_a_cif_lacks_and_what_cif_1_has_not(tmp_path: Path) -> None:
    (tmp_path / "none.cif").write_text(cif_text(symmetry=""))
    (item,) = read(tmp_path / "none.cif")
    assert isinstance(item, Rejection) and item.detail == "the file has neither symmetry operations nor a space group"
    (tmp_path / "two.cif").write_text("#\\#CIF_2.0\n" + cif_text(symmetry=named("P 1"), extra="_foo [1 2 3]\n"))
    (item,) = read(tmp_path / "two.cif")
    assert isinstance(item, Record) and item.crystal.note == "not CIF 1.1, left out: _foo"
