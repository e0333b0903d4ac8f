"""What DFT found for crystals of nearly the same composition: for each candidate, the nearest that the model learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data.snapshot import Snapshot
from pipeline.report.formulas import composition
from pipeline.training.splits import split_rows

NEAREST = 5
FARTHEST = 0.5  # share of the atoms; beyond that a neighbour says nothing
_COLUMNS = ["material_id", "formula", "chemsys", "split", "moment_muB_per_atom"]


@dataclass(frozen=True)
class Learned:
    """The crystals that a model learned from; entries correspond. They are in the order of their ids."""

    ids: list[str] = field(default_factory=list)
    formulas: list[str] = field(default_factory=list)
    moments: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))  # µB/atom


@dataclass(frozen=True)
class Neighbour:
    """A crystal of the training data near a candidate."""

    row: int  # in Learned
    exchanged: float  # share of the atoms that differ between the two compositions


def learned(snapshot: Snapshot) -> Learned:
    """The labelled training rows of a snapshot."""
    table = snapshot.table(_COLUMNS)
    table = table.take(pa.array(split_rows(table).train))
    table = table.filter(pc.is_valid(table["moment_muB_per_atom"])).sort_by("material_id")
    moments = table["moment_muB_per_atom"].to_numpy().astype(np.float64)
    return Learned(table["material_id"].to_pylist(), table["formula"].to_pylist(), moments)


def neighbours(formulas: Sequence[str], known: Learned) -> list[list[Neighbour]]:
    """For each formula up to NEAREST crystals whose composition differs least; of equal ones those that come first.

    The distance is the share of the atoms to be exchanged, half the sum of the differences of all elements' shares: 0 is the
    same composition, 1 means no element in common.
    """
    holders: dict[int, list[tuple[int, float]]] = {}
    for row, formula in enumerate(known.formulas):
        for z, share in composition(formula):
            holders.setdefault(z, []).append((row, share))
    columns = {
        z: (np.array([r for r, _ in found]), np.array([s for _, s in found], dtype=np.float32)) for z, found in holders.items()
    }
    said: dict[str, list[Neighbour]] = {}
    for formula in formulas:
        if formula not in said:
            said[formula] = _nearest(formula, columns, len(known.formulas))
    return [said[formula] for formula in formulas]


def _nearest(formula: str, columns: dict[int, tuple[NDArray[np.int64], NDArray[np.float32]]], rows: int) -> list[Neighbour]:
    common = np.zeros(rows, dtype=np.float32)
    for z, share in composition(formula):
        if z in columns:
            holders, shares = columns[z]
            common[holders] += np.minimum(shares, np.float32(share))
    count = min(NEAREST, rows)
    if count == 0:
        return []
    least = max(float(np.partition(common, rows - count)[rows - count]), 1 - FARTHEST)
    near = np.flatnonzero(common >= least)
    near = near[np.argsort(-common[near], kind="stable")][:count]
    return [Neighbour(int(row), round(max(0.0, 1.0 - float(common[row])), 4)) for row in near]
