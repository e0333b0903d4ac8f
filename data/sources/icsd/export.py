"""An ICSD export: CIF files or zips of them, with their table beside them or among them; also what our own fetch has written."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import ClassVar

from data.errors import UserError
from data.rejection import Reason, Rejection
from data.sources import Record, Shard
from data.sources.cif_folder import CifFolder, Entry, decode, zip_entries
from data.sources.icsd.table import ANY_ENTRY, IcsdFilter, IcsdRow, code_of, read_table
from data.sources.ledger import is_fetch, open_fetch
from data.store.artifact import text_hash

TABLES = (".csv", ".tsv")
LOOKED_AT = 64  # files, evenly spaced, or rows, before an input is taken to hold nothing of ICSD
_HEAD = 4096  # bytes; the code stands in the first lines of an export
_HAS_CODE = re.compile(rb"_database_code_ICSD\s+['\"]?\d")


@dataclass(frozen=True, slots=True)
class Table:
    """A file that may be a table, or a member of a zip; size and time make a changed file another one."""

    file: str
    member: str
    size: int
    time_ns: int


@dataclass(frozen=True)
class IcsdExport(CifFolder):
    """Like its parent, without the entries that the filter turns away."""

    chosen: IcsdFilter = ANY_ENTRY
    licensed: ClassVar[bool] = True

    @property
    def description(self) -> str:
        return f"icsd:{self.path.name}"

    def identity(self) -> str:
        if self.chosen.needs_table and not _merged(self.tables):
            raise UserError(f"the --icsd filters need the table of the export (CSV or TSV with CollectionCode) in {self.path}")
        tables = (f"{t.file}|{t.member}|{t.size}|{t.time_ns}" for t in self.tables)
        return text_hash("icsd", super().identity(), repr(self.chosen), *tables)

    def read(self, shard: Shard) -> Iterator[Record | Rejection]:
        known = _merged(self.tables)
        for item in super().read(shard):
            if isinstance(item, Rejection):
                yield item
                continue
            yield self._filtered(item, known)

    def _filtered(self, item: Record, known: dict[str, IcsdRow]) -> Record | Rejection:
        try:
            refusal = self.chosen.refusal(known.get(code_of(item.crystal.id)))
        except Exception as fault:  # an odd row of the table must not stop the other entries
            detail = f"{type(fault).__name__}: {fault}"[:300]
            return Rejection(item.crystal.id, item.source_file, "", Reason.FAILED, detail)
        return Rejection(item.crystal.id, item.source_file, "", Reason.FILTERED, refusal) if refusal else item

    def entries(self) -> list[Entry]:
        if not is_fetch(self.path):
            return super().entries()
        fetched = open_fetch(self.path)
        newest: dict[str, Entry] = {}  # an entry that was fetched again because it changed counts once
        for page in fetched.pages:
            fetched.read(page)  # whole and unchanged
            newest |= {entry.name.rpartition("/")[2]: entry for entry in zip_entries(str(self.path / page.file), page.file)}
        if not newest:
            raise UserError(f"the fetch in {self.path} found no entry")
        return list(newest.values())

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """Whatever may be a table; sought once, and sent along to the processes that read shards."""
        if is_fetch(self.path):
            files = [str(self.path / name) for page in open_fetch(self.path).pages for name in page.beside]
        elif self.path.is_dir():
            files = sorted(os.path.join(place, name) for place, _, names in os.walk(self.path) for name in names)
        else:
            files = [str(self.path), *(str(self.path.with_suffix(suffix)) for suffix in TABLES)]
        return tuple(table for file in files if file.lower().endswith((*TABLES, ".zip")) for table in _tables_of(file))


def is_icsd_text(text: str) -> bool:
    """Whether a CIF text names a collection code."""
    return _HAS_CODE.search(text[:_HEAD].encode()) is not None


def looks_like_icsd(folder: CifFolder) -> bool:
    """Whether a folder, zip or file holds ICSD entries: a table with collection codes, or a code in one of its CIF texts."""
    if _merged(IcsdExport(folder.path).tables):
        return True
    entries = folder.entries()
    some = entries[:: max(len(entries) // LOOKED_AT, 1)]
    return any(_HAS_CODE.search(_head(entry)) for entry in some)


@lru_cache(maxsize=2)
def _merged(tables: tuple[Table, ...]) -> dict[str, IcsdRow]:
    """All rows; of an entry that several tables name, the last. Read once a process, since every shard asks for them."""
    found: dict[str, IcsdRow] = {}
    for table in tables:
        with suppress(Exception):  # whatever a damaged archive makes zipfile raise: then it holds no table
            if table.member:
                with zipfile.ZipFile(table.file) as archive:
                    found |= read_table(decode(archive.read(table.member)))
            else:
                found |= read_table(decode(Path(table.file).read_bytes()))
    return found


def _tables_of(file: str) -> Iterator[Table]:
    if not os.path.isfile(file):
        return
    stat, members = os.stat(file), [""]
    if file.lower().endswith(".zip"):
        try:
            with zipfile.ZipFile(file) as opened:
                members = sorted(name for name in opened.namelist() if name.lower().endswith(TABLES))
        except Exception:  # reading its CIF files will say what is wrong with it
            return
    for member in members:
        yield Table(file, member, stat.st_size, stat.st_mtime_ns)


def _head(entry: Entry) -> bytes:
    try:
        if entry.member is None:
            with open(entry.path, "rb") as handle:
                return handle.read(_HEAD)
        with zipfile.ZipFile(entry.path) as archive, archive.open(entry.member) as handle:
            return handle.read(_HEAD)
    except Exception:  # reading it in full will say what is wrong with it
        return b""
