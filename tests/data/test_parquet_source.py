"""Parquet tables: which column is what, empty cells, parts that add up to the whole."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.errors import UserError
from data.labels import find_fault
from data.rejection import Reason, Rejection
from data.sources import Record, parquet
from data.sources.parquet import ROWS_PER_SHARD, Columns, ParquetSource
from tests.data.cif_texts import cif_text

MANY = 2 * ROWS_PER_SHARD + 37
RENAMED = Columns(id="name", cif="text", moment="M", moment_per_atom="m", provenance="from", split="part", ordering="order")


def write(path: Path, rows_per_group: int | None = None, **columns: list[Any]) -> Path:
    pq.write_table(pa.table(columns), path, row_group_size=rows_per_group)
    return path


def read(source: ParquetSource) -> list[Record | Rejection]:
    return [item for shard in source.shards() for item in source.read(shard)]


def told(items: list[Record | Rejection]) -> list[tuple[str, str]]:
    return [(i.candidate_id, i.reason.value) if isinstance(i, Rejection) else (i.crystal.id, i.crystal.formula) for i in items]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write(
        tmp_path / "t.parquet",
        material_id=["a", "b"],
        cif=[cif_text(), cif_text(extra="_database_code_ICSD 7\n")],
        total_magnetization_muB=[5.0, -4.0],
        magnetization_muB_per_atom=[2.5, 2.0],
        label_source=["here", None],
        split=["train", None],
    )


def test_the_default_columns(table: Path) -> None:
    first, second = read(ParquetSource(table, labelled=True))
    assert isinstance(first, Record) and first.label is not None
    assert (first.crystal.id, first.source_file, first.split) == ("a", "t.parquet", "train")
    label = first.label
    assert (label.moment_muB_per_cell, label.moment_muB_per_atom, label.provenance, label.ordering) == (5.0, 2.5, "here", None)
    assert isinstance(second, Record) and second.label is not None
    assert second.crystal.id == "b", "the table's id, not the database code in the CIF"
    assert (second.label.moment_muB_per_cell, second.label.provenance, second.split) == (-4.0, "", None)


def test_columns_by_other_names(tmp_path: Path) -> None:
    columns = {"name": [3], "text": [cif_text()], "M": [5], "m": [2.5], "from": ["x"], "part": ["val"], "order": ["FM"]}
    path = write(tmp_path / "t.parquet", **columns)
    (record,) = read(ParquetSource(path, labelled=True, columns=RENAMED))
    assert isinstance(record, Record) and record.label is not None
    assert (record.crystal.id, record.split) == ("3", "val")
    assert (record.label.moment_muB_per_cell, record.label.ordering, record.label.provenance) == (5.0, "FM", "x")


def test_candidates_have_no_label(table: Path) -> None:
    assert all(isinstance(item, Record) and item.label is None for item in read(ParquetSource(table, labelled=False)))


def test_candidates_need_no_moment(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", material_id=["a"], cif=[cif_text()])
    assert told(read(ParquetSource(path, labelled=False))) == [("a", "MnO")]
    with pytest.raises(UserError, match="'total_magnetization_muB'"):
        list(ParquetSource(path, labelled=True).shards())


@pytest.mark.parametrize("part", ["id", "cif", "moment", "moment_per_atom", "provenance", "split", "ordering"])
def test_a_column_that_was_named_must_be_there(table: Path, part: str) -> None:
    source = ParquetSource(table, labelled=True, columns=Columns.parse(f"{part}=elsewhere"))
    with pytest.raises(UserError) as fault:
        list(source.shards())
    for word in ("'elsewhere'", "material_id", "label_source", "--columns"):
        assert word in str(fault.value)


def test_a_column_switched_off_is_not_read(table: Path) -> None:
    source = ParquetSource(table, labelled=True, columns=Columns.parse("split=, provenance=, moment_per_atom="))
    record = read(source)[0]
    assert isinstance(record, Record) and record.label is not None
    assert (record.split, record.label.provenance, record.label.moment_muB_per_atom) == (None, "", None)


@pytest.mark.parametrize("text", ["id", "id:name", "colour=red", "=x", "id=a,,bad"])
def test_what_is_no_column_mapping(text: str) -> None:
    with pytest.raises(UserError, match="PART=COLUMN"):
        Columns.parse(text)


def test_spaces_and_order_in_a_mapping_do_not_matter() -> None:
    assert Columns.parse(" cif = c , id=i") == Columns.parse("id=i,cif=c") == Columns(id="i", cif="c")
    assert Columns.parse("") == Columns()


def test_empty_cells(tmp_path: Path) -> None:
    good = cif_text()
    path = write(
        tmp_path / "t.parquet",
        material_id=["a", None, "c", "d", "", "f"],
        cif=[None, good, "", good, good, good],
        total_magnetization_muB=[1.0, 1.0, 1.0, None, 1.0, math.nan],
    )
    items = read(ParquetSource(path, labelled=True))
    missing = "missing_value"
    assert told(items) == [("a", missing), ("", missing), ("c", "not_cif"), ("d", "MnO"), ("", missing), ("f", "MnO")]
    assert [(i.block, i.detail) for i in items[:2] if isinstance(i, Rejection)] == [
        ("0", "column 'cif' is empty"),
        ("1", "column 'material_id' is empty"),
    ]
    for item in (items[3], items[5]):  # a moment that is empty is a label that the rules find
        assert isinstance(item, Record) and item.label is not None
        fault = find_fault(item.label, item.crystal.n_sites)
        assert fault is not None and fault[0] is Reason.BAD_LABEL


def test_cifs_as_bytes(tmp_path: Path) -> None:
    raw = [cif_text().encode(), "# Grüße\n".encode("latin-1") + cif_text().encode(), b"\x00\xff"]
    path = write(tmp_path / "t.parquet", material_id=["a", "b", "c"], cif=raw)
    assert told(read(ParquetSource(path, labelled=False))) == [("a", "MnO"), ("b", "MnO"), ("c", "not_cif")]


def test_a_bad_cif_costs_its_row_only(tmp_path: Path) -> None:
    texts = [cif_text(), cif_text(cell=""), cif_text() + cif_text(), "x", cif_text("h", columns=(), sites=""), cif_text()]
    path = write(tmp_path / "t.parquet", material_id=list("abcdef"), cif=texts)
    items = read(ParquetSource(path, labelled=False))
    expected = [("a", "MnO"), ("b", "no_cell"), ("c", "not_cif"), ("d", "not_cif"), ("e", "no_sites"), ("f", "MnO")]
    assert told(items) == expected
    assert [item.block for item in items if isinstance(item, Rejection)] == ["1", "2", "3", "4"], "the row"


@pytest.mark.parametrize("rows_per_group", [100, 700, ROWS_PER_SHARD, MANY])
def test_parts_add_up_to_the_whole_whatever_the_row_groups(tmp_path: Path, rows_per_group: int) -> None:
    names = [f"id {k}" for k in range(MANY)]
    columns = {"material_id": names, "cif": [None] * MANY, "total_magnetization_muB": [1.0] * MANY}
    source = ParquetSource(write(tmp_path / "t.parquet", rows_per_group, **columns), labelled=True)
    shards = list(source.shards())
    assert [shard.size for shard in shards] == [ROWS_PER_SHARD, ROWS_PER_SHARD, 37]
    parts = [list(source.read(shard)) for shard in shards]
    assert [len(part) for part in parts] == [shard.size for shard in shards]
    assert [item.candidate_id for part in parts for item in part if isinstance(item, Rejection)] == names
    assert [item.block for item in parts[2] if isinstance(item, Rejection)] == [str(k) for k in range(2 * ROWS_PER_SHARD, MANY)]


def test_a_table_without_rows(tmp_path: Path) -> None:
    schema = pa.schema([("material_id", pa.string()), ("cif", pa.string())])
    pq.write_table(schema.empty_table(), tmp_path / "t.parquet")
    with pytest.raises(UserError, match=r"t\.parquet holds no rows"):
        list(ParquetSource(tmp_path / "t.parquet", labelled=False).shards())


@pytest.mark.parametrize("content", [b"", b"PAR1", b"material_id,cif\n1,2\n", b"PAR1" + bytes(100) + b"PAR1"])
def test_what_is_not_a_parquet_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t.parquet").write_bytes(content)
    source = ParquetSource(tmp_path / "t.parquet", labelled=False)
    for ask in (source.identity, lambda: list(source.shards())):
        with pytest.raises(UserError, match="not a readable Parquet file"):
            ask()


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.parquet", tmp_path):
        with pytest.raises(UserError, match="not a readable Parquet file"):
            ParquetSource(path, labelled=False).identity()


def test_a_damaged_file_is_the_users_to_replace(table: Path) -> None:
    sound = table.read_bytes()
    failures = 0
    for k in range(0, len(sound), 7):
        table.write_bytes(sound[:k] + bytes([sound[k] ^ 0xFF]) + sound[k + 1 :])
        try:
            read(ParquetSource(table, labelled=True))
        except UserError as fault:
            failures += "t.parquet" in str(fault)
    assert failures > 20


def test_identity_follows_content_and_settings(table: Path) -> None:
    first = ParquetSource(table, labelled=True).identity()
    assert ParquetSource(table, labelled=True).identity() == first
    assert ParquetSource(table, labelled=False).identity() != first
    assert ParquetSource(table, labelled=True, columns=Columns(split=None)).identity() != first
    write(table, material_id=["a"], cif=[cif_text()], total_magnetization_muB=[5.0])
    assert ParquetSource(table, labelled=True).identity() != first


@pytest.mark.parametrize(
    "values", [[["icsd-1"], [], None], [True, False, None], ["icsd-1", "", None], ["icsd-1,icsd-2", "[]", ""]]
)
def test_only_rows_known_from_icsd(tmp_path: Path, values: list[object]) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"material_id": ["a", "b", "c"], "cif": [cif_text()] * 3, "icsd_ids": values}), path)
    source = ParquetSource(path, labelled=False, columns=Columns.parse("icsd=icsd_ids"))
    first, *others = [item for shard in source.shards() for item in source.read(shard)]
    assert isinstance(first, Record) and first.crystal.id == "a"
    assert [(item.candidate_id, item.reason) for item in others] == [("b", Reason.FILTERED), ("c", Reason.FILTERED)]


def test_a_row_group_that_is_kept_for_the_next_shard_is_that_of_the_file_as_it_is_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, labels = tmp_path / "t.parquet", {"cif": [None] * MANY, "total_magnetization_muB": [1.0] * MANY}
    source = ParquetSource(write(path, None, material_id=["old"] * MANY, **labels), labelled=False)
    first, second, _ = source.shards()
    list(source.read(first))
    hits = parquet._row_group.cache_info().hits
    list(source.read(second))
    assert parquet._row_group.cache_info().hits == hits + 1
    write(path, None, material_id=["other"] * MANY, **labels)
    assert {name for name, _ in told(list(source.read(second)))} == {"other"}
    misses = parquet._row_group.cache_info().misses
    monkeypatch.setattr(parquet, "MOST_KEPT_BYTES", 1)
    write(path, None, material_id=["large"] * MANY, **labels)
    assert {name for name, _ in told(list(source.read(second)))} == {"large"}
    assert parquet._row_group.cache_info().misses == misses, "a very large one is not kept"
