"""Cells of tables in the types that pandas, spreadsheets and databases write: ids, flags, numbers, damaged and odd CSV."""

from __future__ import annotations

import gzip
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.errors import UserError
from data.labels import find_fault
from data.rejection import Reason, Rejection
from data.sources import Record
from data.sources.opening import candidate_columns, candidate_source
from data.sources.parquet import Columns, ParquetSource
from data.sources.table_cells import identifier_of, number_of, ordering_of, says_yes
from tests.data.cif_texts import cif_text

CIF = cif_text()
QUOTED = '"' + CIF.replace('"', '""') + '"'


def read(path: Path, columns: str = "") -> list[Record | Rejection]:
    source = candidate_source([path], candidate_columns(columns))
    source.identity()
    return [item for shard in source.shards() for item in source.read(shard)]


def of_parquet(tmp_path: Path, columns: str = "", **cells: Any) -> list[Record | Rejection]:
    pq.write_table(pa.table(cells), tmp_path / "t.parquet")
    return read(tmp_path / "t.parquet", columns)


def of_csv(tmp_path: Path, content: str | bytes, columns: str = "", name: str = "t.csv") -> list[Record | Rejection]:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return read(tmp_path / name, columns)


def ids(items: list[Record | Rejection]) -> list[str]:
    return [item.crystal.id for item in items if isinstance(item, Record)]


@pytest.mark.parametrize(
    ("cell", "text"),
    [(12, "12"), (12.0, "12"), (2.5, "2.5"), (math.nan, ""), (None, ""), (b"mp-1", "mp-1"), (" a ", "a"), ("  ", "")],
)
def test_ids(cell: object, text: str) -> None:
    assert identifier_of(cell) == text


def test_ids_that_pandas_turned_into_decimals(tmp_path: Path) -> None:
    items = of_parquet(tmp_path, material_id=[1001.0, math.nan], cif=[CIF, CIF])
    assert ids(items) == ["1001"]
    assert isinstance(items[1], Rejection) and items[1].reason is Reason.MISSING_VALUE


@pytest.mark.parametrize("cell", [None, "", "0", 0, 0.0, "False", "false", "no", False, math.nan, "nan", "None", "[]", []])
def test_flags_that_are_not_set(cell: object) -> None:
    assert not says_yes(cell)


@pytest.mark.parametrize("cell", [1, "1", "True", True, 12345, "12345", "[12345]", ["12345"], "yes", 1.0])
def test_flags_that_are_set(cell: object) -> None:
    assert says_yes(cell)


def test_rows_that_icsd_does_not_know_are_left_out_of_csv_too(tmp_path: Path) -> None:
    flags = ["False", "0", "", "nan", "True", "12345"]
    lines = "".join(f"{k},{QUOTED},{flag}\n" for k, flag in enumerate(flags))
    items = of_csv(tmp_path, f"material_id,cif,known\n{lines}", "icsd=known")
    assert ids(items) == ["4", "5"]
    assert {item.reason for item in items if isinstance(item, Rejection)} == {Reason.FILTERED}


@pytest.mark.parametrize(
    ("cell", "value"),
    [("0.05", 0.05), ("0,05", 0.05), ("-1,5e-3", -1.5e-3), (2, 2.0), ("x", math.nan), ("1,2,3", math.nan), (None, None)],
)
def test_numbers(cell: object, value: float | None) -> None:
    found = number_of(cell)
    assert found is None if value is None else np.isclose(found or 0.0, value, equal_nan=True)


def test_a_stability_that_is_no_number_is_noted(tmp_path: Path) -> None:
    cells = ["0,05", "?", "unstable", "", "NaN"]
    lines = "".join(f"{k};{QUOTED};{cell}\n" for k, cell in enumerate(cells))
    items = of_csv(tmp_path, f"material_id;cif;energy_above_hull_eV_atom\n{lines}")
    records = [item for item in items if isinstance(item, Record)]
    assert [r.e_above_hull for r in records] == [0.05, None, None, None, None]
    assert ["unstable" in r.crystal.note for r in records] == [False, False, True, False, False]


