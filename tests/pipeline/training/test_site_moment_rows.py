"""Site moments as labels of the orbits of a graph, and what a training makes of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.errors import UserError
from data.snapshot import Snapshot, publish_snapshot
from data.sources.parquet import ParquetSource
from data.sources.starter import StarterSource
from pipeline.featurise import Needs
from pipeline.ops.progress import Quiet
from pipeline.refresh.prune import prune
from pipeline.settings import Settings
from pipeline.training.site_moment_rows import site_moment_rows
from pipeline.training.train import TrainSettings, train_ensemble
from tests.data.cif_texts import cell_text, cif_text

CRYSTALS = {  # id: cell, sites, signed moments
    "feco": ((2.87, 2.87), [("Co", 0.5, 0.5, 0.5), ("Fe", 0, 0, 0)], [1.7, 2.8]),
    "chromium": ((2.88, 2.88), [("Cr", 0, 0, 0), ("Cr", 0.5, 0.5, 0.5)], [1.1, -0.9]),
    "mnpt": ((2.83, 3.67), [("Mn", 0, 0, 0), ("Pt", 0.5, 0.5, 0.5)], [3.7, 0.1]),
    "iron": ((2.87, 2.87), [("Fe", 0, 0, 0), ("Fe", 0.5, 0.5, 0.5)], [2.2, 2.2]),
}  # fmt: skip


def cif(cell: tuple[float, float], sites: list[tuple[str, float, float, float]]) -> str:
    lines = "".join(f"{symbol}{k} {symbol} {x} {y} {z} 1.\n" for k, (symbol, x, y, z) in enumerate(sites))
    return cif_text(cell=cell_text(cell[0], cell[0], cell[1]), sites=lines)


def site_moments(where: Settings, folder: Path) -> Snapshot:
    columns = {
        "material_id": list(CRYSTALS), "cif": [cif(cell, sites) for cell, sites, _ in CRYSTALS.values()],
        "site_magmoms_muB": [moments for *_, moments in CRYSTALS.values()],
    }  # fmt: skip
    folder.mkdir(exist_ok=True)
    pq.write_table(pa.table(columns), folder / "sites.parquet")
    return publish_snapshot(where.snapshots, ParquetSource(folder / "sites.parquet", labelled=True))


def test_each_orbit_has_the_mean_size_of_its_sites(tmp_path: Path) -> None:
    rows = site_moment_rows(site_moments(Settings(home=tmp_path), tmp_path), {"Mn-Pt"}, Needs(), Quiet())
    assert len(rows) == 3 and rows.weight is not None and not rows.weight.any(), "a total moment of these teaches nothing"
    assert rows.site_moment is not None
    found = sorted(zip(rows.graphs.numbers.tolist(), rows.site_moment.tolist(), strict=True))
    np.testing.assert_allclose(found, [(24, 1.0), (26, 2.2), (26, 2.8), (27, 1.7)])
    some = rows.take(np.array([2, 0]))
    assert some.site_moment is not None
    for k, row in enumerate([2, 0]):
        own = slice(rows.graphs.node_ptr[row], rows.graphs.node_ptr[row + 1])
        chosen = slice(some.graphs.node_ptr[k], some.graphs.node_ptr[k + 1])
        np.testing.assert_array_equal(some.site_moment[chosen], rows.site_moment[own])


def test_nothing_left_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no crystal with site moments outside"):
        site_moment_rows(
            site_moments(Settings(home=tmp_path), tmp_path), {"Mn-Pt", "Cr", "Fe", "Co-Fe"}, Needs(), Quiet()
        )  # fmt: skip


def test_a_training_learns_them_says_so_and_keeps_their_snapshot(tmp_path: Path) -> None:
    where = Settings(home=tmp_path / "home", workers=1)
    labelled, sites = publish_snapshot(where.snapshots, StarterSource()), site_moments(where, tmp_path)
    wanted = TrainSettings(members=("mpnn",), epochs=1)
    plain = train_ensemble(labelled, wanted, where, Quiet())
    taught = train_ensemble(labelled, TrainSettings(members=("mpnn",), epochs=1, site_moments=sites.id), where, Quiet())
    assert taught.id != plain.id and taught.snapshots == [labelled.id, sites.id]
    assert taught.manifest["rows"] == plain.manifest["rows"], "the further rows belong to no part"
    assert taught.learned_systems(where) >= plain.learned_systems(where) | {"Cr"}
    assert sites.id in _kept(where)


def _kept(where: Settings) -> list[str]:
    newer = publish_snapshot(where.snapshots, StarterSource())  # the same: nothing new
    assert newer.folder.is_dir()
    prune(where, keep=1)
    return [folder.name for folder in where.snapshots.iterdir()]


def test_members_that_cannot_learn_them_are_refused() -> None:
    with pytest.raises(UserError, match="none of the members learns from site moments"):
        TrainSettings(members=("cgcnn",), site_moments="any").check()
