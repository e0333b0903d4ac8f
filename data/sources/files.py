"""Files that hold crystals, in folders and in zips: found, named, read."""

from __future__ import annotations

import gzip
import os
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from data.rejection import Reason
from data.sources.formats import Format, format_of
from data.sources.ledger import UNFINISHED

GZIP = b"\x1f\x8b"  # how a packed file begins
_APPLE = ("__MACOSX", "._")  # folder and beginning of the names of what macOS keeps beside each file
_LOOKED_AT = 1 << 16  # bytes of a JSON file, before it is taken to hold no crystal
_CRYSTAL_KEYS = re.compile(rb'"(?:lattice|lattice_vectors|sites)"\s*:')


class Refused(Exception):
    """A file that is not read, and why."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Entry:
    """One file with crystals: in a folder, or a member of a zip."""

    path: str  # plain text: a Path for each of 200,000 files takes longer than reading the folder
    name: str  # what the user sees: relative to what he named
    member: str | None = None
    bearer: int = 0  # which of several members of that name, from 1; 0: the only one


def every_file(folder: Path) -> Iterator[str]:
    """All files below a folder, in any order; links to folders are not followed, and what cannot be listed is passed over.

    The system says with each name whether it is a file, so that only links have to be looked at. os.walk and a look at each file
    take five times as long.
    """
    waiting = [os.fspath(folder)]
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as found:
            for item in found:
                if _is(item.is_dir):
                    if not item.is_symlink() and item.name != UNFINISHED:  # pages of a fetch that is not complete
                        waiting.append(item.path)
                elif _is(item.is_file) or not os.path.exists(item.path):  # a link to nothing is rejected, not passed over
                    yield item.path


def _is(kind: Callable[[], bool]) -> bool:
    try:
        return kind()
    except OSError:  # a link that leads in a circle, say
        return False


def holds_crystals(file: str) -> bool:
    """Whether a file of a folder is a zip or one that we read; JSON files are many things, so that the text has to say so."""
    if is_zip(file):
        return True
    kind = _kind(os.path.basename(file))
    return kind is not None and (kind is not Format.JSON or _CRYSTAL_KEYS.search(head(Entry(file, ""), _LOOKED_AT)) is not None)


def is_zip(file: str) -> bool:
    return file.lower().endswith(".zip")


def zip_entries(archive: str, name: str) -> list[Entry]:
    """The members with crystals; a damaged archive is one entry, whose reading then says what is wrong with it."""
    try:
        members = Counter(_members(archive))
    except Exception:  # whatever a damaged directory makes zipfile raise
        return [Entry(archive, name, "")]
    found = [(member, range(1, n + 1) if n > 1 else (0,)) for member, n in members.items() if _kind(member) is not None]
    return [Entry(archive, f"{name}/{member}", member, bearer) for member, bearers in found for bearer in bearers]


def zips_in_zip(archive: str) -> int:
    """How many members of a zip are zips, which are not opened; 0 where it is damaged."""
    try:
        return sum(map(is_zip, _members(archive)))
    except Exception:
        return 0


def _members(archive: str) -> list[str]:
    with zipfile.ZipFile(archive) as opened:
        return sorted(member for member in opened.namelist() if not member.endswith("/"))


def _kind(path: str) -> Format | None:
    """The format of a file by its name; None also for what macOS keeps beside a file."""
    *folders, name = path.split("/")
    return None if _APPLE[0] in folders or name.startswith(_APPLE[1]) else format_of(name)


def head(entry: Entry, size: int) -> bytes:
    """The first bytes of a file, unpacked; nothing where it cannot be read (reading it in full will say why)."""
    try:
        with Archive() as archive:
            return read_bytes(entry, archive, size)
    except Exception:
        return b""


def read_bytes(entry: Entry, archive: Archive, size: int) -> bytes:
    """Up to `size` bytes of a file, unpacked if it begins as gzip does: browsers unpack a file and keep its name.

    Raises:
        Refused: a member whose name leads out of its archive.
        OSError and others: whatever damaged files raise.
    """
    if entry.member is None:
        with open(entry.path, "rb") as handle:
            return _read(handle, size)
    parts = PurePosixPath(entry.member)
    if parts.is_absolute() or ".." in parts.parts:
        raise Refused(Reason.UNSAFE_NAME, "the member's name leads out of the archive")
    opened = archive.opened(entry.path)
    alike = [info for info in opened.infolist() if info.filename == entry.member] if entry.bearer else []
    with opened.open(alike[entry.bearer - 1] if alike else entry.member) as member:
        return _read(member, size)


def _read(handle: IO[bytes], size: int) -> bytes:
    begin = handle.read(len(GZIP))
    handle.seek(0)
    return gzip.GzipFile(fileobj=handle).read(size) if begin == GZIP else handle.read(size)


class Archive:
    """The zip opened last: opening one reads the names of all its members, too much to do for each of them."""

    def __init__(self) -> None:
        self._path: str | None = None
        self._zip: zipfile.ZipFile | None = None

    def __enter__(self) -> Archive:
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


def decode(raw: bytes) -> str:
    """CIF is ASCII by its standard; old exports hold Windows-1252 or Latin-1 in authors' names, some editors write UTF-16."""
    return with_line_feeds(_decoded(raw))


def with_line_feeds(text: str) -> str:
    """The same text; lines that end as those of old Macs, in carriage returns only, end in line feeds."""
    return text if "\n" in text else text.replace("\r", "\n")


def _decoded(raw: bytes) -> str:
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
