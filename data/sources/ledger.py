"""A fetch as a folder: pages of a provider's entries, and a ledger that appears only when all of them are there.

FOLDER/fetch.json names the pages that count. What is not finished lies in FOLDER/.unfinished, goes on from its last page when the
same fetch is asked for again, and is invisible to whoever reads the folder.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from data.errors import UserError
from data.store.artifact import make_folder, write_bytes, write_json
from data.store.lock import locked

LEDGER = "fetch.json"
UNFINISHED = ".unfinished"
Progress = Callable[[int, int | None], None]  # entries so far, entries in all where the provider says so
_FORMAT = 1


@dataclass(frozen=True)
class Page:
    """One file of entries, and where it has more than one, those beside it."""

    file: str
    entries: int
    sha256: str
    beside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fetched:
    """A finished fetch."""

    folder: Path
    kind: str  # icsd or optimade
    query: dict[str, Any]  # what was asked for; the same query goes on, another one needs another folder
    facts: dict[str, Any]  # what the provider said, for a reader
    fetched: str  # UTC, when the newest round was begun
    entries: int
    pages: tuple[Page, ...]

    def read(self, page: Page) -> bytes:
        """A page's bytes.

        Raises:
            UserError: it is missing, or not what was written.
        """
        return _unchanged(self.folder, page)


@dataclass
class Unfinished:
    """A fetch on its way; `position` says where to go on, None once the last page is there."""

    folder: Path
    kind: str
    query: dict[str, Any]
    begun: str
    position: Any = "start"
    pages: list[Page] = field(default_factory=list)
    entries: int = 0

    def keep(self, files: dict[str, bytes], entries: int, position: Any) -> None:
        """Write a page (its first file is the page, the others lie beside it), then the position after it.

        Args:
            files: content by suffix; the first one is the page itself.
            entries: number of entries of the page.
            position: where to go on; None after the last page.

        Raises:
            UserError: the disk is full, or the folder cannot be written to.
        """
        stamp = datetime.fromisoformat(self.begun).strftime("%Y%m%dT%H%M%S%f")
        names = {f"page-{stamp}-{len(self.pages) + 1:06d}{suffix}": content for suffix, content in files.items()}
        for name, content in names.items():
            write_bytes(self._work / name, content)
        first, *beside = names
        self.pages.append(Page(first, entries, hashlib.sha256(names[first]).hexdigest(), tuple(beside)))
        self.entries += entries
        self.go_on_at(position)

    def read(self, page: Page) -> bytes:
        """The bytes of a page that is kept already. Raises UserError where it is missing or not what was written."""
        return _unchanged(self._work, page)

    def go_on_at(self, position: Any) -> None:
        """Write down where to go on."""
        self.position = position
        state = {k: v for k, v in asdict(self).items() if k != "folder"}
        write_json(self._work / "state.json", state)

    def publish(self, facts: dict[str, Any], kept: tuple[Page, ...] = ()) -> Fetched:
        """Make the fetch visible, all at once; `kept` are pages of earlier rounds that still count."""
        for page in self.pages:
            for name in (page.file, *page.beside):
                if (self._work / name).exists():  # else moved by a run that was killed before it could write the ledger
                    os.replace(self._work / name, self.folder / name)
        pages = (*kept, *self.pages)
        entries = sum(page.entries for page in pages)
        done = Fetched(self.folder, self.kind, self.query, facts, self.begun, entries, pages)
        content = {"format": _FORMAT, **{k: v for k, v in asdict(done).items() if k != "folder"}}
        write_json(self.folder / LEDGER, content)
        self.discard()
        counted = {name for page in pages for name in (page.file, *page.beside)}
        for file in self.folder.glob("page-*"):
            if file.name not in counted:
                file.unlink(missing_ok=True)
        return done

    def discard(self) -> None:
        """Forget what was fetched so far."""
        for file in self._work.glob("*"):
            if file.name != "lock":
                file.unlink(missing_ok=True)

    @property
    def _work(self) -> Path:
        return self.folder / UNFINISHED


@contextmanager
def fetching(folder: Path, kind: str, query: dict[str, Any]) -> Iterator[Unfinished]:
    """The fetch of this query into this folder, begun or taken up; one process at a time.

    Args:
        folder: of the fetch.
        kind: of the provider, such as `optimade`.
        query: what is fetched; another query in the same folder is refused.

    Raises:
        UserError: the folder holds something else, or another process uses it.
    """
    make_folder(folder)
    done = finished(folder)
    if done is not None and (done.kind, done.query) != (kind, query):
        raise UserError(f"{folder} holds the fetch of something else ({_named(done.query)}); choose another --out")
    if done is None and not (folder / UNFINISHED).is_dir() and any(folder.iterdir()):
        raise UserError(f"{folder} is not empty and holds no fetch; choose another --out")
    work = make_folder(folder / UNFINISHED)
    with locked(work / "lock", lambda: f"another process is fetching into {folder}"):
        unfinished = _taken_up(folder)
        if unfinished is None:
            unfinished = Unfinished(folder, kind, query, datetime.now(UTC).isoformat(timespec="microseconds"))
        elif (unfinished.kind, unfinished.query) != (kind, query):
            raise UserError(
                f"{folder} holds the unfinished fetch of something else ({_named(unfinished.query)}); "
                f"choose another --out, or delete {work}"
            )
        yield unfinished


def finished(folder: Path) -> Fetched | None:
    """The finished fetch in a folder, if there is one.

    Raises:
        UserError: its ledger is damaged.
    """
    path = folder / LEDGER
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text())
        if content.pop("format") != _FORMAT:
            raise ValueError("of another version")
        pages = tuple(_page(page) for page in content.pop("pages"))
        return Fetched(folder=folder, pages=pages, **content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
        raise UserError(f"{path} is not the ledger of a fetch: {fault}") from fault


def is_fetch(folder: Path) -> bool:
    """Whether a folder holds a fetch, finished or not."""
    return (folder / LEDGER).is_file() or (folder / UNFINISHED).is_dir()


def open_fetch(folder: Path) -> Fetched:
    """The finished fetch in a folder.

    Raises:
        UserError: it is not finished yet, or damaged.
    """
    done = finished(folder)
    if done is None:
        raise UserError(f"the fetch into {folder} is not complete: give its `ferroscreen fetch` command again, it goes on")
    return done


def _unchanged(folder: Path, page: Page) -> bytes:
    path = folder / page.file
    try:
        content = path.read_bytes()
    except OSError as fault:
        raise UserError(f"{path} cannot be read ({fault.strerror}); delete {folder} to start over") from fault
    if hashlib.sha256(content).hexdigest() != page.sha256:
        raise UserError(f"{path} is damaged: it is not what was fetched; delete {folder} to start over")
    return content


def _taken_up(folder: Path) -> Unfinished | None:
    path = folder / UNFINISHED / "state.json"
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text())
        pages = [_page(page) for page in content.pop("pages")]
        return Unfinished(folder=folder, pages=pages, **content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
        raise UserError(f"{path} is damaged; delete the folder {path.parent} to start over") from fault


def _page(content: dict[str, Any]) -> Page:
    names = (content["file"], *content["beside"])
    if any(not isinstance(name, str) or name != Path(name).name or name.startswith(".") for name in names):
        raise ValueError("a page's name leads out of the folder")
    return Page(content["file"], int(content["entries"]), content["sha256"], tuple(content["beside"]))


def _named(query: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value!r}" for key, value in query.items())
