"""The crystals of the best candidates beside the ranking, so that a report can show them long after the source is gone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data.store.artifact import write_bytes
from pipeline.dedup.cellfile import CellFiles

STRUCTURES_FILE = "structures.parquet"
MOST_CELLS = 20_000  # as many as a page can carry
MOST_SITES = 400_000  # about 2.5 MB in a page


def write_structures(folder: Path, cells: CellFiles, places: list[int]) -> None:
    """Write the primitive cells of the best candidates: row k is that of rank k + 1.

    Args:
        places: rows of `cells` in the order of the ranking; empty where structures are withheld, and then the file is empty,
            whatever an earlier screen left in this folder.
    """
    table = cells.table(places[:MOST_CELLS])
    sites = np.cumsum(pc.list_value_length(table["numbers"]).to_numpy())
    buffer = pa.BufferOutputStream()
    pq.write_table(table.slice(0, int(np.searchsorted(sites, MOST_SITES, side="right"))), buffer, compression="zstd")
    write_bytes(folder / STRUCTURES_FILE, buffer.getvalue().to_pybytes())
