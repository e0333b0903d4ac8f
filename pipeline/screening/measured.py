"""The step of a screen that puts measurements, and predictions of measurements, beside what DFT says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from data.labels import TESLA_PER_MUB_PER_A3
from data.sources.literature.snapshot import LiteratureSnapshot
from pipeline.magnetism.experiment import with_experiment
from pipeline.magnetism.known_orders import known_from_experiment

NAMED = "literature-"  # in the `code` of a run's manifest, with the id of the user's literature snapshot


def literature_of(manifest: Mapping[str, Any]) -> str | None:
    """Id of the user's literature snapshot that a run looked up; None where it had none."""
    named = [part for part in manifest.get("code") or [] if isinstance(part, str) and part.startswith(NAMED)]
    return named[0].removeprefix(NAMED) if named else None


def with_measured(predictions: pd.DataFrame, own: LiteratureSnapshot | None) -> pd.DataFrame:
    """The predictions of all shards with the columns of `pipeline.screening.columns.EXPERIMENT`.

    Args:
        predictions: of `pipeline.screening.candidates.predict_shard`.
        own: the user's literature snapshot, beside the table that comes with ferroscreen; None where there is none.
    """
    known = known_from_experiment(predictions["formula"], predictions["space_group"], own)
    return with_experiment(predictions, known, TESLA_PER_MUB_PER_A3 / predictions["volume_per_atom"])
