"""The quality of a snapshot before it is published: duplicates, label noise, and a page that shows them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from data import schema
from data.snapshot import Snapshot
from data.sources.materials_project.state import TOMBSTONES_FILE, read_tombstones
from data.store.artifact import write_bytes
from pipeline.ops.progress import Reporter
from pipeline.refresh.label_noise import find_label_noise
from pipeline.refresh.repeats import Repeat, Repeats, find_repeats, repeated
from pipeline.report.quality import QualityContent, render_quality
from pipeline.screening.csvsafe import csv_safe

DUPLICATES_FILE = "duplicates.parquet"
LABEL_NOISE_FILE = "label_noise.csv"
PAGE_FILE = "quality.html"


def write_quality(folder: Path, description: str, workers: int, reporter: Reporter) -> list[str]:
    """Write the tables of duplicates and of label noise and the page into the folder of a snapshot; returns their names.

    Args:
        folder: with the crystals and the quarantine of the snapshot.
        description: its source.
        workers: processes for the comparison of structures.
        reporter: is told what takes a while.
    """
    snapshot = Snapshot(folder)
    columns = ["material_id", "formula", "moment_muB_per_atom", "ordering"]
    crystals = snapshot.table(columns).to_pandas()
    repeats = _repeats(snapshot, crystals["formula"], workers, reporter)
    found = _table(crystals, repeats.found)
    pq.write_table(found, folder / DUPLICATES_FILE, compression="zstd")
    label_noise = find_label_noise(snapshot, workers, reporter)
    write_bytes(folder / LABEL_NOISE_FILE, csv_safe(label_noise).to_csv(index=False, float_format="%.4g").encode())
    buried = [(t.material_id, t.reason, t.database_version) for t in read_tombstones(folder / TOMBSTONES_FILE)]
    content = QualityContent(
        title=f"Quality of the data: {description}",
        facts=(
            ("Source", description),
            ("Chemical formulas", f"{crystals['formula'].nunique():,}"),
            ("Structures that could not be compared in time", f"{repeats.not_compared:,}"),
        ),
        crystals=crystals,
        quarantine=snapshot.quarantine().to_pandas(),
        duplicates=found.to_pandas(),
        label_noise=label_noise,
        tombstones=pd.DataFrame(buried, columns=["material_id", "reason", "database_version"]),
    )
    write_bytes(folder / PAGE_FILE, render_quality(content).encode("utf-8"))
    return [DUPLICATES_FILE, LABEL_NOISE_FILE, PAGE_FILE]


def _repeats(snapshot: Snapshot, formulas: pd.Series[str], workers: int, reporter: Reporter) -> Repeats:
    several = repeated(formulas)
    numbered = [(row, crystal) for row, crystal in enumerate(snapshot.crystals()) if formulas[row] in several]
    reporter.say(f"Comparing {len(numbered)} structures that share their formulas")
    return find_repeats(numbered, workers)


def _table(crystals: pd.DataFrame, found: list[Repeat]) -> pa.Table:
    ids, formulas = crystals["material_id"], crystals["formula"]
    moments = crystals["moment_muB_per_atom"].astype(float)

    def row(duplicate: Repeat) -> dict[str, Any]:
        mine, other = (_known(moments[k]) for k in (duplicate.row, duplicate.of))
        return {
            "material_id": ids[duplicate.row],
            "duplicate_of": ids[duplicate.of],
            "formula": formulas[duplicate.row],
            "volume_ratio": duplicate.volume_ratio,
            "moment": mine,
            "moment_of": other,
            "moment_difference": None if mine is None or other is None else abs(mine - other),
        }

    return pa.Table.from_pylist([row(duplicate) for duplicate in found], schema=schema.DUPLICATES)


def _known(moment: float) -> float | None:
    return None if np.isnan(moment) else float(moment)
