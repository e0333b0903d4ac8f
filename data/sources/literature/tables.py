"""Reading tables of measured values: every CSV or Parquet file of a folder that has the columns."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from pymatgen.core import Composition

from data.errors import UserError
from data.store.artifact import file_hash

REQUIRED = ("formula", "kind", "value_K", "ref")
OPTIONAL = ("source", "manual", "key", "licence")
TC, TN = "Tc", "TN"  # of a ferro- or ferrimagnet; of an antiferromagnet
TEMPERATURES, ORDERS, STRUCTURES = "transition_temperatures.parquet", "magnetic_order.parquet", "magnetic_structures.parquet"
CURATED = (TEMPERATURES, ORDERS, STRUCTURES)  # one row a composition, weighed by the person who made them: to learn from
TRUE = ("true", "1", "1.0", "yes")  # of `manual`; a column of whole numbers with gaps has 1.0
_PLAIN = re.compile(r"(?:[A-Z][a-z]?(?:[1-9]\d*(?:\.\d+)?)?)+", re.ASCII)
_WHOLE = re.compile(r"(?:[A-Z][a-z]?(?:[1-9]\d*)?)+", re.ASCII)
_GROUP = re.compile(r"\(([A-Za-z0-9]+)\)([1-9]\d*)", re.ASCII)
_PART = re.compile(r"([A-Z][a-z]?)([\d.]*)", re.ASCII)


def literature_files(folder: Path) -> list[Path]:
    """The tables of a folder, by name.

    Raises:
        UserError: there is no such folder, no table with the columns REQUIRED in it, or one that cannot be read.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder of literature tables")
    files = [path for path in _tables(folder) if _fits(path)]
    if not files:
        found = "; ".join(f"{path.name} has {', '.join(_names(path))}" for path in _tables(folder)[:3])
        raise UserError(
            f"no .csv (with commas) or .parquet file in {folder} has the columns {', '.join(REQUIRED)}"
            f"{f': {found}' if found else ''} (docs/how-to/literature.md)"
        )
    return files


def other_tables(folder: Path) -> list[Path]:
    """The tables of a folder that lack some of the columns REQUIRED, and are left alone."""
    return [path for path in _tables(folder) if not _fits(path)]


def _tables(folder: Path) -> list[Path]:
    return [p for p in sorted(folder.iterdir()) if p.suffix.lower() in (".csv", ".parquet") and p.name not in CURATED]


def curated_files(folder: Path) -> list[Path]:
    """The curated tables of a folder; none unless those that hold temperatures and orders are there."""
    here = [folder / name for name in CURATED if (folder / name).is_file()]
    return here if {TEMPERATURES, ORDERS} <= {path.name for path in here} else []


def read_values(files: Iterable[Path]) -> pd.DataFrame:
    """One row a value as it stands in its file: REQUIRED as text, `value_K` as a number (NaN where it is none), `source`,
    `manual`, `given_key` (the composition's key in the curated tables, "" where the file has none), `file`, `row` (from 1, below
    the header)."""
    parts = []
    for path in files:
        table = _read(path)
        part = pd.DataFrame({name: _text(table[name]) for name in ("formula", "kind", "ref")})
        part["stated"] = _text(table["value_K"])
        part["value_K"] = pd.to_numeric(table["value_K"], errors="coerce").astype(float)
        part["source"] = _text(table["source"]) if "source" in table else path.stem
        part["given_key"] = _text(table["key"]) if "key" in table else ""
        part["manual"] = _text(table["manual"]).str.lower().isin(TRUE) if "manual" in table else False
        part["file"], part["row"] = path.name, np.arange(1, len(table) + 1)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _read(path: Path) -> pd.DataFrame:
    """The table; columns with blanks around their names are known without them.

    Raises:
        UserError: it cannot be read, or has a column twice.
    """
    try:
        table = _csv(path) if path.suffix.lower() == ".csv" else pq.ParquetFile(path).read().to_pandas(ignore_metadata=True)
    except (OSError, ValueError) as fault:
        raise UserError(f"{path} is no readable table: {' '.join(str(fault).split())}") from fault
    table = table.rename(columns=str.strip)
    twice = [name for name in (*REQUIRED, *OPTIONAL) if list(table.columns).count(name) > 1]
    if twice:
        raise UserError(f"{path} has the column {twice[0]} twice")
    return table


def _csv(path: Path, rows: int | None = None) -> pd.DataFrame:
    """As text, with the names of its columns as they stand: pandas would number the second of two."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True, header=None, nrows=rows)
    return table.iloc[1:].set_axis(table.iloc[0].to_list(), axis=1).reset_index(drop=True)


def _text(column: pd.Series[Any]) -> pd.Series[str]:
    """As text; an absent value is empty."""
    return column.astype(object).where(column.notna(), "").astype(str)


def hashes(files: Iterable[Path]) -> dict[str, str]:
    """Content hash of each table by its name."""
    return {path.name: file_hash(path) for path in files}


def amounts_of(formula: str) -> dict[str, float] | None:
    """Element fractions by symbol; None for what is no formula. Deuterium and tritium count as hydrogen."""
    try:
        amounts = _plain_amounts(formula) or Composition(formula).get_el_amt_dict()
    except (ValueError, KeyError, TypeError, ZeroDivisionError):
        return None
    merged: dict[str, float] = {}
    for symbol, amount in amounts.items():
        name = "H" if symbol in ("D", "T") else symbol
        merged[name] = merged.get(name, 0.0) + float(amount)
    total = sum(merged.values())
    known = merged and all(_is_element(name) for name in merged) and np.isfinite(total) and total > 0
    return {name: amount / total for name, amount in merged.items()} if known else None


def composition_key(fractions: dict[str, float]) -> str:
    """`Fe0.6667 O0.3333`: what is looked up by; fractions need not sum to 1."""
    total = sum(fractions.values())
    return " ".join(f"{symbol}{fractions[symbol] / total:.4f}" for symbol in sorted(fractions))


def _plain_amounts(formula: str) -> dict[str, float]:
    """Amounts by symbol of a formula with at most one level of brackets; nothing for any other one, which pymatgen reads in ten
    times the time."""
    if not isinstance(formula, str):
        return {}
    expanded = _GROUP.sub(_multiplied, formula)
    if not _PLAIN.fullmatch(expanded):
        return {}
    amounts: dict[str, float] = {}
    for symbol, amount in _PART.findall(expanded):
        if not _is_element(symbol):
            return {}
        amounts[symbol] = amounts.get(symbol, 0.0) + (float(amount) if amount else 1.0)
    return amounts


def _multiplied(group: re.Match[str]) -> str:
    """`(PO4)2` as `P2O8`; a group with anything else stays as it is."""
    inner, times = group[1], int(group[2])
    if not _WHOLE.fullmatch(inner):
        return group[0]
    return "".join(f"{symbol}{int(amount or 1) * times}" for symbol, amount in _PART.findall(inner))


@lru_cache(maxsize=1024)
def _is_element(symbol: str) -> bool:
    from pymatgen.core import Element

    return bool(Element.is_valid_symbol(symbol)) and Element(symbol).Z <= 103


def _fits(path: Path) -> bool:
    return set(REQUIRED) <= set(_names(path))


def _names(path: Path) -> list[str]:
    """The columns of a table. Raises UserError where it cannot be read."""
    try:
        names = _csv(path, rows=1).columns if path.suffix.lower() == ".csv" else pq.read_schema(path).names
    except (OSError, ValueError) as fault:
        raise UserError(f"{path} is no readable table: {fault}") from fault
    return [str(name).strip() for name in names]
