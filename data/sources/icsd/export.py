"""An ICSD export: CIF files or zips of them, with their table beside them or among them; also what our own fetch has written."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from data.cif.licence import is_icsd_text
from data.errors import UserError
from data.rejection import Reason, Rejection
from data.sources import Record, Shard
from data.sources.cif_folder import CifFolder
from data.sources.files import Archive, Entry, decode, head, read_bytes, zip_entries
from data.sources.icsd.table import ANY_ENTRY, IcsdFilter, IcsdRow, code_of, names_codes, read_table
from data.sources.ledger import is_fetch, open_fetch
from data.store.artifact import text_hash

TABLES = (".csv", ".tsv")
LOOKED_AT = 64  # files, evenly spaced, or rows, before an input is taken to hold nothing of ICSD
MOST_BYTES = 1 << 29  # of a table; all of ICSD takes a fifth of it
_HEAD = 4096  # bytes; the code stands in the first lines of an export


@dataclass(frozen=True, slots=True)
class Table:
    """A file that may be a table, or a member of a zip; size and time make a changed file another one."""

    file: str
    member: str
    size: int
    time_ns: int


@dataclass(frozen=True)
class IcsdExport(CifFolder):
    """Like its parent, without the entries that the filter leaves out. Licensed is what states a code of ICSD, what the export's
    table names, and all of a fetch."""

    chosen: IcsdFilter = ANY_ENTRY

    @property
    def description(self) -> str:
        return f"icsd:{self.path.name}"

    def identity(self) -> str:
        if self.chosen.needs_table and not _merged(self.tables):
            raise UserError(f"the --icsd filters need the table of the export (CSV or TSV with CollectionCode) in {self.path}")
        tables = (f"{t.file}|{t.member}|{t.size}|{t.time_ns}" for t in self.tables)
        return text_hash("icsd", super().identity(), repr(self.chosen), *tables)

    def read(self, shard: Shard) -> Iterator[Record | Rejection]:
        known, fetched = _merged(self.tables), is_fetch(self.path)
        for item in super().read(shard):
            identifier = item.candidate_id if isinstance(item, Rejection) else item.crystal.id
            row = known.get(code_of(identifier))
            licensed = item.licensed or fetched or row is not None
            if isinstance(item, Rejection):
                yield replace(item, licensed=licensed)
                continue
            yield self._filtered(item, row, licensed)

    def _filtered(self, item: Record, row: IcsdRow | None, licensed: bool) -> Record | Rejection:
        identifier = item.crystal.id
        try:
            refusal = self.chosen.refusal(row)
        except Exception as fault:  # an odd row of the table must not stop the other entries
            detail = f"{type(fault).__name__}: {fault}"[:300]
            return Rejection(identifier, item.source_file, "", Reason.FAILED, detail, licensed)
        if refusal:
            return Rejection(identifier, item.source_file, "", Reason.FILTERED, refusal, licensed)
        return replace(item, licensed=licensed)

    def ignored(self) -> int:
        return super().ignored() - len({table.file for table in self.tables if not table.file.lower().endswith(".zip")})

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


def looks_like_icsd(folder: CifFolder) -> bool:
    """Whether a folder, zip or file holds ICSD entries: a table with collection codes, or a code in one of its CIF texts."""
    if _merged(IcsdExport(folder.path).tables):
        return True
    entries = folder.entries()
    some = entries[:: max(len(entries) // LOOKED_AT, 1)]
    return any(is_icsd_text(decode(head(entry, _HEAD))) for entry in some)


@lru_cache(maxsize=2)
def _merged(tables: tuple[Table, ...]) -> dict[str, IcsdRow]:
    """All rows; of an entry that several tables name, the last. Read once a process, since every shard asks for them.

    Raises:
        UserError: a table of ICSD that is too large.
    """
    found: dict[str, IcsdRow] = {}
    with Archive() as archive:
        for table in tables:
            raw = _content(table, archive)
            if len(raw) > MOST_BYTES:
                raise UserError(f"the table {table.member or table.file} has more than {MOST_BYTES >> 20} MB; split it")
            found |= read_table(decode(raw))
    return found


def _content(table: Table, archive: Archive) -> bytes:
    """Of a table of ICSD; nothing of others, which can be of any size, and of what a damaged archive holds."""
    entry = Entry(table.file, table.file, table.member or None)
    try:
        ours = names_codes(decode(read_bytes(entry, archive, _HEAD)))
        return read_bytes(entry, archive, MOST_BYTES + 1) if ours else b""
    except Exception:  # reading its CIF files will say what is wrong with it
        return b""


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
