"""`train --adapt`: a published coordinate network is taken up, kept as it is, and made independent of the pose."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.errors import UserError
from data.snapshot import Snapshot, publish_snapshot
from data.sources.parquet import Columns, ParquetSource
from data.sources.starter import StarterSource
from pipeline.ops.progress import Quiet
from pipeline.registry.ensemble import Ensemble
from pipeline.settings import Settings
from pipeline.training.train import TrainSettings, train_ensemble
from tests.contract import crystals as made

SAME = 1e-4  # µB/atom, float32


@pytest.fixture(scope="module")
def upright(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ensemble, Settings, Snapshot]:
    where = Settings(home=tmp_path_factory.mktemp("home"), workers=1)
    snapshot = publish_snapshot(where.snapshots, StarterSource())
    return train_ensemble(snapshot, TrainSettings(members=("coordinates",), epochs=4), where, Quiet()), where, snapshot


Upright = tuple[Ensemble, Settings, Snapshot]


def test_adapting_a_model(upright: Upright) -> None:
    model, where, snapshot = upright
    wanted = TrainSettings(members=("canonical",), epochs=1, adapt=model.id)
    adapted = train_ensemble(snapshot, wanted, where, Quiet())
    assert adapted.manifest["settings"]["adapt"] == model.id
    inner, outer = model.members["coordinates-0"], adapted.members["canonical-0"]
    kept = outer.network.get_submodule("coordinates").state_dict()  # type: ignore[attr-defined]
    for name, weight in inner.network.state_dict().items():  # type: ignore[attr-defined]
        assert (kept[name] == weight).all(), name
    examples = made.starter_examples()
    said = outer.predict(examples).moment
    np.testing.assert_allclose(outer.predict(made.turned(examples, seed=2)).moment, said, rtol=0, atol=SAME)
    assert np.abs(inner.predict(made.turned(examples, seed=2)).moment - inner.predict(examples).moment).max() > 10 * SAME


def test_what_cannot_be_meant_is_refused(upright: Upright, tmp_path: Path) -> None:
    model, where, snapshot = upright
    with pytest.raises(UserError, match="none of the members adapts"):
        train_ensemble(snapshot, TrainSettings(members=("cgcnn",), epochs=1, adapt=model.id), where, Quiet())
    with pytest.raises(UserError, match="nosuch"):
        train_ensemble(snapshot, TrainSettings(members=("canonical",), epochs=1, adapt="nosuch"), where, Quiet())
    forest = train_ensemble(snapshot, TrainSettings(members=("forest",)), where, Quiet())
    with pytest.raises(UserError, match="no member of the family coordinates"):
        train_ensemble(snapshot, TrainSettings(members=("canonical",), epochs=1, adapt=forest.id), where, Quiet())


def test_rows_of_another_snapshot_are_refused(upright: Upright, tmp_path: Path) -> None:
    """Its test rows may have been learned by the pretrained network."""
    model, where, snapshot = upright
    rows = snapshot.table(["material_id", "moment_muB_per_atom"]).slice(0, 40)
    crystals = list(snapshot.crystals(0, 40))
    table = pa.table(
        {
            "id": rows.column("material_id"),
            "cif": [c.to_pymatgen().to(fmt="cif") for c in crystals],
            "moment": [m * c.n_sites for m, c in zip(rows.column("moment_muB_per_atom").to_pylist(), crystals, strict=True)],
        }
    )
    pq.write_table(table, tmp_path / "some.parquet")
    source = ParquetSource(tmp_path / "some.parquet", labelled=True, columns=Columns.parse("id=id,cif=cif,moment=moment"))
    other = publish_snapshot(where.snapshots, source)
    with pytest.raises(UserError, match="adapt it on that one"):
        train_ensemble(other, TrainSettings(members=("canonical",), epochs=1, adapt=model.id), where, Quiet())
