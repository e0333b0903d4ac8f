"""ICSD exports: recognised, matched with their tables, filtered."""

from __future__ import annotations

import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.errors import UserError
from data.rejection import Reason, Rejection
from data.sources import Source
from data.sources.cif_folder import CifFolder
from data.sources.icsd.export import IcsdExport
from data.sources.icsd.table import ANY_ENTRY, IcsdFilter, IcsdRow, code_of, read_table
from data.sources.opening import candidate_source
from data.sources.parquet import Columns
from tests.data.cif_texts import cif_text

TABLE = """\
CollectionCode\tSumFormula\tTemperature\tPressure\tQuality\tContentType\t
1\tMn1 O1\t\t\thigh\tEXPERIMENTAL_INORGANIC\t
2\tMn1 O1\t4.2(1) K\t\tHigh\tEXPERIMENTAL_INORGANIC\t
3\tMn1 O1\t1200\t\tlow\tEXPERIMENTAL_INORGANIC\t
4\tMn1 O1\t293\t25 GPa\t\tEXPERIMENTAL_INORGANIC\t
5\tMn1 O1\t\t\thigh\tTHEORETICAL_STRUCTURES\t
"""
CODES = ["1", "2", "3", "4", "5", "6"]  # the table knows nothing of the last


def icsd_cif(code: str) -> str:
    return cif_text(f"{code}-ICSD", extra=f"_database_code_ICSD {code}\n")


@pytest.fixture
def export(tmp_path: Path) -> Path:
    folder = tmp_path / "export"
    folder.mkdir()
    for code in CODES:
        (folder / f"ICSD_CollCode{code}.cif").write_text(icsd_cif(code))
    (folder / "export.tsv").write_text(TABLE)
    return folder


def opened(path: Path, chosen: IcsdFilter = ANY_ENTRY) -> Source:
    return candidate_source([path], Columns(), icsd=chosen)


def sorted_out(source: Source) -> tuple[list[str], dict[str, str]]:
    """(ids that are read, details of what the filter turned away by id)."""
    items = [item for shard in source.shards() for item in source.read(shard)]
    away = {i.candidate_id: i.detail for i in items if isinstance(i, Rejection)}
    assert all(i.reason is Reason.FILTERED for i in items if isinstance(i, Rejection))
    return sorted(i.crystal.id for i in items if not isinstance(i, Rejection)), away


def test_without_filters_only_computed_structures_stay_out(export: Path) -> None:
    assert sorted_out(opened(export)) == (["1", "2", "3", "4", "6"], {"5": "a computed structure"})
    assert sorted_out(opened(export, IcsdFilter(theoretical=True))) == (CODES, {})


def test_temperature_and_pressure_have_a_highest_value_and_nothing_means_ambient(export: Path) -> None:
    ids, away = sorted_out(opened(export, IcsdFilter(max_temperature_K=400, max_pressure_MPa=1)))
    assert ids == ["1", "2"]
    assert (away["3"], away["4"]) == ("measured at 1200 K", "measured at 25000 MPa")
    assert "not in the export's table" in away["6"]


def test_quality_is_a_word_whatever_its_case(export: Path) -> None:
    ids, away = sorted_out(opened(export, IcsdFilter(qualities=("HIGH",))))
    assert ids == ["1", "2"]
    assert (away["3"], away["4"]) == ("of quality 'low'", "of no stated quality")


@pytest.mark.parametrize("place", ["beside the zip", "in the zip", "in a folder of zips"])
def test_the_table_of_a_zip(tmp_path: Path, place: str) -> None:
    path = tmp_path / "icsd.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for code in CODES:
            archive.writestr(f"deep/{code}.cif", icsd_cif(code))
        if place == "in the zip":
            archive.writestr("deep/export.csv", TABLE)
    if place != "in the zip":
        (tmp_path / "icsd.csv").write_text(TABLE)
    source = opened(tmp_path if place == "in a folder of zips" else path, IcsdFilter(max_temperature_K=400))
    assert sorted_out(source)[0] == ["1", "2", "4"]


