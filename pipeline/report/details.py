"""Columns of the ranking that a candidate's details show as they are: those with a label in pipeline.screening.columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pipeline.report.text import finite, number, visible
from pipeline.screening.columns import EXPERIMENT, RANKING, RankingColumn

LONGEST = 400  # characters of a text


def detail_columns(ranking: pd.DataFrame) -> list[RankingColumn]:
    """Those that the ranking has and that say something of at least one candidate, in the order of its columns."""
    shown = (column for column in (*RANKING, *EXPERIMENT) if column.detail and column.name in ranking)
    return [column for column in shown if any(map(_is_there, ranking[column.name].to_list()))]


def detail_texts(values: pd.Series[Any], unit: str) -> list[str]:
    """A text a candidate: texts as they are, numbers with three digits and their unit; empty where there is nothing."""
    return [_text(value, unit) if _is_there(value) else "" for value in values.to_list()]


def _is_there(value: object) -> bool:
    return value != "" if isinstance(value, str) else isinstance(value, bool | np.bool_) or finite(value) is not None


def _text(value: object, unit: str) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, str):
        return visible(value, LONGEST)
    size = abs(finite(value) or 0.0)
    shown = number(value, 0 if size >= 100 else 1 if size >= 10 else 2)
    return f"{shown} {unit}" if unit else shown
