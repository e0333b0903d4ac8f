"""The step of a screen that puts measurements, and predictions of measurements, beside what DFT says."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from data.labels import TESLA_PER_MUB_PER_A3
from data.sources.literature.snapshot import LiteratureSnapshot
from data.symmetry import SymmetricCell, group_within
from pipeline.magnetism.experiment import with_experiment
from pipeline.magnetism.known_orders import known_from_experiment

NEARLY_A = 0.1  # Å; a crystal this near to a measured structure has that structure


def with_measured(
    predictions: pd.DataFrame, cells: Callable[[list[int]], Sequence[SymmetricCell]], own: LiteratureSnapshot | None
) -> pd.DataFrame:  # fmt: skip
    """The predictions of all shards with the columns of `pipeline.screening.columns.EXPERIMENT`.

    Args:
        predictions: of `pipeline.screening.candidates.predict_shard`; the index counts the rows.
        cells: the crystals of some of the rows.
        own: the user's literature snapshot, beside the table that comes with ferroscreen; None where there is none.
    """
    known = known_from_experiment(predictions["formula"], predictions["space_group"], own)
    elsewhere = known.index[known["known_elsewhere"] != ""]
    if len(elsewhere):
        groups = pd.Series([group_within(cell, NEARLY_A) for cell in cells(elsewhere.tolist())], index=elsewhere)
        known.loc[elsewhere] = known_from_experiment(predictions.loc[elsewhere, "formula"], groups, own)
    return with_experiment(predictions, known, TESLA_PER_MUB_PER_A3 / predictions["volume_per_atom"])
