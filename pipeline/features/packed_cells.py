"""Symmetrised primitive cells as flat arrays, so that a store keeps them beside the graphs that were built from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.symmetry import SymmetricCell

CELL_DTYPES: dict[str, tuple[Any, tuple[int, ...]]] = {  # of each field: its type, and what follows its first dimension
    "cell_ptr": (np.int64, ()),
    "cell_lattice": (np.float64, (3, 3)),
    "cell_frac": (np.float64, (3,)),
    "cell_numbers": (np.int64, ()),
    "cell_orbit": (np.int64, ()),
    "cell_space_group": (np.int64, ()),
    "cell_exact": (np.bool_, ()),
    "cell_hall": (np.int64, ()),
}


@dataclass(frozen=True, eq=False)
class PackedCells:
    """Cells of many crystals. The arrays may be memory-mapped."""

    arrays: dict[str, NDArray[Any]]  # CELL_DTYPES; `cell_ptr` (cells + 1,) is the first site of each cell

    @classmethod
    def empty(cls) -> dict[str, NDArray[Any]]:
        """Arrays without an entry, which give each field's type and shape."""
        return {name: np.zeros((0, *tail), kind) for name, (kind, tail) in CELL_DTYPES.items()}

    @classmethod
    def of(cls, cells: Sequence[SymmetricCell]) -> PackedCells:
        """Pack cells in the order given."""
        empty = cls.empty()
        return cls(
            {
                "cell_ptr": np.concatenate([[0], np.cumsum([len(cell.numbers) for cell in cells])]).astype(np.int64),
                "cell_lattice": np.array([cell.lattice for cell in cells], dtype=np.float64).reshape(-1, 3, 3),
                "cell_frac": np.concatenate([empty["cell_frac"], *(cell.frac for cell in cells)]),
                "cell_numbers": np.concatenate([empty["cell_numbers"], *(cell.numbers for cell in cells)]),
                "cell_orbit": np.concatenate([empty["cell_orbit"], *(cell.orbit for cell in cells)]),
                "cell_space_group": np.array([cell.space_group for cell in cells], dtype=np.int64),
                "cell_exact": np.array([cell.exact for cell in cells], dtype=np.bool_),
                "cell_hall": np.array([cell.hall for cell in cells], dtype=np.int64),
            }
        )

    def __len__(self) -> int:
        return len(self.arrays["cell_ptr"]) - 1

    def __getitem__(self, row: int) -> SymmetricCell:
        a = self.arrays
        sites = slice(int(a["cell_ptr"][row]), int(a["cell_ptr"][row + 1]))
        frac, numbers, orbit = (np.array(a[f"cell_{name}"][sites]) for name in ("frac", "numbers", "orbit"))
        return SymmetricCell(
            np.array(a["cell_lattice"][row]), frac, numbers, orbit,
            int(a["cell_space_group"][row]), bool(a["cell_exact"][row]), int(a["cell_hall"][row]),
        )  # fmt: skip
