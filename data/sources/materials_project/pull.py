"""From the service to a complete set of documents: everything, or only what moved since the base. Complete, or an error."""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any

from data.errors import Unavailable
from data.sources.materials_project.checkpoints import Checkpoints
from data.sources.materials_project.client import IDS_PER_REQUEST, MaterialsProject, Release
from data.sources.materials_project.documents import Document, listing_mark, narrow
from data.sources.materials_project.identity import can_be_asked, canonical_id
from data.sources.materials_project.query import FIELDS, LISTED
from data.sources.materials_project.state import Tombstone
from data.store.artifact import text_hash

RESTARTS = 3  # when the database changes under a pull
LISTED_PER_PAGE = 1000  # the service's own limit
MOSTLY_CHANGED = 0.5  # above this share, whole pages are cheaper than lists of ids


class Drift(Exception):
    """The database changed under the pull: pages of different states do not make one set."""


@dataclass(frozen=True)
class Base:
    """What an earlier pull brought."""

    release: Release
    documents: Callable[[], Iterable[Document]]
    tombstones: list[Tombstone]


@dataclass(frozen=True)
class Pulled:
    """A complete state of the database."""

    release: Release
    documents: list[Document]  # sorted; without the deprecated ones
    tombstones: list[Tombstone]
    kind: str  # full or incremental
    fetched: int  # documents that came over the wire


