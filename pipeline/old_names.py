"""Names that older releases gave to columns and keys, so that what they wrote stays readable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

COLUMNS = {"set_aside": "exclusion_reason", "p_large": "p_moment_above_1", "unfamiliar": "ood_score"}
RUN_KEYS = {"set_aside": "excluded", "unfamiliar": "out_of_domain", "without_costly": "without_slow_descriptors"}
OLD_SETTINGS = {"FERROSCREEN_MP_LONGEST_WISH_S": "FERROSCREEN_MP_LONGEST_RETRY_AFTER_S"}  # environment variables
TRAINING_SETTINGS = {"weigh_doubtful": "weigh_label_noise", "tier": "descriptor_set"}
METRICS = {"groups": "stratified_errors"}  # of an ensemble


def with_current_columns(table: pd.DataFrame) -> pd.DataFrame:
    """A ranking, or the table of held-out rows of a model, of any release, with the columns of this one."""
    return table.rename(columns={old: new for old, new in COLUMNS.items() if new not in table})


def with_current_keys(found: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """A part of a manifest of any release, with the keys of this one.

    Args:
        found: the manifest of a run, or the settings or the metrics of a training.
        names: RUN_KEYS, TRAINING_SETTINGS or METRICS.
    """
    return {names.get(key, key): value for key, value in found.items()}
