"""A CSV or TSV table with an id and a CIF text or a pymatgen Structure (as JSON), read as a Parquet table is."""

from __future__ import annotations

import csv
import io
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from data.sources.files import Archive, Entry, decode, read_bytes, with_line_feeds
from data.sources.parquet import ParquetSource, Rows

ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
MAX_BYTES = 1 << 31  # of a table in memory; larger ones belong in Parquet, which is read in parts
_MAX_CELL = 1 << 26  # characters


class CsvRows:
    """A table of text, in memory: a CIF has line feeds, so that no part of the file can be read alone.

    Raises:
        ValueError: it is no table, or too large.
    """

    def __init__(self, path: Path) -> None:
        try:
            with Archive() as archive:
                raw = read_bytes(Entry(str(path), path.name), archive, MAX_BYTES + 1)
        except (EOFError, zlib.error) as fault:  # a packed file that is cut or damaged
            raise ValueError(f"{fault}") from fault
        if len(raw) > MAX_BYTES:
            raise ValueError(f"more than {MAX_BYTES >> 30} GiB of text; write it as Parquet")
        text = with_line_feeds(decode(raw).lstrip("\r\n"))
        csv.field_size_limit(_MAX_CELL)
        first = text.partition("\n")[0]
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",\t;", key=first.count))
        try:
            self.names: list[str] = [name.strip() for name in next(reader, [])]
            self._rows = [row for row in reader if row]
        except csv.Error as fault:
            raise ValueError(f"line {reader.line_num}: {fault}") from fault
        self.count = len(self._rows)

    def take(self, columns: list[str], start: int, stop: int) -> pa.Table:
        rows = self._rows[start:stop]
        places = {name: self.names.index(name) for name in columns}
        cells = {name: [(row[k] or None) if k < len(row) else None for row in rows] for name, k in places.items()}
        return pa.table({name: pa.array(column, pa.string()) for name, column in cells.items()})


@dataclass(frozen=True)
class CsvSource(ParquetSource):
    """The same of a CSV or TSV file; an empty cell is an absent value."""

    kind: ClassVar[str] = "csv"
    kind_in_words: ClassVar[str] = "CSV table"

    def _rows(self) -> Rows:
        return _table(self.path, self.path.stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _table(path: Path, when: int) -> CsvRows:
    """The table read last: every shard asks for it; `when` it was written makes a changed file another one."""
    return CsvRows(path)
