"""Cells on disk come back as they were, whatever their number of sites."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.symmetry import SymmetricCell
from pipeline.dedup.cellfile import CellFiles, write_cells

FIELDS = ("lattice", "frac", "numbers", "orbit")


def _cell(sites: int, seed: int) -> SymmetricCell:
    random = np.random.default_rng(seed)
    numbers = random.integers(1, 104, sites)
    orbit = np.minimum(np.arange(sites), 1)
    return SymmetricCell(
        random.normal(size=(3, 3)), random.random((sites, 3)), numbers, orbit, 1 + seed, bool(seed % 2), 530 - seed
    )


def _same(one: SymmetricCell, other: SymmetricCell) -> bool:
    arrays = all(
        np.array_equal(getattr(one, name), getattr(other, name)) and getattr(one, name).dtype == getattr(other, name).dtype
        for name in FIELDS
    )
    return arrays and (one.space_group, one.exact, one.hall) == (other.space_group, other.exact, other.hall)


def test_cells_come_back_bit_by_bit_from_several_files(tmp_path: Path) -> None:
    cells = [_cell(sites, seed) for seed, sites in enumerate((1, 7, 2, 120, 1))]
    paths = tuple(tmp_path / f"{k}.parquet" for k in range(3))
    for path, part in zip(paths, (cells[:2], [], cells[2:]), strict=True):
        write_cells(path, part)
    rows = [4, 0, 3, 3, 1]
    found = CellFiles(paths).take(rows)
    assert all(_same(one, cells[row]) for one, row in zip(found, rows, strict=True))
    assert list(CellFiles(paths).take([])) == []


def test_cells_that_come_back_can_be_written_to(tmp_path: Path) -> None:
    write_cells(tmp_path / "cells.parquet", [_cell(3, 1)])
    (found,) = CellFiles((tmp_path / "cells.parquet",)).take([0])
    found.frac[0] = 0.5
    assert found.frac[0] == pytest.approx([0.5] * 3)
