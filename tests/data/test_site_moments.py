"""Tables with signed site moments: read like any source, bad rows in quarantine with the reason."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.snapshot import SITE_MOMENTS_FILE, publish_snapshot
from data.sources.parquet import SUM_OF_SITES, ParquetSource
from tests.data.cif_texts import cell_text, cif_text

CIF = cif_text(cell=cell_text(2.87, 2.87, 2.87), sites="Fe1 Fe 0 0 0 1.\nCo1 Co 0.5 0.5 0.5 1.\n")


def table(path: Path, moments: dict[str, object], **more: object) -> ParquetSource:
    columns = {"material_id": list(moments), "cif": [CIF] * len(moments), "site_magmoms_muB": list(moments.values()), **more}
    pq.write_table(pa.table(columns), path)
    return ParquetSource(path, labelled=True)


def test_moments_travel_with_the_snapshot_and_add_up_to_the_label(tmp_path: Path) -> None:
    source = table(tmp_path / "m.parquet", {"fm": [2.2, 1.7], "fim": [2.2, -1.7], "none": None})
    snapshot = publish_snapshot(tmp_path / "snapshots", source)
    assert snapshot.has_site_moments and snapshot.manifest["with_site_moments"] == 2
    assert snapshot.site_moments() == {"fm": [2.2, 1.7], "fim": [2.2, -1.7]}
    rows = {row["material_id"]: row for row in snapshot.table().to_pylist()}
    assert rows["fm"]["moment_muB_per_cell"] == pytest.approx(3.9)
    assert rows["fim"]["moment_muB_per_atom"] == pytest.approx(0.25)
    assert rows["fim"]["provenance"] == SUM_OF_SITES
    assert snapshot.quarantine()["candidate_id"].to_pylist() == ["none"], "no moment at all is no label"


@pytest.mark.parametrize(
    ("moments", "words"),
    [
        ([2.2], "1 site moments for 2 sites"),
        ([2.2, 1.7, 0.1], "3 site moments for 2 sites"),
        ([2.2, -13.0], "a site moment of -13 µB; the limit is 12"),
        ([float("nan"), 1.0], "the moment is nan"),
    ],
)
def test_bad_moments_are_quarantined(tmp_path: Path, moments: list[float], words: str) -> None:
    snapshot = publish_snapshot(tmp_path / "snapshots", table(tmp_path / "m.parquet", {"good": [2.2, 1.7], "bad": moments}))
    (row,) = snapshot.quarantine().to_pylist()
    assert (row["candidate_id"], row["reason"]) == ("bad", "bad_label") and words in row["detail"]


def test_a_stated_total_stays_the_label(tmp_path: Path) -> None:
    source = table(tmp_path / "m.parquet", {"a": [2.2, 1.7]}, total_magnetization_muB=[4.0])
    snapshot = publish_snapshot(tmp_path / "snapshots", source)
    assert snapshot.table(["moment_muB_per_cell"]).column(0).to_pylist() == [4.0]


def test_a_snapshot_without_site_moments_has_no_such_file(tmp_path: Path) -> None:
    source = table(tmp_path / "m.parquet", {"a": None}, total_magnetization_muB=[4.0])
    snapshot = publish_snapshot(tmp_path / "snapshots", source)
    assert not snapshot.has_site_moments and snapshot.site_moments() == {} and not (snapshot.folder / SITE_MOMENTS_FILE).exists()
