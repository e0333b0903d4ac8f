"""What the models of experiments say of compositions, kept between screens like the predictions of crystals."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.features.elements import Compositions
from pipeline.magnetism.experiment import PREDICTED_COLUMNS, predicted_columns, unique_compositions
from pipeline.ops.row_store import RowStore, row_keys
from pipeline.registry.order_models import load_experiment
from pipeline.screening.kept_rows import filled, key_prefix

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CompositionPredictor:
    """The model of experiments in a folder, and the file of what it said before; without one, everything is computed."""

    folder: Path
    store: RowStore | None

    def columns(self, mix: Compositions) -> dict[str, Floats]:
        """PREDICTED_COLUMNS, one row a composition."""
        once, row = unique_compositions(mix)
        if self.store is None:
            return {name: values[row] for name, values in self._ask(once).items()}
        parts = [(once.number[a:b].tobytes(), once.fraction[a:b].tobytes()) for a, b in once.spans()]
        keys = row_keys(key_prefix("compositions", self.folder.name), (b"".join(part) for part in parts))

        def compute(places: list[int]) -> list[Floats]:
            said = self._ask(once.take(np.array(places, dtype=np.int64)))
            return list(np.stack([said[name] for name in PREDICTED_COLUMNS], axis=1))

        found = filled(self.store, keys, [False] * len(keys), compute, np.ndarray.tobytes, np.frombuffer)
        table = np.array(found).reshape(len(keys), len(PREDICTED_COLUMNS))
        return {name: np.ascontiguousarray(table[row, k]) for k, name in enumerate(PREDICTED_COLUMNS)}

    def _ask(self, mix: Compositions) -> dict[str, Floats]:
        return predicted_columns(load_experiment(self.folder).model, mix)
