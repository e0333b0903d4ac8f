"""Label noise: what contradicts a sure model is listed, everything else is left alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.errors import UserError
from data.snapshot import publish_snapshot
from data.sources.parquet import Columns, ParquetSource
from pipeline.ops.progress import Quiet
from pipeline.refresh.label_noise import (
    ANTIFERRO,
    COLUMNS,
    FALSE_ZERO,
    OTHERS_MAGNETIC,
    OTHERS_NOT,
    contradicted_by_sources,
    contradictions,
    described_labels,
    find_label_noise,
    read_sources,
    source_weights,
)
from pipeline.training.label_noise import LARGE, WEIGHT

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


def evidence(label: float, told: list[float], **changes: object) -> pd.DataFrame:
    """What is found of one crystal with a label and sources, all µB/atom."""
    labels = pd.DataFrame(
        {"material_id": ["a"], "formula": ["YCo5"], "key": ["k"], "moment_muB_per_atom": [label], "volume_per_atom": [12.0],
         "frozen_4f": [False], "magnetic_share": [5 / 6]}
    ).assign(**changes)  # fmt: skip
    sources = pd.DataFrame({"key": "k", "source": "s", "muB_per_A3": np.array(told) / 12.0, "muB_per_atom": np.nan})
    return contradicted_by_sources(labels, sources)


def test_a_label_that_every_other_source_contradicts() -> None:
    assert evidence(0.0, [1.1, 1.3])["reason"].tolist() == [OTHERS_MAGNETIC]
    assert evidence(0.0, [1.1, 1.3])["expected"].tolist() == [pytest.approx(1.2)]
    assert evidence(1.0, [0.0, 0.01])["reason"].tolist() == [OTHERS_NOT]


def test_a_label_that_not_every_source_contradicts_stays() -> None:
    assert evidence(0.0, [1.1, 0.0]).empty and evidence(1.0, [0.0, 0.9]).empty and evidence(1.0, [1.1]).empty
    assert evidence(0.0, [9.0], frozen_4f=True).empty, "its 4f moment is no part of the label"
    assert evidence(0.0, [14.8], formula="Bi", magnetic_share=0.0).empty, "no atom carries that"
    assert evidence(0.0, [1.1, np.nan])["reason"].tolist() == [OTHERS_MAGNETIC]


def test_weights_by_the_tables_of_a_folder(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {"material_id": list("abcd"), "formula": ["YCo5", "Co5Y", "Fe3C", "TbCo2"], "moment_muB_per_atom": [0.0, 0.0, 1.4, 0.0],
         "volume_A3": 72.0, "n_sites": 6}
    )  # fmt: skip
    described = described_labels(table)
    assert described["key"].nunique() == 3, "the order of elements is none of the composition's"
    assert described["frozen_4f"].tolist() == [False, False, False, True]
    np.testing.assert_allclose(described["magnetic_share"], [5 / 6, 5 / 6, 3 / 4, 1.0])
    with pytest.raises(UserError, match="neither"):
        read_sources(tmp_path)
    newer = pd.DataFrame({"key": described["key"], "set": "newer", "muB_per_A3": [0.1, 0.1, 0.12, 0.2]})
    newer.to_parquet(tmp_path / "dft_magnetisation_by_composition.parquet")
    np.testing.assert_array_equal(source_weights(table, read_sources(tmp_path)), [WEIGHT, WEIGHT, 1.0, 1.0])
    measured = pd.DataFrame({"key": described["key"][:1], "muB_per_atom": [0.0], "split": "train"})
    measured.to_parquet(tmp_path / "measured_moments.parquet")
    assert set(read_sources(tmp_path)["source"]) == {"newer", "measured"}
    assert (source_weights(table, read_sources(tmp_path)) == 1.0).all(), "one source agrees with the label"


def test_polymorphs_with_different_labels_are_left_alone() -> None:
    both = pd.DataFrame(
        {"material_id": ["a", "b"], "formula": "Fe", "key": "k", "moment_muB_per_atom": [0.0, 2.2], "volume_per_atom": 12.0,
         "frozen_4f": False, "magnetic_share": 1.0}
    )  # fmt: skip
    measured = pd.DataFrame({"key": ["k"], "source": ["measured"], "muB_per_A3": [np.nan], "muB_per_atom": [2.2]})
    assert contradicted_by_sources(both, measured).empty
