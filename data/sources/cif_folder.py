"""Crystals in a file, a folder or a zip, with one or many data blocks each (ICSD exports, COD, VASP runs)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from data.cif.disorder import Disorder
from data.cif.licence import is_icsd_text
from data.errors import UserError
from data.rejection import LOST, Reason, Rejection
from data.sources import Record, Shard
from data.sources.files import (
    Archive,
    Entry,
    Refused,
    decode,
    every_file,
    holds_crystals,
    is_zip,
    read_bytes,
    zip_entries,
    zips_in_zip,
)
from data.sources.formats import READABLE, Format, format_of, read_text, without_ending
from data.store.artifact import text_hash

FILES_PER_SHARD = 512
MAX_FILE_MB = 20.0


def _state(path: str) -> os.stat_result:
    """Size and time of a file; of the link where it leads nowhere, in a circle or to where we may not look."""
    try:
        return os.stat(path)
    except OSError:
        return os.lstat(path)


@dataclass(frozen=True)
class CifFolder:
    """Every file with crystals below a path, whatever its format; symbolic links that lead out of it are not followed.

    A crystal without a database code is known by the path of its file below `path`, without its ending: two files of one name in
    two folders are two candidates, and each keeps its id when the other one goes.
    """

    path: Path
    max_file_mb: float = MAX_FILE_MB
    disorder: Disorder = Disorder.REJECT

    @property
    def description(self) -> str:
        return f"cif:{self.path.name}"

    def identity(self) -> str:
        """Hash of names, sizes and times, as make and rsync do: reading 200,000 files twice costs more than it saves."""
        stats = ((entry.name, _state(entry.path)) for entry in self.entries())
        return text_hash(
            "cif", str(self.max_file_mb), self.disorder, *(f"{name}|{s.st_size}|{s.st_mtime_ns}" for name, s in stats)
        )

    def shards(self) -> Iterator[Shard]:
        entries = self.entries()
        for start in range(0, len(entries), FILES_PER_SHARD):
            part = tuple(entries[start : start + FILES_PER_SHARD])
            yield Shard(part, len(part))

    def singles(self, shard: Shard) -> Iterator[tuple[Shard, Rejection]]:
        for entry in shard.part:
            yield Shard((entry,), 1), Rejection(self._id(entry), entry.name, "", Reason.READER_LOST, LOST)

    def read(self, shard: Shard) -> Iterator[Record | Rejection]:
        with Archive() as archive:
            for entry in shard.part:
                yield from self._read_entry(entry, archive)

    def entries(self) -> list[Entry]:
        """Every file and member of a zip, sorted by path.

        Raises:
            UserError: there is none.
        """
        if not self.path.exists():
            raise UserError(f"{self.path} does not exist")
        entries: list[Entry] = []
        above = os.path.join(self.path.parent if self.path.is_file() else self.path, "")
        for file in [str(self.path)] if self.path.is_file() else sorted(filter(holds_crystals, every_file(self.path))):
            name = file.removeprefix(above).replace(os.sep, "/")
            name = name.encode(errors="backslashreplace").decode()  # a name that is not UTF-8 can stand in no table
            if is_zip(file):
                entries.extend(zip_entries(file, name))
            else:
                entries.append(Entry(file, name))
        if not entries:
            raise UserError(
                f"no file with crystals in {self.path}, and no zip of such files. Read are {READABLE}, each also as .gz"
            )
        return entries

    def ignored(self) -> int:
        """How many files below the path are of no kind that is read, zips in zips among them."""
        files = [str(self.path)] if self.path.is_file() else list(every_file(self.path))
        return sum(zips_in_zip(file) if is_zip(file) else not (self.path.is_file() or holds_crystals(file)) for file in files)

    def _id(self, entry: Entry) -> str:
        """The path below what the user named, without its ending; of a zip that he named, the path in it."""
        in_named_zip = entry.member and self.path.is_file()
        return without_ending(entry.member if in_named_zip and entry.member else entry.name)

    def _read_entry(self, entry: Entry, archive: Archive) -> Iterator[Record | Rejection]:
        identifier, kind = self._id(entry), format_of(entry.name.rpartition("/")[2])
        try:
            raw = self._bytes(entry, archive)
        except Refused as fault:
            yield Rejection(identifier, entry.name, "", fault.reason, str(fault))
            return
        except Exception as fault:  # a damaged archive raises errors of zlib, struct, codecs and more
            yield Rejection(identifier, entry.name, "", Reason.UNREADABLE, f"{type(fault).__name__}: {fault}")
            return
        text = decode(raw)
        licensed = kind is Format.CIF and is_icsd_text(text)
        try:
            found = list(read_text(kind or Format.CIF, text, entry.name, identifier, self.disorder))
        except Exception as fault:  # one file must not stop the others, whatever it holds
            found = [Rejection(identifier, entry.name, "", Reason.FAILED, f"{type(fault).__name__}: {fault}"[:300])]
        for item in found:
            if isinstance(item, Rejection):
                yield replace(item, licensed=True) if licensed else item
            else:
                yield Record(item, entry.name, licensed=licensed)

    def _bytes(self, entry: Entry, archive: Archive) -> bytes:
        limit = int(self.max_file_mb * 2**20)
        if os.path.islink(entry.path) and not self._inside(entry.path):
            raise Refused(Reason.UNSAFE_NAME, "a symbolic link that leads out of the folder")
        raw = read_bytes(entry, archive, limit + 1)
        if len(raw) > limit:
            raise Refused(Reason.TOO_LARGE, f"more than {self.max_file_mb:g} MB")
        return raw

    def _inside(self, link: str) -> bool:
        """Whether a link leads to a place below the folder; a file that was named itself may lie anywhere."""
        return self.path.is_file() or Path(link).resolve().is_relative_to(self.path.resolve())
