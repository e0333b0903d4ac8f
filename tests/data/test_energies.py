"""Energies above the hull: kept where the source states them, and only there."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.snapshot import ENERGIES_FILE, publish_snapshot
from data.sources.parquet import ParquetSource
from data.sources.starter import StarterSource
from tests.data.cif_texts import cell_text, cif_text

CIF = cif_text(cell=cell_text(2.87, 2.87, 2.87), sites="Fe1 Fe 0 0 0 1.\nCo1 Co 0.5 0.5 0.5 1.\n")


def table(path: Path, energies: list[float | None]) -> ParquetSource:
    names = [f"id-{k}" for k in range(len(energies))]
    columns = {
        "material_id": names, "cif": [CIF] * len(names), "total_magnetization_muB": [4.0] * len(names),
        "energy_above_hull_eV_atom": pa.array(energies, pa.float64()),
    }  # fmt: skip
    pq.write_table(pa.table(columns), path)
    return ParquetSource(path, labelled=True)


def test_energies_travel_with_the_snapshot(tmp_path: Path) -> None:
    snapshot = publish_snapshot(tmp_path / "snapshots", table(tmp_path / "t.parquet", [0.0, None, 0.25]))
    assert snapshot.energies_above_hull() == {"id-0": 0.0, "id-2": 0.25}, "unknown is not zero"
    assert ENERGIES_FILE in snapshot.manifest["files"], "part of the id"
    snapshot.verify()


def test_other_energies_are_another_snapshot(tmp_path: Path) -> None:
    ids = {publish_snapshot(tmp_path / "s", table(tmp_path / "t.parquet", [0.0, e])).id for e in (None, 0.0, 0.1, 0.1)}
    assert len(ids) == 3


@pytest.mark.parametrize("starter", [True, False])
def test_a_source_without_energies_makes_no_such_file(tmp_path: Path, starter: bool) -> None:
    source = StarterSource() if starter else table(tmp_path / "t.parquet", [None, None])
    snapshot = publish_snapshot(tmp_path / "snapshots", source)
    assert snapshot.energies_above_hull() == {} and not (snapshot.folder / ENERGIES_FILE).exists()