@pytest.mark.parametrize(
    "content",
    [
        f"material_id,cif\na,{QUOTED}\n", f"material_id,cif\na,{QUOTED}\n".replace("\n", "\r\n"),
        f"material_id,cif\na,{QUOTED}\n".replace("\n", "\r"), f"\n\nmaterial_id,cif\na,{QUOTED}\n",
        f",,material_id,cif\n1,2,a,{QUOTED}\n", gzip.compress(f"material_id,cif\na,{QUOTED}\n".encode()),
        b"\xef\xbb\xbf" + f"material_id;cif\na;{QUOTED}\n".encode(), f"material_id,cif\na,{QUOTED}\n".encode("utf-16"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_one_table_in_many_spellings(tmp_path: Path, content: str | bytes, name: str) -> None:
    """Packed or not is decided by the content: browsers unpack a download and keep its name."""
    assert ids(of_csv(tmp_path, content, name=name)) == ["a"]


def test_labels_of_candidates_can_be_switched_off_only(tmp_path: Path) -> None:
    assert ids(of_csv(tmp_path, f"name,cif\na,{QUOTED}\n", "id=name,split=,moment=")) == ["a"]
    with pytest.raises(UserError, match="moment is for `refresh`"):
        candidate_columns("moment=total_magnetization_muB")


@pytest.mark.parametrize(
    ("content", "columns", "word"),
    [
        (gzip.compress(f"material_id,cif\na,{QUOTED}\n".encode())[:-12], "", "not a readable CSV"),
        (b"", "", "no columns"), ("material_id,cif\n", "", "t.csv holds no rows"),
        (f"cif,cif,material_id\nx,{QUOTED},a\n", "", "two columns of the name 'cif'"),
        (f"material_id,cif\na,{QUOTED}\n", "id=material_id,id=cif", "two columns for id"),
        (f"material_id,cif\na,{QUOTED}\n", "id=cif", "both the id and the crystal"),
        (f"material_id,cif\na,{QUOTED}\n", "id=", "id needs a column"),
    ],
)  # fmt: skip
def test_mistakes_are_the_users(tmp_path: Path, content: str | bytes, columns: str, word: str) -> None:
    with pytest.raises(UserError, match=word):
        of_csv(tmp_path, content, columns)


def test_columns_of_one_name_in_parquet(tmp_path: Path) -> None:
    table = pa.table([pa.array(["a"]), pa.array(["b"]), pa.array([CIF])], names=["material_id", "material_id", "cif"])
    pq.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(UserError, match="two columns of the name"):
        read(tmp_path / "t.parquet")


@pytest.mark.parametrize(
    ("cell", "ordering"),
    [
        ("FM", "FM"), ("fm ", "FM"), ("FIM", "FiM"), ("Ferrimagnetic", "FiM"), ("anti-ferromagnetic", "AFM"),
        ("antiferromagnetism", "AFM"),
        ("non-magnetic", "NM"), ("Unknown", None), ("", None), (None, None), (math.nan, None), ("spin glass", "spin glass"),
    ],
)  # fmt: skip
def test_orderings(cell: object, ordering: str | None) -> None:
    assert ordering_of(cell) == ordering


def test_an_ordering_of_another_name_is_no_label(tmp_path: Path) -> None:
    words = ["ferromagnetic", "antiferromagnetic", "spin glass", "Unknown"]
    table = {"material_id": list("abcd"), "cif": [CIF] * 4, "total_magnetization_muB": [20.0] * 4, "kind": words}
    pq.write_table(pa.table(table), tmp_path / "t.parquet")
    source = ParquetSource(tmp_path / "t.parquet", labelled=True, columns=Columns.parse("ordering=kind"))
    records = [item for shard in source.shards() for item in source.read(shard)]
    labels = [item.label for item in records if isinstance(item, Record)]
    faults = [None if label is None else find_fault(label, 8) for label in labels]
    assert [fault and fault[0] for fault in faults] == [None, Reason.CONTRADICTORY_LABEL, Reason.BAD_LABEL, None]
