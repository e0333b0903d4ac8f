"""Crystals for the page's viewer: primitive cells in few bytes, and the way to the conventional cell."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import gemmi
import moyopy
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.screening.structures import STRUCTURES_FILE

FRACTION = 1 << 16  # steps of a fractional coordinate: a thousandth of an Å in a cell of 65 Å
CENTRINGS = "PACIFR"
# The conventional cell's vectors from those of the primitive cell (rows, moyopy's setting): conventional = matrix @ primitive.
CONVENTIONAL: dict[str, list[list[int]]] = {
    "P": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "A": [[1, 0, 0], [0, 1, -1], [0, 1, 1]],
    "C": [[1, 1, 0], [-1, 1, 0], [0, 0, 1]],
    "I": [[0, 1, 1], [1, 0, 1], [1, 1, 0]],
    "F": [[-1, 1, 1], [1, -1, 1], [1, 1, -1]],
    "R": [[1, -1, 0], [0, 1, -1], [1, 1, 1]],
}


@dataclass(frozen=True)
class PackedCells:
    """Primitive cells; row k belongs to rank k + 1, its sites follow those of row k - 1."""

    sites: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))  # atoms of each cell
    centring: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))  # place in CENTRINGS
    parameters: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 6)))  # Å and degrees
    numbers: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))  # atomic, site after site
    frac: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 3), dtype=np.int64))  # in steps of 1 / FRACTION

    def __len__(self) -> int:
        return len(self.sites)


def packed_cells(folder: Path) -> PackedCells:
    """The crystals that a screen left in its folder; none where it left none, or withheld them."""
    path = folder / STRUCTURES_FILE
    if not path.is_file():
        return PackedCells()
    table = pq.read_table(path)
    if table.num_rows == 0:
        return PackedCells()
    frac = _flat(table["frac"]).reshape(-1, 3)
    return PackedCells(
        pc.list_value_length(table["numbers"]).to_numpy().astype(np.int64),
        np.array([CENTRINGS.index(_centring(hall)) for hall in table["hall"].to_pylist()]),
        _parameters(_flat(table["lattice"]).reshape(-1, 3, 3)),
        _flat(table["numbers"]).astype(np.int64),
        np.rint(frac * FRACTION).astype(np.int64) % FRACTION,
    )


def _flat(column: pa.ChunkedArray) -> NDArray[np.float64]:
    return column.combine_chunks().flatten().to_numpy()  # type: ignore[no-any-return]


def _parameters(lattices: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 6): three lengths in Å, three angles in degrees."""
    lengths = np.linalg.norm(lattices, axis=2)
    cosines = [
        (lattices[:, i] * lattices[:, j]).sum(axis=1) / (lengths[:, i] * lengths[:, j]) for i, j in ((1, 2), (0, 2), (0, 1))
    ]
    angles = np.arccos(np.clip(np.stack(cosines, axis=1), -1, 1)) * 180 / math.pi
    return np.concatenate([lengths, angles], axis=1)


@lru_cache(maxsize=1)
def space_group_symbols() -> list[str]:
    """Short Hermann-Mauguin symbols of the 230 space groups in their standard settings (International Tables A, from gemmi)."""
    symbols = [gemmi.find_spacegroup_by_number(number).hm.replace(" ", "") for number in range(1, 231)]
    return [re.sub(r"^([A-Z])1(.+)1$", r"\1\2", symbol) for symbol in symbols]


@lru_cache(maxsize=530)
def _centring(hall: int) -> str:
    letter = str(moyopy.HallSymbolEntry(hall).centering).strip('"').rpartition(".")[2]
    return letter if letter in CONVENTIONAL else "P"
