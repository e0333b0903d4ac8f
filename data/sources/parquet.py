"""Any Parquet table with an id and a CIF or a pymatgen Structure, and for training a moment."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from data.cif.disorder import Disorder
from data.cif.licence import is_icsd_text
from data.cif.reader import read_cif
from data.disordered import AnyCrystal
from data.errors import UserError
from data.labels import Label
from data.rejection import LOST, Reason, Rejection
from data.sources import Record, Shard
from data.sources.files import decode, with_line_feeds
from data.sources.formats import structure_entry
from data.sources.optimade.entries import read_entry
from data.sources.plain_entry import why_unreadable
from data.sources.table_cells import identifier_of, number_of, ordering_of, says_yes, states_something
from data.store.artifact import file_hash, text_hash

ROWS_PER_SHARD = 1024
MOST_KEPT_BYTES = 256 << 20  # of one row group, decoded; it is kept for the next shard
_SHOWN = 40  # characters of a cell in a note
SUM_OF_SITES = "sum of the site moments"  # provenance of a moment that no column states


@dataclass(frozen=True)
class Columns:
    """Which column of the table plays which part; those that default to None are read only when named."""

    id: str = "material_id"
    cif: str = "cif"
    moment: str | None = "total_magnetization_muB"  # µB per cell of the CIF
    moment_per_atom: str | None = "magnetization_muB_per_atom"  # a check on `moment`
    provenance: str | None = "label_source"
    split: str | None = "split"  # train, val, test
    site_moments: str | None = "site_magmoms_muB"  # signed, µB, in the order of the sites of the CIF
    ordering: str | None = None  # FM, FiM, AFM, NM
    icsd: str | None = None  # ids in ICSD, or a flag; rows without one are rejected (MP: crystals that exist)
    e_above_hull: str | None = "energy_above_hull_eV_atom"  # eV/atom
    structure: str | None = field(default="structure", repr=False)  # a pymatgen Structure, where there is no CIF

    @classmethod
    def parse(cls, text: str) -> Columns:
        """From `id=my_id,cif=my_cif,moment=my_moment`; an empty value (`split=`) switches a column off."""
        known = {f.name for f in fields(cls)}
        chosen: dict[str, str | None] = {}
        for pair in filter(None, text.split(",")):
            part, sign, name = (piece.strip() for piece in pair.partition("="))
            if not sign or part not in known:
                raise UserError(f"--columns: {pair!r} is not PART=COLUMN with PART one of {', '.join(sorted(known))}")
            if part in chosen:
                raise UserError(f"--columns names two columns for {part}")
            if part == "id" and not name:
                raise UserError("--columns: id needs a column")
            chosen[part] = name or None
        found = replace(cls(), **chosen)  # type: ignore[arg-type]
        if found.id in (found.cif, found.structure):
            raise UserError(f"--columns: {found.id!r} cannot be both the id and the crystal")
        return found


class Rows(Protocol):
    """An open table."""

    names: list[str]  # of its columns
    count: int  # of its rows

    def take(self, columns: list[str], start: int, stop: int) -> pa.Table:
        """These columns of rows start..stop."""
        ...


class ParquetRows:
    """A Parquet file.

    Raises:
        OSError, ValueError, pa.ArrowException: it is damaged or missing.
    """

    def __init__(self, path: Path) -> None:
        self._file, self._path = pq.ParquetFile(path), path
        self.names: list[str] = self._file.schema_arrow.names
        self.count: int = self._file.metadata.num_rows

    def take(self, columns: list[str], start: int, stop: int) -> pa.Table:
        return _rows(self._file, self._path, columns, start, stop)


@dataclass(frozen=True)
class ParquetSource:
    """Rows of a Parquet file; `labelled` says whether a moment is required (training) or ignored (candidates)."""

    path: Path
    labelled: bool
    columns: Columns = field(default_factory=Columns)
    disorder: Disorder = Disorder.REJECT
    kind: ClassVar[str] = "parquet"
    kind_in_words: ClassVar[str] = "Parquet file"

    @property
    def description(self) -> str:
        return f"{self.kind}:{self.path.name}"

    def identity(self) -> str:
        """Of the file, the settings and, in a table of structures, their column; tables of CIF texts keep the earlier one."""
        crystals = [] if self._of_cif(self._open()) else [f"structure={self.columns.structure}"]
        return text_hash(self.kind, file_hash(self.path), repr(self.columns), str(self.labelled), self.disorder, *crystals)

    def shards(self) -> Iterator[Shard]:
        rows = self._open().count
        for start in range(0, rows, ROWS_PER_SHARD):
            stop = min(start + ROWS_PER_SHARD, rows)
            yield Shard((start, stop), stop - start)

    def singles(self, shard: Shard) -> Iterator[tuple[Shard, Rejection]]:
        start, stop = shard.part
        ids = self._open().take([self.columns.id], start, stop).column(0).to_pylist()
        for row, identifier in zip(range(start, stop), ids, strict=True):
            lost = Rejection(identifier_of(identifier), self.path.name, str(row), Reason.READER_LOST, LOST)
            yield Shard((row, row + 1), 1), lost

    def read(self, shard: Shard) -> Iterator[Record | Rejection]:
        start, stop = shard.part
        table = self._open()
        of_cif = self._of_cif(table)
        try:
            rows = table.take(self._wanted(table), start, stop).to_pylist()
        except (OSError, ValueError, pa.ArrowException) as fault:  # a damaged page, or text that is no UTF-8
            raise UserError(f"{self.path} is damaged: {_first_line(fault)}") from fault
        for k, row in enumerate(rows, start=start):
            try:
                yield self._record(row, k, of_cif)
            except Exception as fault:  # one row must not stop the others, whatever it holds
                detail = f"{type(fault).__name__}: {fault}"[:300]
                yield Rejection(identifier_of(row.get(self.columns.id)), self.path.name, str(k), Reason.FAILED, detail)

    def _rows(self) -> Rows:
        return ParquetRows(self.path)

    def _open(self) -> Rows:
        try:
            table = self._rows()
        except (OSError, ValueError, pa.ArrowException) as fault:
            raise UserError(f"{self.path} is not a readable {self.kind_in_words}: {_first_line(fault)}") from fault
        if not table.names:
            raise UserError(f"{self.path} is empty: it has no columns")
        if not table.count:
            raise UserError(f"{self.path} holds no rows")
        there = set(table.names)
        crystals = [] if self.columns.structure in there else [self.columns.cif or self.columns.structure or "cif"]
        labels = self.columns.moment if self.columns.site_moments not in there else None  # site moments add up to one, too
        required = [self.columns.id, *crystals, *([labels] if self.labelled and labels else [])]
        default = Columns()
        for f in fields(Columns):  # a column the user named must be there, a default one may be missing
            name = getattr(self.columns, f.name)
            if name is not None and name != getattr(default, f.name):
                required.append(name)
        missing = [name for name in dict.fromkeys(required) if name not in there]
        if missing:
            example = f"id=my_id,cif=my_cif{',moment=my_moment' if self.labelled else ''}"
            raise UserError(
                f"{self.path} has no column {', '.join(map(repr, missing))}; it has {', '.join(sorted(there)[:20])}. Name the "
                f"right ones with --columns, e.g. --columns {example} (or structure=my_column for pymatgen Structures as JSON)"
            )
        twice = [name for name in self._wanted(table) if table.names.count(name) > 1]
        if twice:
            raise UserError(f"{self.path} has two columns of the name {twice[0]!r}")
        return table

    def _of_cif(self, table: Rows) -> bool:
        return self.columns.cif in table.names

    def _wanted(self, table: Rows) -> list[str]:
        names = [getattr(self.columns, f.name) for f in fields(Columns)]
        unused = self.columns.structure if self._of_cif(table) else None
        return [name for name in dict.fromkeys(names) if name in table.names and name != unused]

    def _record(self, row: dict[str, Any], k: int, of_cif: bool) -> Record | Rejection:
        column = self.columns.cif if of_cif else str(self.columns.structure)
        identifier, written = identifier_of(row[self.columns.id]), row[column]
        if not identifier or written is None:
            what = column if identifier else self.columns.id
            return Rejection(identifier, self.path.name, str(k), Reason.MISSING_VALUE, f"column {what!r} is empty")
        if self.columns.icsd is not None and not says_yes(row[self.columns.icsd]):
            return Rejection(identifier, self.path.name, str(k), Reason.FILTERED, "not known from ICSD")
        if of_cif:
            found, licensed = self._from_cif(written, identifier)
        else:
            found, licensed = self._from_structure(written, identifier), False
        if isinstance(found, Rejection):
            return Rejection(identifier, self.path.name, str(k), found.reason, found.detail, licensed)
        stability = number_of(_cell(row, self.columns.e_above_hull))
        known = stability if stability is not None and math.isfinite(stability) else None
        split = _text(row, self.columns.split) or None
        crystal = found if found.id == identifier else replace(found, id=identifier)
        if stability is not None and known is None and states_something(stated := row[str(self.columns.e_above_hull)]):
            note = f"{self.columns.e_above_hull} is no number: {str(stated)[:_SHOWN]!r}"
            crystal = replace(crystal, note="; ".join(filter(None, (crystal.note, note))))
        return Record(crystal, self.path.name, self._label(row), split, known, licensed)

    def _from_cif(self, written: Any, identifier: str) -> tuple[AnyCrystal | Rejection, bool]:
        """The crystal of a CIF text, and whether it is licensed."""
        text = decode(written) if isinstance(written, bytes) else with_line_feeds(str(written))
        found, licensed = list(read_cif(text, self.path.name, identifier, self.disorder)), is_icsd_text(text)
        if len(found) != 1:
            detail = f"the CIF of one row must hold one crystal, not {len(found)}"
            return Rejection(identifier, self.path.name, "", Reason.NOT_CIF, detail), licensed
        return found[0], licensed

    def _from_structure(self, written: Any, identifier: str) -> AnyCrystal | Rejection:
        try:
            entry = structure_entry(written)
        except Exception as fault:  # pymatgen raises whatever it met
            return Rejection(identifier, self.path.name, "", Reason.NOT_STRUCTURE, why_unreadable(fault)[:300])
        return read_entry({**entry, "id": identifier}, self.path.name, 0, self.disorder)

    def _label(self, row: dict[str, Any]) -> Label | None:
        if not self.labelled:
            return None
        total, stated = number_of(_cell(row, self.columns.moment)), number_of(_cell(row, self.columns.moment_per_atom))
        ordering, provenance = ordering_of(_cell(row, self.columns.ordering)), _text(row, self.columns.provenance)
        moments = _numbers(row, self.columns.site_moments)
        if moments is not None and self.columns.moment not in row:
            total, provenance = sum(moments), provenance or SUM_OF_SITES
        return Label(math.nan if total is None else total, stated, ordering, provenance, moments)


def _cell(row: dict[str, Any], column: str | None) -> Any:
    return row.get(column) if column else None


def _numbers(row: dict[str, Any], column: str | None) -> tuple[float, ...] | None:
    """A list of numbers; what is no number in it becomes NaN, which no rule lets pass."""
    value = _cell(row, column)
    if isinstance(value, str):  # in a table of text
        value = _list_of(value)
    if not isinstance(value, list):
        return None if value is None else (math.nan,)
    return tuple(math.nan if (number := number_of(one)) is None else number for one in value)


def _list_of(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _text(row: dict[str, Any], column: str | None) -> str:
    value = _cell(row, column)
    return "" if value is None else str(value)


def _first_line(fault: Exception) -> str:
    return (str(fault).splitlines() or ["unreadable"])[0][:300]


def _rows(file: pq.ParquetFile, path: Path, columns: list[str], start: int, stop: int) -> pa.Table:
    """Rows start..stop, touching only the row groups that hold them. A single one that also holds other shards is kept, unless it
    is very large: many tables have one row group, and to decode it anew takes longer than all the rest of a shard."""
    first, begin, groups = 0, None, []
    for group in range(file.num_row_groups):
        last = first + file.metadata.row_group(group).num_rows
        if first < stop and last > start:
            begin = first if begin is None else begin
            groups.append(group)
        first = last
    sizes = [file.metadata.row_group(group) for group in groups]
    if len(groups) == 1 and sizes[0].num_rows > stop - start and sizes[0].total_byte_size <= MOST_KEPT_BYTES:
        state = path.stat()
        table = _row_group(path, state.st_mtime_ns, state.st_size, groups[0], tuple(columns))
    else:
        table = file.read_row_groups(groups, columns=columns)
    return table.slice(start - (begin or 0), stop - start)


@lru_cache(maxsize=1)
def _row_group(path: Path, when: int, size: int, group: int, columns: tuple[str, ...]) -> pa.Table:
    """The row group read last; `when` it was written and its `size` make a changed file another one."""
    return pq.ParquetFile(path).read_row_group(group, columns=list(columns))
