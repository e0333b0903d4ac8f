"""Tables that a spreadsheet opens as text and never runs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

ROWS_AT_ONCE = 10_000  # bounds the memory: a number as a text takes ten times its room
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_safe(frame: pd.DataFrame) -> pd.DataFrame:
    """A copy in which no text can start a spreadsheet formula; units and numbers stay as they are.

    Text (cells, column names and index labels) that starts with ``=``, ``+``, ``-``, ``@``, tab, carriage return or
    line feed gets an apostrophe in front, which spreadsheets read as "this is text". Numbers are untouched, so -1.5
    stays a number; the text "-1.5" becomes "'-1.5". Whoever reads the file back strips the apostrophe where one of
    these characters follows it.
    """
    safe = frame.copy(deep=False)  # columns are replaced, never written to
    for place in range(safe.shape[1]):
        column = safe.iloc[:, place]
        if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
            continue
        if _may_start_formula(column.to_list()):
            safe.isetitem(place, np.fromiter(map(_inert, column), dtype=object, count=len(column)))
    safe.columns = safe.columns.map(_inert)
    safe.index = safe.index.map(_inert)
    return safe


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """The rows as CSV in UTF-8, with floats to six digits: what pandas writes, in a tenth of its time.

    Args:
        frame: the table; its index is left out.
    """
    parts = [_written([frame.columns])]
    for start in range(0, len(frame), ROWS_AT_ONCE):
        some = frame.iloc[start : start + ROWS_AT_ONCE]
        parts.append(_written(zip(*(_cells(some.iloc[:, place]) for place in range(some.shape[1])), strict=True)))
    return b"".join(parts)


def as_given(text: str) -> str:
    """A text of a file that `csv_safe` wrote, as it was before."""
    return text[1:] if text[:1] == "'" and text[1:].startswith(FORMULA_STARTS) else text


def _may_start_formula(cells: list[Any]) -> bool:
    """Whether one of these cells may have to be changed; nearly every column is of plain texts of which none has to be."""
    return not (set(map(type, cells)) <= {str} and {cell[:1] for cell in cells}.isdisjoint(FORMULA_STARTS))


def _written(rows: Iterable[Iterable[Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _cells(column: pd.Series[Any]) -> list[Any]:
    """What the CSV writer is given; a missing value is an empty cell."""
    if column.dtype.kind == "f":
        return [f"{value:.6g}" if value == value else "" for value in column.tolist()]
    missing = column.isna()
    return column.astype(object).mask(missing, "").tolist() if missing.any() else column.tolist()


def _inert(cell: object) -> object:
    if isinstance(cell, tuple):  # a label of a table with several header rows
        return tuple(map(_inert, cell))
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell
