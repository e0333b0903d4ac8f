"""Everything that a screen says of an ordered crystal by itself, as one row that is kept between screens.

A screen after a refresh meets nearly the same crystals again. One look-up finds all that was computed of a crystal, by its exact
lattice, coordinates and elements and by what computed it: code, models, libraries. What the source says of it (id, file, label,
note) is not in the row. A prediction's bits do not depend on the crystals beside it (models/graphs/filler.py), so a ranking has
the same bytes with and without what is kept. Crystals under a licence are never kept.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.crystal import Crystal
from data.sources import Record
from data.symmetry import SymmetricCell
from pipeline.features.descriptors import compositions
from pipeline.features.neighbours import atoms_alone
from pipeline.magnetism.experiment import PREDICTED_COLUMNS
from pipeline.magnetism.moment_facts import FACTS, TEXTS
from pipeline.ops.row_store import row_keys
from pipeline.screening.answer_columns import answer_columns
from pipeline.screening.columns import MEMBER_PREFIX
from pipeline.screening.crystal_facts import WARNING, WITHOUT_SLOW_DESCRIPTORS, facts_of_crystal, facts_of_record, joined_notes
from pipeline.screening.kept_rows import filled, key_prefix, open_store
from pipeline.screening.predicted_cells import Predictor, cell_bytes, cell_of, crystal_bytes
from pipeline.screening.predicted_compositions import CompositionPredictor
from pipeline.screening.screen_models import ScreenModels

WORDS = ("formula", "fingerprint", WARNING, "rare_earths", "radioactive", "ordering_most_likely", *TEXTS)
WITHOUT_SLOW = "without_slow"  # 1 where slow descriptors are missing
_OF_CRYSTAL = ("volume_per_atom", "hhi_production", "hhi_reserve", "price_USD_per_kg")
_OF_MODELS = (
    "moment_muB_per_atom", "moment_low", "moment_high", "moment_std", "p_magnetic", "p_moment_above_1", "ood_score",
    "p_ferromagnetic", "p_ferrimagnetic", "p_antiferromagnetic", "afm_risk",
)  # fmt: skip
_HEAD = struct.Struct("<HI")  # numbers, bytes of the words


@dataclass(frozen=True, eq=False)
class OrderedRow:
    """One crystal."""

    numbers: NDArray[np.float64]  # in the order of `OrderedRows.columns`
    words: list[str]  # WORDS
    cell: SymmetricCell


@dataclass(frozen=True)
class OrderedRows:
    """The rows of ordered crystals; those that are kept are not computed again."""

    predictor: Predictor
    models: ScreenModels

    def of(self, crystals: Sequence[Crystal], licensed: Sequence[bool]) -> list[OrderedRow | None]:
        """One row a crystal; None where an atom has no neighbour.

        Args:
            crystals: of one shard.
            licensed: which of them are never kept.
        """
        secret, store = any(licensed), self.predictor.store

        def compute(places: list[int]) -> list[OrderedRow | None]:
            return self._computed([crystals[k] for k in places], [licensed[k] for k in places], secret)

        if store is None or self.predictor.slow is not None:  # slow descriptors may be there today that were missing yesterday
            return compute(list(range(len(crystals))))
        keys = row_keys(self._prefix, map(crystal_bytes, crystals))
        return filled(store, keys, licensed, compute, _row_bytes, _row)

    def _computed(self, crystals: list[Crystal], licensed: list[bool], secret: bool) -> list[OrderedRow | None]:
        rows: list[OrderedRow | None] = [None] * len(crystals)
        every = self.predictor.cells(crystals, licensed)
        said = replace(self.predictor, store=None).say(every, licensed)
        places = said.kept.tolist()
        if not places:
            return rows
        cells = [every[k] for k in places]
        known = frozenset(self.predictor.ensemble.manifest["elements"])
        facts = [facts_of_crystal(crystals[k], cell, known) for k, cell in zip(places, cells, strict=True)]
        asked = CompositionPredictor(self.models.experiment, None if secret else open_store(self.models.kept))
        values: dict[str, Any] = {name: [one[name] for one in facts] for name in facts[0]}
        values |= answer_columns(said.values, asked, compositions(atoms_alone(cells)))
        values[WITHOUT_SLOW] = said.values[WITHOUT_SLOW]
        numbers = np.stack([np.asarray(values[name], dtype=np.float64) for name in self.columns], axis=1)
        words = zip(*(values[name] for name in WORDS), strict=True)
        for place, cell, row, texts in zip(places, cells, numbers, words, strict=True):
            rows[place] = OrderedRow(row, [str(text) for text in texts], cell)
        return rows

    @property
    def columns(self) -> list[str]:
        """Names of the numbers of a row."""
        members = [f"{MEMBER_PREFIX}{m['name']}" for m in self.predictor.ensemble.manifest["members"]]
        return [*_OF_CRYSTAL, WITHOUT_SLOW, *_OF_MODELS, *PREDICTED_COLUMNS, *(n for n in FACTS if n not in TEXTS), *members]

    @property
    def _prefix(self) -> bytes:
        ensemble = self.predictor.ensemble
        settings = (repr(ensemble.graph_settings), *ensemble.descriptor_set.code)
        return key_prefix("ordered crystals", *self.models.to_json().values(), *settings, *self.columns, *WORDS)

    def table(self, records: Sequence[Record], rows: Sequence[OrderedRow]) -> pd.DataFrame:
        """One row a crystal: what its source says, and its own row."""
        said = [facts_of_record(record, len(row.cell.numbers)) for record, row in zip(records, rows, strict=True)]
        numbers = dict(zip(self.columns, np.array([row.numbers for row in rows]).T, strict=True))
        words = dict(zip(WORDS, map(list, zip(*(row.words for row in rows), strict=True)), strict=True))
        warnings, slow = words.pop(WARNING), numbers.pop(WITHOUT_SLOW).tolist()
        notes = [
            joined_notes(record.crystal.note, warning, WITHOUT_SLOW_DESCRIPTORS if lacking else "")
            for record, warning, lacking in zip(records, warnings, slow, strict=True)
        ]
        values: dict[str, Any] = {name: [one[name] for one in said] for name in said[0]}
        labels = (None if r.label is None else r.label.per_atom(r.crystal.n_sites) for r in records)
        return pd.DataFrame(
            values
            | {"e_above_hull": np.array(values["e_above_hull"], dtype=np.float64)}
            | {"moment_dft": np.array(list(labels), dtype=np.float64), "note": notes}
            | {"space_group": [row.cell.space_group for row in rows]}
            | words
            | numbers
        )


def _row_bytes(row: OrderedRow | None) -> bytes:
    if row is None:
        return b""
    words = json.dumps(row.words).encode()
    numbers = np.ascontiguousarray(row.numbers, dtype="<f8").tobytes()
    return _HEAD.pack(len(row.numbers), len(words)) + numbers + words + cell_bytes(row.cell)


def _row(content: bytes) -> OrderedRow | None:
    if not content:
        return None
    count, length = _HEAD.unpack_from(content)
    end = _HEAD.size + 8 * count
    numbers = np.frombuffer(content, "<f8", count, _HEAD.size)
    return OrderedRow(numbers, json.loads(content[end : end + length].decode()), cell_of(content[end + length :]))
