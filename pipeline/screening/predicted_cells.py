"""Crystals to symmetrised cells and what the ensemble and the order classifier say of them, kept between screens.

A screen after a refresh meets nearly the same crystals again. What was computed of a crystal is found by its exact lattice,
coordinates and elements, and by what computed it: code, models, libraries. A prediction's bits do not depend on the crystals
beside it (models/graphs/filler.py), so a ranking has the same bytes with and without what is kept. Crystals under a licence are
never kept.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.crystal import Crystal
from data.symmetry import SymmetricCell, symmetrise
from models.ordering.order_classifier import CLASSES
from pipeline.disorder.averaging import NUMBERS
from pipeline.features.descriptors import descriptor_names
from pipeline.features.rowcache import RowCache
from pipeline.features.slow_descriptors import without_values
from pipeline.featurise import featurise_cells
from pipeline.magnetism.moment_facts import FACTS, LEAST_P, TEXTS, moment_facts
from pipeline.magnetism.order_descriptors import order_descriptors
from pipeline.ops.row_store import RowStore, row_keys
from pipeline.registry.ensemble import Ensemble
from pipeline.registry.order_models import load_classifier
from pipeline.screening.columns import MEMBER_PREFIX
from pipeline.screening.kept_rows import filled, key_prefix

_HEAD = struct.Struct("<iiib")  # sites, space group, Hall number, whether exact
Floats = NDArray[np.float64]
Row = tuple[Floats, list[str]]  # the numbers of a crystal, and its texts


@dataclass(frozen=True, eq=False)
class Said:
    """One row for each crystal that has a graph."""

    kept: NDArray[np.int64]  # places among the cells that were handed over, ascending
    values: dict[str, NDArray[Any]]  # by name of the column, (rows,) each


@dataclass(frozen=True)
class Predictor:
    """The models that are asked, and the file of what they said before; without one, everything is computed."""

    ensemble: Ensemble
    order: Path
    slow: RowCache | None
    store: RowStore | None

    @property
    def columns(self) -> list[str]:
        """Names of the numbers that are kept of a crystal."""
        members = [f"{MEMBER_PREFIX}{m['name']}" for m in self.ensemble.manifest["members"]]
        return [*NUMBERS, *members, *(f"order_{name}" for name in CLASSES), "without_slow", *_FACTS]

    def cells(self, crystals: Sequence[Crystal], licensed: Sequence[bool]) -> list[SymmetricCell]:
        """The symmetrised cells of crystals."""
        return kept_cells(self.store, self.ensemble.graph_settings.symprec_A, crystals, licensed)

    def say(self, cells: Sequence[SymmetricCell], licensed: Sequence[bool]) -> Said:
        """What the models say of cells."""
        if self.store is None or self.slow is not None:  # slow descriptors may be there today that were missing yesterday
            rows = self._ask(cells)
        else:
            keys = row_keys(self._prefix, map(cell_bytes, cells))

            def compute(places: list[int]) -> list[Row | None]:
                return self._ask([cells[k] for k in places])

            rows = filled(self.store, keys, licensed, compute, _row_bytes, partial(_row, len(self.columns)))
        kept = np.array([k for k, row in enumerate(rows) if row is not None], dtype=np.int64)
        whole = [row for row in rows if row is not None]
        table = np.array([numbers for numbers, _ in whole]).reshape(len(kept), len(self.columns))
        words = np.array([texts for _, texts in whole], dtype=object).reshape(len(kept), len(TEXTS))
        numbers = {name: np.ascontiguousarray(column) for name, column in zip(self.columns, table.T, strict=True)}
        return Said(kept, numbers | dict(zip(TEXTS, words.T, strict=True)))

    def _ask(self, cells: Sequence[SymmetricCell]) -> list[Row | None]:
        """A row for each cell; None where an atom is isolated."""
        rows: list[Row | None] = [None] * len(cells)
        read = featurise_cells(cells, self.ensemble.needs, self.slow)
        if not len(read.kept):
            return rows
        fast, slow = np.split(read.examples.descriptors, [len(descriptor_names())], axis=1)
        said = self.ensemble.predict(read.examples)
        lacking = without_values(slow) if self.slow is not None else np.zeros(len(fast))
        wanted = said.p_magnetic >= LEAST_P
        read_of_order = order_descriptors(read.cells, fast, wanted, self.ensemble.graph_settings)
        orders = load_classifier(self.order).predict(read_of_order).T
        facts = moment_facts(read.examples.graphs, read.cells, said.p_magnetic)
        numbers = (*(getattr(said, name) for name in NUMBERS), *said.members.values(), *orders, lacking)
        table = np.stack([*numbers, *(facts[name] for name in _FACTS)], axis=1).astype(np.float64)
        words = zip(*(facts[name].tolist() for name in TEXTS), strict=True)
        for place, row, texts in zip(read.kept.tolist(), table, words, strict=True):
            rows[place] = (row, list(texts))
        return rows

    @property
    def _prefix(self) -> bytes:
        settings = (repr(self.ensemble.graph_settings), *self.ensemble.descriptor_set.code)
        return key_prefix("predictions", self.ensemble.folder.name, self.order.name, *settings, *self.columns)


_FACTS = tuple(name for name in FACTS if name not in TEXTS)


def kept_cells(
    store: RowStore | None, symprec_A: float, crystals: Sequence[Crystal], licensed: Sequence[bool] | None = None
) -> list[SymmetricCell]:
    """The symmetrised cells of crystals; those that are in the file are not computed again.

    Args:
        store: the file; without one, everything is computed.
        symprec_A: tolerance of the symmetry search, Å.
        crystals: any crystals.
        licensed: which of them are never kept; None: none of them is licensed.
    """
    if store is None:
        return [symmetrise(crystal, symprec_A) for crystal in crystals]
    keys = row_keys(key_prefix("cells", repr(symprec_A)), (crystal_bytes(crystal) for crystal in crystals))

    def compute(places: list[int]) -> list[SymmetricCell]:
        return [symmetrise(crystals[k], symprec_A) for k in places]

    return filled(store, keys, licensed or [False] * len(keys), compute, cell_bytes, cell_of)


def crystal_bytes(crystal: Crystal) -> bytes:
    """What its predictions are computed from."""
    numbers = np.ascontiguousarray(crystal.numbers, dtype="<i8")
    return numbers.tobytes() + _floats(crystal.lattice) + _floats(crystal.frac)


def cell_bytes(cell: SymmetricCell) -> bytes:
    """All of a cell; `cell_of` reads it."""
    head = _HEAD.pack(len(cell.numbers), cell.space_group, cell.hall, cell.exact)
    whole = np.concatenate([cell.numbers, cell.orbit]).astype("<i4")
    return head + whole.tobytes() + _floats(cell.lattice) + _floats(cell.frac)


def cell_of(content: bytes) -> SymmetricCell:
    """The cell of `cell_bytes`."""
    sites, space_group, hall, exact = _HEAD.unpack_from(content)
    whole = np.frombuffer(content, "<i4", 2 * sites, _HEAD.size).astype(np.int64)
    real = np.frombuffer(content, "<f8", 9 + 3 * sites, _HEAD.size + 8 * sites).astype(np.float64)
    return SymmetricCell(
        real[:9].reshape(3, 3), real[9:].reshape(-1, 3), whole[:sites], whole[sites:], space_group, bool(exact), hall
    )


def _row(numbers: int, content: bytes) -> Row | None:
    if not content:
        return None
    return np.frombuffer(content, "<f8", numbers).astype(np.float64), json.loads(content[8 * numbers :])


def _row_bytes(row: Row | None) -> bytes:
    return b"" if row is None else _floats(row[0]) + json.dumps(row[1]).encode()


def _floats(values: Floats) -> bytes:
    return np.ascontiguousarray(values, dtype="<f8").tobytes()
