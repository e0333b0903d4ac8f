"""The step of a screen that puts measurements, and predictions of measurements, beside what DFT says."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.labels import TESLA_PER_MUB_PER_A3
from data.sources.literature.snapshot import LiteratureSnapshot
from data.symmetry import NEARLY_A, SymmetricCell, group_within
from pipeline.dedup.fingerprint import site_kinds
from pipeline.magnetism.experiment import with_experiment
from pipeline.magnetism.known_orders import OTHER_STRUCTURE, known_from_experiment
from pipeline.magnetism.working_temperature import FIRST_CUBIC, uniaxial_possible

LEAST_T = 0.05  # µ0·Ms at 300 K times P(FM or FiM), below which an axis is of no use
AT_ONCE = 10_000  # cells; bounds the memory
Cells = Callable[[list[int]], Sequence[SymmetricCell]]


def with_measured(predictions: pd.DataFrame, cells: Cells, own: LiteratureSnapshot | None) -> pd.DataFrame:
    """The predictions of all shards with the columns of `pipeline.screening.columns.EXPERIMENT`.

    Args:
        predictions: of `pipeline.screening.candidates.predict_shard`; the index counts the rows.
        cells: the crystals of some of the rows.
        own: the user's literature snapshot, beside the table that comes with ferroscreen; None where there is none.
    """
    known = known_from_experiment(predictions["formula"], predictions["space_group"], own)
    elsewhere = known[OTHER_STRUCTURE]
    if elsewhere.any():
        groups = pd.Series(_nearly(predictions, elsewhere, cells), index=known.index[elsewhere])
        known.loc[elsewhere] = known_from_experiment(predictions.loc[elsewhere, "formula"], groups, own)
    table = with_experiment(predictions, known, TESLA_PER_MUB_PER_A3 / predictions["volume_per_atom"])
    warm = table["saturation_300K_T"] * table["p_fm_or_fim"] >= LEAST_T
    strained = warm & (table["space_group"] < FIRST_CUBIC)
    table.loc[strained, "uniaxial_possible"] = uniaxial_possible(_nearly(predictions, strained, cells))
    return table


def _nearly(predictions: pd.DataFrame, wanted: pd.Series[bool], cells: Cells) -> NDArray[np.int64]:
    """The space groups of the wanted rows, to NEARLY_A."""
    rows = np.flatnonzero(wanted).tolist()
    fingerprints = predictions["fingerprint"].to_numpy()
    found = []
    for start in range(0, len(rows), AT_ONCE):
        part = rows[start : start + AT_ONCE]
        for row, cell in zip(part, cells(part), strict=True):
            found.append(group_within(cell, site_kinds(cell, fingerprints[row]), NEARLY_A))
    return np.array(found, dtype=np.int64)