@dataclass
class Pull:
    """One pull; `origin` says what is asked of whom and how the answers are kept: pages of another origin are not taken up.
    `begin` is told what comes and how many pages, `tick` that some of them are there, `kept` the name of each page that came over
    the wire and is on the disk."""

    project: MaterialsProject
    work: Path
    origin: dict[str, Any]
    page_size: int = 1000
    begin: Callable[[str, int], None] = lambda what, pages: None
    tick: Callable[[int], None] = lambda pages: None
    kept: Callable[[str], None] = lambda name: None
    _checkpoints: Checkpoints | None = field(default=None, init=False)

    def run(self, base: Base | None, full: bool = False) -> Pulled:
        """Everything, or what moved since `base`.

        Args:
            base: the state to start from; None pulls everything.
            full: pull everything even so.

        Raises:
            Unavailable: the service fails for too long, or its database changes again and again under the pull.
            Refused: it does not accept the key or the query.
        """
        drifted = ""
        for _ in range(RESTARTS + 1):
            release = self.project.release()
            whole = base is None or full or _rebuilt(base.release, release)
            try:
                pulled = self._everything(release, base) if whole or base is None else self._moved(release, base)
                if self.project.release() != release:
                    raise Drift("a new release came out during the pull")
                return pulled
            except Drift as fault:
                drifted = str(fault)
                self.drop()
        raise Unavailable(f"Materials Project: {drifted}, {RESTARTS + 1} times in a row; try again later")

    def drop(self) -> None:
        """Throw all pages away: that of a listing, and those of documents that came because most of what was listed had moved."""
        shutil.rmtree(self.work, ignore_errors=True)

    def _everything(self, release: Release, base: Base | None) -> Pulled:
        pages = self._pages("page", release, FIELDS, self.page_size, _narrowed)
        documents = [Document(*parts) for page in pages for parts in page]
        self._check_repeated(Counter(d.sent_id for d in documents))
        known = [] if base is None else base.tombstones
        before = set() if base is None else {d.material_id for d in base.documents()}
        return self._state(release, documents, before, known, "full", len(documents))

    def _moved(self, release: Release, base: Base) -> Pulled:
        listed: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for page in self._pages("list", release, LISTED, LISTED_PER_PAGE, lambda rows: rows):
            for row in page:
                if not can_be_asked(str(row.get("material_id"))):
                    return self._everything(release, base)
                listed[canonical_id(row["material_id"])].append(row)
        self._check_repeated(Counter(row["material_id"] for rows in listed.values() for row in rows))
        kept: dict[str, list[Document]] = defaultdict(list)
        for document in base.documents():
            kept[document.material_id].append(document)
        changed = sorted(key for key, rows in listed.items() if not _same(rows, kept.get(key, [])))
        if len(changed) > MOSTLY_CHANGED * len(listed):
            return self._everything(release, base)
        fetched = self._fetch(changed)
        if Counter(d.material_id for d in fetched) != Counter({key: len(listed[key]) for key in changed}):
            raise Drift("materials that were listed could not be fetched")
        moved = set(changed)
        stay = [d for key, documents in kept.items() if key in listed and key not in moved for d in documents]
        return self._state(release, [*stay, *fetched], set(kept), base.tombstones, "incremental", len(fetched))

    def _pages(
        self, name: str, release: Release, fields: tuple[str, ...], size: int, keep: Callable[[list[dict[str, Any]]], Any]
    ) -> Iterable[Any]:
        """All pages of the query, in order, each from its checkpoint or from the service."""
        total = self.project.count()
        self._checkpoints = Checkpoints(
            self.work / name,
            {"name": name, "origin": self.origin, "release": [release.database_version, release.software_version],
             "total": total, "size": size, "fields": list(fields)},
            self.kept,
        )  # fmt: skip
        pages = ceil(total / size)
        self.begin("Materials" if name == "page" else "What moved", pages)
        for number in range(1, pages + 1):
            expected = size if number < pages else total - size * (pages - 1)
            fetch = partial(self.project.page, number, size, fields, expected)
            try:
                page = self._checkpoints.take(f"{name}-{number:05d}", fetch, keep)
            except Unavailable:
                if self.project.count() != total:  # then the page was not broken, only longer or shorter
                    raise Drift("the number of materials changed during the pull") from None
                raise
            yield page
            self.tick(1)
        if self.project.count() != total:
            raise Drift("the number of materials changed during the pull")

    def _fetch(self, ids: list[str]) -> list[Document]:
        """The documents of these canonical ids, in small lists."""
        assert self._checkpoints is not None
        batches = [ids[start : start + IDS_PER_REQUEST] for start in range(0, len(ids), IDS_PER_REQUEST)]
        self.begin("Changed materials", len(batches))
        found: list[Document] = []
        for batch in batches:
            fetch = partial(self.project.by_ids, batch, FIELDS)
            page = self._checkpoints.take(f"ids-{text_hash(*batch)[:16]}", fetch, _narrowed)
            found += [Document(*parts) for parts in page]
            self.tick(1)
        return found

    def _check_repeated(self, times: Counter[str]) -> None:
        """An id on two pages: either the service holds it twice, or a row moved and another one was missed."""
        repeated = sorted(key for key, n in times.items() if n > 1 and can_be_asked(key))
        for start in range(0, len(repeated), IDS_PER_REQUEST):
            batch = repeated[start : start + IDS_PER_REQUEST]
            there = Counter(str(row.get("material_id")) for row in self.project.by_ids(batch, ("material_id",)))
            if any(there[key] != times[key] for key in batch):
                raise Drift("rows moved from page to page during the pull")

    def _state(
        self, release: Release, documents: list[Document], before: set[str], known: list[Tombstone], kind: str, fetched: int
    ) -> Pulled:
        """Sort out what is deprecated, and note what is gone."""
        flagged = {d.material_id for d in documents if d.content.get("deprecated") is True}
        living = sorted(d for d in documents if d.material_id not in flagged)
        there = {d.material_id for d in living}
        gone = sorted(before - there)
        told = flagged | self._deprecated([key for key in gone if key not in flagged])
        buried = {t.material_id: t for t in known if t.material_id not in there}
        for key in sorted({*gone, *flagged}):
            reason = "deprecated" if key in told else "vanished"
            buried.setdefault(key, Tombstone(key, reason, release.database_version))
        return Pulled(release, living, sorted(buried.values()), kind, fetched)

    def _deprecated(self, ids: list[str]) -> set[str]:
        ids, found = [key for key in ids if can_be_asked(key)], set[str]()
        for start in range(0, len(ids), IDS_PER_REQUEST):
            batch = ids[start : start + IDS_PER_REQUEST]
            rows = self.project.by_ids(batch, ("material_id", "deprecated"), deprecated=True)
            found |= {canonical_id(str(row.get("material_id"))) for row in rows}
        return found


def _narrowed(rows: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(d.material_id, d.sent_id, d.text) for d in map(narrow, rows)]


def _same(listed: list[dict[str, Any]], kept: list[Document]) -> bool:
    return Counter((row["material_id"], listing_mark(row)) for row in listed) == Counter((d.sent_id, d.mark) for d in kept)


def _rebuilt(old: Release, new: Release) -> bool:
    """Another series of the building software may give other values to documents that keep their date."""
    return old.software_version.split(".")[:2] != new.software_version.split(".")[:2]
