"""The crystals of the best candidates beside the ranking, so that a report can show them long after the source is gone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from data.store.artifact import write_bytes
from data.symmetry import SymmetricCell
from pipeline.dedup.cellfile import CellFiles, CellTable, without_cells

STRUCTURES_FILE = "structures.parquet"
MOST_CELLS = 20_000  # as many as a page can carry
MOST_SITES = 400_000  # about 2.5 MB in a page
SAME_A = 1e-4  # Å between two readings of one crystal


def write_structures(folder: Path, cells: CellFiles, places: list[int], hidden: NDArray[np.bool_] | None = None) -> None:
    """Write the primitive cells of the best candidates: row k is that of rank k + 1.

    Args:
        places: rows of `cells` in the order of the ranking.
        hidden: (rows,) in that order (default: none); such rows are cells without a site. If all are hidden the file is empty,
            whatever an earlier screen left in this folder.
    """
    hidden = np.zeros(len(places), dtype=np.bool_) if hidden is None else hidden
    table = without_cells(cells.table([] if hidden.all() else places[:MOST_CELLS]), hidden)
    sites = np.cumsum(pc.list_value_length(table["numbers"]).to_numpy())
    buffer = pa.BufferOutputStream()
    pq.write_table(table.slice(0, int(np.searchsorted(sites, MOST_SITES, side="right"))), buffer, compression="zstd")
    write_bytes(folder / STRUCTURES_FILE, buffer.getvalue().to_pybytes())


@dataclass(frozen=True)
class KeptCells:
    """The cells of a finished run; none where an older release kept none."""

    table: CellTable | None

    def of_rank(self, rank: int) -> SymmetricCell | None:
        """The cell of a candidate; None where the run does not keep or show it."""
        if self.table is None or rank > len(self.table):
            return None
        cell = self.table[int(rank) - 1]
        return cell if len(cell.numbers) else None


def kept_cells_of(folder: Path) -> KeptCells:
    """What `write_structures` wrote to a run's folder."""
    path = folder / STRUCTURES_FILE
    return KeptCells(CellTable(pq.read_table(path)) if path.is_file() else None)


def same_cell(one: SymmetricCell, other: SymmetricCell) -> bool:
    """Whether two standardised cells were made of the same content of a file: equal vectors, sites and orbits, in one order.

    The orbits of a disordered crystal tell what shares a place (`AveragedCell.symmetric`).
    """
    alike = np.array_equal(one.numbers, other.numbers) and np.array_equal(one.orbit, other.orbit)
    if not alike or np.abs(one.lattice - other.lattice).max() > SAME_A:
        return False
    apart = one.frac - other.frac
    return bool(np.abs((apart - np.round(apart)) @ one.lattice).max() <= SAME_A)
