"""The nightly refresh from the Materials Project: is anything new, pull what moved, publish it whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from data.errors import UserError
from data.snapshot import Additions, Snapshot, list_snapshots
from data.sources.materials_project.client import MaterialsProject, Release, release_of
from data.sources.materials_project.documents import Document
from data.sources.materials_project.pull import Base, Pull, Pulled
from data.sources.materials_project.query import CRITERIA, FIELDS
from data.sources.materials_project.source import NAME, MaterialsProjectSource
from data.sources.materials_project.state import (
    ALIASES_FILE,
    DOCUMENTS_FILE,
    TOMBSTONES_FILE,
    read_documents,
    read_tombstones,
    write_aliases,
    write_documents,
    write_tombstones,
)
from data.store.artifact import make_folder, make_newest, text_hash
from data.store.lock import writing
from pipeline.ops.ledger import Ledger, Run
from pipeline.ops.progress import Reporter, Tick
from pipeline.refresh.publish import code_facts, publish_counted
from pipeline.settings import Settings

PULL_CODE = "pull-2"  # raise it whenever a document would be narrowed to something else: the next refresh then pulls everything


@dataclass(frozen=True)
class Refreshed:
    """A snapshot that is up to date, and whether it was so before."""

    snapshot: Snapshot
    news: bool


def up_to_date(where: Settings) -> Snapshot | None:
    """The newest snapshot of the release that the service offers now, which is a refresh that found nothing new, and entered in
    the ledger as one; None where there is work to do. It counts as published again, before those of other sources. Needs no key.

    Raises:
        Unavailable: the service does not answer.
        Busy: somebody else is refreshing.
    """
    base = _newest(where)
    if base is None or _release(base) != release_of(where.mp_endpoint, where.retry_policy):
        return None
    with _entered(where):
        make_newest(base.folder, where.snapshots.glob("[!.]*"))
        return base


def refresh_materials_project(key: SecretStr, where: Settings, reporter: Reporter, full: bool = False) -> Refreshed:
    """Bring the data up to date with the Materials Project.

    Args:
        key: of the Materials Project.
        where: the home, the endpoint, and how patient to be.
        reporter: shows pages and crystals.
        full: pull every document, whatever the release says.

    Raises:
        Busy: somebody else is writing.
        Unavailable: the service fails for too long, or changes under the pull; finished pages are kept for the next time.
        Refused: the service does not accept the key.
        UserError: too many materials unusable, or gone at once; the old snapshot stays.
    """
    project = MaterialsProject(where.mp_endpoint, key, where.retry_policy)
    with writing(where.snapshots):
        current = None if full else up_to_date(where)
        if current is not None:
            return Refreshed(current, news=False)
        with _entered(where) as run:
            return Refreshed(_refresh(project, full, where, reporter, run), news=True)


def _entered(where: Settings) -> AbstractContextManager[Run]:
    """A refresh in the ledger."""
    origin = _origin(where)
    return Ledger(where.home).run("refresh", f"refresh-{text_hash(*map(str, origin.values()))[:16]}", origin)


def _refresh(project: MaterialsProject, full: bool, where: Settings, reporter: Reporter, run: Run) -> Snapshot:
    base = _newest(where)
    work, origin = where.work / "materials-project", _origin(where)
    pull = Pull(project, work, origin, where.mp_page_size, kept=lambda name: run.finished("page", name))
    with _Bars(reporter) as bars:
        pull.begin, pull.tick = bars.begin, bars.tick
        pulled = pull.run(None if base is None else _base(base), full)
    _check_withdrawn(base, pulled, where.max_withdrawn)
    snapshot = _publish(pulled, base, project, where, reporter)
    run.finished("publish", snapshot.id)
    pull.drop()
    return snapshot


def _publish(pulled: Pulled, base: Snapshot | None, project: MaterialsProject, where: Settings, reporter: Reporter) -> Snapshot:
    folder = make_folder(where.work / "materials-project" / "pulled")
    write_documents(folder / DOCUMENTS_FILE, pulled.documents)
    write_tombstones(folder / TOMBSTONES_FILE, pulled.tombstones)
    write_aliases(folder / ALIASES_FILE, pulled.documents)
    counts = {
        "kind": pulled.kind, "base": None if base is None else base.id, "documents": len(pulled.documents),
        "fetched": pulled.fetched, "tombstones": len(pulled.tombstones), "requests": project.requests, "bytes": project.bytes,
    }  # fmt: skip
    additions = Additions(
        origin={**_origin(where), **asdict(pulled.release)},
        files=tuple(folder / name for name in (DOCUMENTS_FILE, TOMBSTONES_FILE, ALIASES_FILE)),
        facts={"pull": counts, **code_facts()},
        most_quarantined=where.max_quarantine,
    )
    pulled.documents.clear()  # they lie on the disk now; the crystals need the room
    source = MaterialsProjectSource(folder / DOCUMENTS_FILE, pulled.release.database_version)
    return publish_counted(source, where, reporter, additions)


def _origin(where: Settings) -> dict[str, Any]:
    """Everything but the release that decides what a pull brings."""
    query = text_hash(PULL_CODE, *(f"{k}={v}" for k, v in CRITERIA.wire.items()), *FIELDS)[:16]
    return {"database": NAME, "endpoint": urlsplit(where.mp_endpoint).netloc, "criteria": CRITERIA.wire, "query": query}


def _newest(where: Settings) -> Snapshot | None:
    """The newest sound snapshot of this very query; a damaged one is no base to build on."""
    wanted = _origin(where)
    for snapshot in reversed(list_snapshots(where.snapshots)):
        origin = snapshot.manifest.get("origin", {})
        if all(origin.get(name) == value for name, value in wanted.items()) and snapshot.is_sound():
            return snapshot
    return None


def _release(snapshot: Snapshot) -> Release:
    origin = snapshot.manifest["origin"]
    return Release(origin["database_version"], origin["software_version"])


def _base(snapshot: Snapshot) -> Base:
    def documents() -> Iterator[Document]:
        return read_documents(snapshot.folder / DOCUMENTS_FILE)

    return Base(_release(snapshot), documents, read_tombstones(snapshot.folder / TOMBSTONES_FILE))


def _check_withdrawn(base: Snapshot | None, pulled: Pulled, most: float) -> None:
    """A service that loses a fifth of its materials overnight is more likely to be broken."""
    if base is None:
        return
    known = {t.material_id for t in read_tombstones(base.folder / TOMBSTONES_FILE)}
    gone, before = sum(t.material_id not in known for t in pulled.tombstones), base.manifest["pull"]["documents"]
    if gone > most * before:
        raise UserError(
            f"{gone} of {before} materials are gone from the {NAME}, more than the {most:.0%} allowed at once. Nothing was "
            "published, the old snapshot stays. If they are really gone, allow more with FERROSCREEN_MAX_WITHDRAWN"
        )


class _Bars:
    """One bar after the other, for work whose length is known only once it begins."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._open: AbstractContextManager[Tick] | None = None
        self._tick: Tick = lambda n: None

    def __enter__(self) -> _Bars:
        return self

    def __exit__(self, *fault: Any) -> None:
        if self._open is not None:
            self._open.__exit__(*fault)
            self._open = None

    def begin(self, what: str, pages: int) -> None:
        self.__exit__(None, None, None)
        self._open = self._reporter.bar(what, pages)
        self._tick = self._open.__enter__()

    def tick(self, pages: int) -> None:
        self._tick(pages)
