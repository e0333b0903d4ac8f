"""Tables of crystals with one signed moment a site, as the order models learn from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from data.cif.reader import read_cif
from data.crystal import Crystal

COLUMNS = ["material_id", "cif", "site_magmoms_muB", "ordering", "split"]
ORDERINGS = ("NM", "FM", "FiM", "AFM")
SITE_THRESHOLD = 0.1  # µB; below it a site has no moment that counts (definition of the data)
_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class OrderedRow:
    """A crystal, the moments of its sites in its own order (µB), and its ordering."""

    crystal: Crystal
    moments: NDArray[np.float64]
    ordering: str
    split: str


def site_moment_rows(path: Path) -> Iterator[OrderedRow]:
    """The rows of a table with signed site moments."""
    for batch in pq.ParquetFile(path).iter_batches(_AT_ONCE, columns=COLUMNS):
        for row in batch.to_pylist():
            crystal = next(read_cif(row["cif"], path.name, row["material_id"] or ""))
            moments = np.array(row["site_magmoms_muB"], dtype=np.float64)
            if isinstance(crystal, Crystal) and len(moments) == crystal.n_sites and row["ordering"] in ORDERINGS:
                yield OrderedRow(crystal, moments, row["ordering"], row["split"])
