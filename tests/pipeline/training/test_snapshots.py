"""Which snapshot a training reads where none is named."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.errors import UserError
from data.snapshot import Snapshot, publish_snapshot
from data.sources.parquet import ParquetSource
from data.sources.starter import StarterSource
from flows.jobs.training import TrainJob
from pipeline.settings import Settings, settings
from pipeline.training.snapshots import newest_with_labels
from tests.data.cif_texts import cell_text, cif_text

CIF = cif_text(cell=cell_text(2.87, 2.87, 2.87), sites="Fe1 Fe 0 0 0 1.\nCo1 Co 0.5 0.5 0.5 1.\n")


def publish_table(where: Settings, path: Path, labelled: bool = True, **columns: list[object]) -> Snapshot:
    pq.write_table(pa.table({"material_id": ["a"], "cif": [CIF], **columns}), path)
    return publish_snapshot(where.snapshots, ParquetSource(path, labelled))


@pytest.fixture
def where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("FERROSCREEN_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    return Settings(home=tmp_path / "home", workers=1)


def test_sums_of_site_moments_published_last_are_not_the_labels_of_a_training(where: Settings, tmp_path: Path) -> None:
    starter = publish_snapshot(where.snapshots, StarterSource())
    sites = publish_table(where, tmp_path / "sites.parquet", site_magmoms_muB=[[2.2, 1.7]])
    assert newest_with_labels(where).id == starter.id
    assert newest_with_labels(where, sites.id[:6]).id == sites.id, "what is named is read"
    job = TrainJob(members=["mpnn"], site_moments="newest").resolved()
    assert (job.snapshot, job.site_moments) == (starter.id, sites.id)


def test_a_table_that_states_totals_beside_site_moments_is_the_newest(where: Settings, tmp_path: Path) -> None:
    publish_snapshot(where.snapshots, StarterSource())
    both = publish_table(where, tmp_path / "m.parquet", site_magmoms_muB=[[2.2, 1.7]], total_magnetization_muB=[4.0])
    assert newest_with_labels(where).id == both.id


def test_sums_of_site_moments_are_read_where_nothing_else_has_labels(where: Settings, tmp_path: Path) -> None:
    sites = publish_table(where, tmp_path / "sites.parquet", site_magmoms_muB=[[2.2, 1.7]])
    publish_table(where, tmp_path / "candidates.parquet", labelled=False)
    assert newest_with_labels(where).id == sites.id


def test_snapshots_without_labels_teach_nothing(where: Settings, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no snapshot yet"):
        newest_with_labels(where)
    publish_table(where, tmp_path / "candidates.parquet", labelled=False)
    with pytest.raises(UserError, match="holds no moment to learn from"):
        newest_with_labels(where)