def test_several_entries_in_one_file(tmp_path: Path) -> None:
    (tmp_path / "all.cif").write_text("".join(icsd_cif(code) for code in CODES))
    (tmp_path / "all.csv").write_text(TABLE)
    for path in (tmp_path, tmp_path / "all.cif"):
        ids, _ = sorted_out(opened(path, IcsdFilter(max_temperature_K=400)))
        assert [code_of(identifier) for identifier in ids] == ["1", "2", "4"]


def licensed(source: Source) -> dict[str, bool]:
    """By id."""
    items = [item for shard in source.shards() for item in source.read(shard)]
    return {item.candidate_id if isinstance(item, Rejection) else item.crystal.id: item.licensed for item in items}


def test_a_folder_is_icsd_by_its_codes_alone(tmp_path: Path) -> None:
    for k in range(200):
        (tmp_path / f"{k}.cif").write_text(cif_text())
    assert type(opened(tmp_path)) is CifFolder
    assert not any(licensed(opened(tmp_path)).values())
    for k in range(0, 200, 4):
        (tmp_path / f"{k}.cif").write_text(icsd_cif(str(k)))
    assert isinstance(opened(tmp_path), IcsdExport)
    found = licensed(opened(tmp_path))
    assert len(found) == 200 and {name for name, theirs in found.items() if theirs} == {str(k) for k in range(0, 200, 4)}


def test_an_unknown_code_is_no_code(tmp_path: Path) -> None:
    (tmp_path / "cod.cif").write_text(cif_text(extra="_database_code_ICSD ?\n"))
    assert not any(licensed(opened(tmp_path)).values())


def test_what_the_table_names_is_licensed_without_a_code(tmp_path: Path) -> None:
    (tmp_path / "EntryWithCollCode77.cif").write_text(cif_text())
    (tmp_path / "mine.cif").write_text(cif_text())
    (tmp_path / "export.csv").write_text("CollectionCode,Temperature\n77,293\n")
    assert licensed(opened(tmp_path)) == {"EntryWithCollCode77": True, "mine": False}


@pytest.mark.parametrize("as_bytes", [False, True])
def test_a_table_of_icsd_texts_is_licensed(tmp_path: Path, as_bytes: bool) -> None:
    for name, texts in {"mine": [cif_text(), cif_text()], "icsd": [cif_text(), icsd_cif("7")]}.items():
        cifs = [text.encode() for text in texts] if as_bytes else texts
        table = pa.table(
            {"material_id": [str(k) for k in range(len(texts))], "cif": pa.array(cifs, pa.binary() if as_bytes else pa.string())}
        )
        pq.write_table(table, tmp_path / f"{name}.parquet")
        assert list(licensed(opened(tmp_path / f"{name}.parquet")).values()) == [False, name == "icsd"]


def test_other_tables_are_passed_over(export: Path) -> None:
    (export / "notes.csv").write_text("sample,who\n1,me\n")
    (export / "picture.csv").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00")
    (export / "empty.csv").touch()
    (export / "broken.zip").write_bytes(b"PK\x03\x04 broken")
    (export / "broken.zip").unlink()
    assert sorted_out(opened(export, IcsdFilter(max_temperature_K=400)))[0] == ["1", "2", "4"]


def test_a_filter_without_a_table_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "1.cif").write_text(icsd_cif("1"))
    with pytest.raises(UserError, match="need the table of the export"):
        opened(tmp_path, IcsdFilter(max_pressure_MPa=1)).identity()


def test_a_filter_without_icsd_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "1.cif").write_text(cif_text())
    with pytest.raises(UserError, match="there are none"):
        opened(tmp_path, IcsdFilter(max_pressure_MPa=1))


