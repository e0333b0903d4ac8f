"""Label noise: what contradicts a sure model is listed, everything else is left alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from data.snapshot import publish_snapshot
from data.sources.parquet import Columns, ParquetSource
from pipeline.ops.progress import Quiet
from pipeline.refresh.label_noise import (
    ANTIFERRO,
    COLUMNS,
    FALSE_ZERO,
    contradictions,
    find_label_noise,
)
from pipeline.training.label_noise import LARGE
from tests.contract.crystals import hand_built, moved, supercell

ROWS = [  # id, label, P(AFM), P(magnetic), expected moment, reason
    ("oxide", 2.5, 0.95, 1.0, 2.4, ANTIFERRO),
    ("small", 0.1, 0.95, 1.0, 0.1, ""),
    ("unsure", 2.5, 0.5, 1.0, 2.4, ""),
    ("lost", 0.0, 0.1, 0.99, 1.5, FALSE_ZERO),
    ("oxide without a moment", 0.0, 0.95, 0.99, 1.5, FALSE_ZERO),
    ("salt", 0.0, 0.5, 0.01, 0.0, ""),
    ("hardly", 0.0, 0.1, 0.99, 0.1, ""),
    ("no label", np.nan, 0.95, 0.99, 2.0, ""),
    ("no graph", 2.5, np.nan, np.nan, np.nan, ""),
]


def test_what_contradicts_and_what_does_not() -> None:
    rows = pd.DataFrame(ROWS, columns=["material_id", "moment_muB_per_atom", "p_afm", "p_magnetic", "moment", "reason"])
    table = rows[["material_id", "moment_muB_per_atom"]].assign(formula="X")
    found = contradictions(table, *(rows[name].to_numpy() for name in ("p_afm", "p_magnetic", "moment")))
    assert list(found) == COLUMNS
    wanted = {identifier: reason for identifier, *_, reason in ROWS if reason}
    assert dict(zip(found["material_id"], found["reason"], strict=True)) == wanted
    assert found["probability"].is_monotonic_decreasing
    assert contradictions(table.head(0), *np.zeros((3, 0))).empty


def test_some_real_labels_count_as_noise(shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    """The number of workers changes nothing."""
    first = next(pq.ParquetFile(shared_data("mp_magnets.parquet")).iter_batches(2500))
    pq.write_table(pa.Table.from_batches([first]), tmp_path / "some.parquet")
    snapshot = publish_snapshot(tmp_path, ParquetSource(tmp_path / "some.parquet", Columns()))
    found = find_label_noise(snapshot, 1, Quiet())
    pd.testing.assert_frame_equal(found, find_label_noise(snapshot, 2, Quiet()))
    assert 0 < len(found) < 0.05 * snapshot.manifest["crystals"]
    assert (found["moment"][found["reason"] == ANTIFERRO] >= LARGE).all()


def test_a_small_shift_of_the_atoms_hides_no_antiferromagnet(tmp_path: Path) -> None:
    crystal = supercell(hand_built()["MnO"], (1, 1, 2))
    cifs = [one.to_pymatgen().to(fmt="cif") for one in (crystal, moved(crystal, 0.02))]
    table = {"material_id": ["exact", "relaxed"], "cif": cifs, "total_magnetization_muB": [10.0, 10.0]}
    pq.write_table(pa.table(table), tmp_path / "two.parquet")
    snapshot = publish_snapshot(tmp_path, ParquetSource(tmp_path / "two.parquet", Columns()))
    found = find_label_noise(snapshot, 1, Quiet()).set_index("material_id")
    assert found["reason"].to_dict() == {"exact": ANTIFERRO, "relaxed": ANTIFERRO}
    assert abs(found["probability"]["exact"] - found["probability"]["relaxed"]) < 0.1
