"""A table of site moments as crystals with their orders, through a snapshot of its own that is gone afterwards."""

from __future__ import annotations

import tempfile
from pathlib import Path

from data.snapshot import publish_snapshot
from data.sources.parquet import ParquetSource
from pipeline.training.order_examples import OrderedCrystal, ordered_crystals


def crystals_of(table: Path) -> list[OrderedCrystal]:
    """The magnetic crystals of a Parquet table with a column site_magmoms_muB."""
    with tempfile.TemporaryDirectory() as folder:
        return ordered_crystals(publish_snapshot(Path(folder), ParquetSource(table, labelled=True)))