def test_identity_follows_the_table_and_the_filter(export: Path) -> None:
    seen = {opened(export).identity(), opened(export, IcsdFilter(theoretical=True)).identity()}
    (export / "export.tsv").write_text(TABLE.replace("1200", "1300"))
    seen.add(opened(export).identity())
    (export / "export.tsv").write_text(TABLE.replace("1200", "13"))
    seen.add(opened(export).identity())
    assert len(seen) == 4


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        ("CollectionCode,Temperature", "7,25 C", IcsdRow(298.15, None, "", False)),
        ("Collection Code;Pressure", "0007;10 kbar", IcsdRow(None, 1000.0, "", False)),
        ("collection_code\tPressure\tQuality", "7\t2.5\t high ", IcsdRow(None, 2.5, "high", False)),
        ('"CollectionCode","Title","Theoretical"', '7,"a, ""b""",TRUE', IcsdRow(None, None, "", True)),
        ("CollectionCode,Temperature,Pressure", "7,room,unknown", IcsdRow(None, None, "", False)),
        ("CollectionCode,Temperature,Pressure", "7", IcsdRow(None, None, "", False)),
    ],
)
def test_cells(header: str, row: str, expected: IcsdRow) -> None:
    assert read_table(f"{header}\n{row}\n") == {"7": expected}


@pytest.mark.parametrize(
    ("pressure", "MPa"),
    [
        ("2,5 GPa", 2500.0), ("2. GPa", 2000.0), ("5 (1) GPa", 5000.0), ("5 GPa.", 5000.0), ("0.5", 0.5), ("1 atm", 0.101325),
        ("ambient", None), ("", None), (".", None), ("~5 GPa", np.nan), ("1-2 GPa", np.nan), (">5 GPa", np.nan), ("high", np.nan),
        ("5 torr", np.nan),
    ],
)  # fmt: skip
def test_a_pressure_that_cannot_be_read_is_not_ambient(pressure: str, MPa: float | None) -> None:
    row = read_table(f"CollectionCode;Pressure\n1;{pressure}\n")["1"]
    assert row.pressure_MPa == pytest.approx(MPa, nan_ok=True)
    refusal = IcsdFilter(max_pressure_MPa=10.0).refusal(row)
    assert bool(refusal) == (MPa is not None and not MPa <= 10.0)
    assert ("cannot be read" in refusal) == (MPa is not None and bool(np.isnan(MPa)))


@pytest.mark.parametrize(
    ("temperature", "kelvin"),
    [("20 °C", 293.15), ("20 deg C", 293.15), ("293,5 K", 293.5), ("R.T.", None), ("below 10 K", np.nan), ("70 F", np.nan)],
)
def test_temperatures(temperature: str, kelvin: float | None) -> None:
    row = read_table(f"CollectionCode;Temperature\n1;{temperature}\n")["1"]
    assert row.temperature_K == pytest.approx(kelvin, nan_ok=True)
    assert bool(IcsdFilter(max_temperature_K=300.0).refusal(row)) == (kelvin is not None and not kelvin <= 300.0)


def test_tables_of_others_are_not_read_whole(tmp_path: Path) -> None:
    """A zip of 60 kB may hold a table of many megabytes, and a folder of CIF files somebody's data."""
    with zipfile.ZipFile(tmp_path / "mixed.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mno.cif", cif_text())
        archive.writestr("data.csv", "time,field\n" + "1,2\n" * 5_000_000)
    tracemalloc.start()
    assert sorted_out(opened(tmp_path / "mixed.zip")) == (["mno"], {})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10e6


def test_a_table_that_is_too_large_is_named(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the limit is the test's; a part of the table would leave licensed entries unknown."""
    monkeypatch.setattr("data.sources.icsd.export.MOST_BYTES", len(TABLE) - 1)
    (export / "export.tsv").write_text(TABLE + " ")
    with pytest.raises(UserError, match=r"export\.tsv has more than"):
        opened(export)
