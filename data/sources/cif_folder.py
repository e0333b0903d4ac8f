"""CIF files as people keep them: a file, a folder, a zip, with one or many data blocks each (ICSD exports, COD)."""

from __future__ import annotations

import os
import posixpath
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar

from data.cif.disorder import Disorder
from data.cif.reader import read_cif
from data.crystal import Crystal
from data.errors import UserError
from data.rejection import LOST, Reason, Rejection
from data.sources import Record, Shard
from data.sources.ledger import UNFINISHED
from data.store.artifact import text_hash

FILES_PER_SHARD = 512
MAX_FILE_MB = 20.0
SUFFIXES = (".cif", ".mcif")


@dataclass(frozen=True, slots=True)
class Entry:
    """One CIF file: in a folder, or a member of a zip."""

    path: str  # plain text: a Path for each of 200,000 files takes longer than reading the folder
    name: str  # what the user sees: relative to what he named
    member: str | None = None


@dataclass(frozen=True)
class CifFolder:
    """Everything that ends in .cif or .mcif below a path; symbolic links that lead out of it are not followed."""

    path: Path
    max_file_mb: float = MAX_FILE_MB
    disorder: Disorder = Disorder.REJECT
    licensed: ClassVar[bool] = False

    @property
    def description(self) -> str:
        return f"cif:{self.path.name}"

    def identity(self) -> str:
        """Of names, sizes and times, as make and rsync judge: reading 200,000 files twice would cost more than it saves."""
        stats = ((entry.name, os.stat(entry.path)) for entry in self.entries())
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
            yield Shard((entry,), 1), Rejection(_stem(entry.name), entry.name, "", Reason.READER_LOST, LOST)

    def read(self, shard: Shard) -> Iterator[Record | Rejection]:
        with _Archive() as archive:
            for entry in shard.part:
                for item in self._read_entry(entry, archive):
                    yield item if isinstance(item, Rejection) else Record(item, entry.name)

    def entries(self) -> list[Entry]:
        """Every CIF file and member of a zip, sorted by path.

        Raises:
            UserError: there is none.
        """
        if not self.path.exists():
            raise UserError(f"{self.path} does not exist")
        entries: list[Entry] = []
        above = os.path.join(self.path.parent if self.path.is_file() else self.path, "")
        for file in [str(self.path)] if self.path.is_file() else sorted(files_below(self.path)):
            name = file.removeprefix(above).replace(os.sep, "/")
            name = name.encode(errors="backslashreplace").decode()  # a name that is not UTF-8 can stand in no table
            if file.lower().endswith(".zip"):
                entries.extend(zip_entries(file, name))
            else:
                entries.append(Entry(file, name))
        if not entries:
            raise UserError(f"no .cif file and no zip of such files in {self.path}")
        return entries

    def _read_entry(self, entry: Entry, archive: _Archive) -> Iterator[Crystal | Rejection]:
        stem = _stem(entry.name)
        try:
            raw = self._bytes(entry, archive)
        except _Refused as fault:
            yield Rejection(stem, entry.name, "", fault.reason, str(fault))
            return
        except Exception as fault:  # a damaged archive raises errors of zlib, struct, codecs and more
            yield Rejection(stem, entry.name, "", Reason.UNREADABLE, f"{type(fault).__name__}: {fault}")
            return
        try:
            found = list(read_cif(decode(raw), entry.name, stem, self.disorder))
        except Exception as fault:  # one file must not stop the others, whatever it holds
            found = [Rejection(stem, entry.name, "", Reason.FAILED, f"{type(fault).__name__}: {fault}"[:300])]
        yield from found

    def _bytes(self, entry: Entry, archive: _Archive) -> bytes:
        limit = int(self.max_file_mb * 2**20)
        if os.path.islink(entry.path) and not self._inside(entry.path):
            raise _Refused(Reason.UNSAFE_NAME, "a symbolic link that leads out of the folder")
        if entry.member is None:
            with open(entry.path, "rb") as handle:
                raw = handle.read(limit + 1)
        else:
            if PurePosixPath(entry.member).is_absolute() or ".." in PurePosixPath(entry.member).parts:
                raise _Refused(Reason.UNSAFE_NAME, "the member's name leads out of the archive")
            with archive.opened(entry.path).open(entry.member) as handle:
                raw = handle.read(limit + 1)
        if len(raw) > limit:
            raise _Refused(Reason.TOO_LARGE, f"more than {self.max_file_mb:g} MB")
        return raw

    def _inside(self, link: str) -> bool:
        """Whether a link leads to a place below the folder; a file that was named itself may lie anywhere."""
        return self.path.is_file() or Path(link).resolve().is_relative_to(self.path.resolve())


class _Archive:
    """The zip opened last: opening one reads the names of all its members, too much to do for each of them."""

    def __init__(self) -> None:
        self._path: str | None = None
        self._zip: zipfile.ZipFile | None = None

    def __enter__(self) -> _Archive:
        return self

    def __exit__(self, *_: object) -> None:
        if self._zip is not None:
            self._zip.close()
        self._path = self._zip = None

    def opened(self, path: str) -> zipfile.ZipFile:
        if self._zip is None or self._path != path:
            self.__exit__()
            self._zip, self._path = zipfile.ZipFile(path), path
        return self._zip


def _stem(name: str) -> str:
    return posixpath.splitext(posixpath.basename(name))[0]


class _Refused(Exception):
    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def files_below(folder: Path) -> Iterator[str]:
    """CIF files and zips; links to folders are not followed (os.walk is ten times as fast as rglob)."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != UNFINISHED]  # pages of a fetch that is not complete
        for name in names:
            if name.lower().endswith((*SUFFIXES, ".zip")) and os.path.isfile(os.path.join(place, name)):
                yield os.path.join(place, name)


def zip_entries(archive: str, name: str) -> list[Entry]:
    """The CIF members; a damaged archive is one entry, whose reading then says what is wrong with it."""
    try:
        with zipfile.ZipFile(archive) as opened:
            members = sorted({member for member in opened.namelist() if member.lower().endswith(SUFFIXES)})
    except Exception:  # whatever a damaged directory makes zipfile raise
        return [Entry(archive, name, "")]
    return [Entry(archive, f"{name}/{member}", member) for member in members]


def decode(raw: bytes) -> str:
    """CIF is ASCII by its standard; old exports hold Windows-1252 or Latin-1 in authors' names, some editors write UTF-16."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", "replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:  # five bytes that Windows-1252 leaves open
        return raw.decode("latin-1")
