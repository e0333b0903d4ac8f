"""Copies snapshots and models between a home and a URL that fsspec knows. An artefact at the URL is complete or absent.

The manifest of an artefact is uploaded last; the artefact counts as present once its manifest is. Downloaded files are checked
against their hashes before the artefact gets its name.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from data.errors import Unavailable, UserError
from data.store.artifact import building, file_hash, list_artefacts, make_folder, publish
from data.store.lock import writing
from data.store.tables import MANIFEST_FILE
from pipeline.ops.progress import Reporter
from pipeline.registry.artifact_types import Kind, kinds
from pipeline.registry.published import CARD_FILE
from pipeline.registry.storage import Storage, open_storage
from pipeline.settings import Settings

_ID = re.compile(r"[0-9a-f]{16}")  # of every artefact: any other name in a listing is none of ours, or wants to lead elsewhere


@dataclass(frozen=True)
class Moved:
    """An artefact that was copied."""

    kind: str  # of snapshot or model
    id: str
    files: int
    bytes: int


def push(where: Settings, url: str, reporter: Reporter) -> list[Moved]:
    """Copy the snapshots and models of a home that the URL lacks, oldest first.

    Args:
        where: the home.
        url: a folder or any URL that fsspec knows.
        reporter: receives the progress.

    Raises:
        Unavailable: the URL cannot be read or written; what was copied stays.
        UserError: the URL is of no use, or artefacts of the home are damaged; all others were copied.
    """
    storage, moved, faults = open_storage(url), list[Moved](), list[str]()
    for kind in kinds(where):
        there = set(_identifiers(storage, kind))
        for folder in list_artefacts(kind.root, MANIFEST_FILE):
            if folder.name not in there:
                _note(partial(_send, storage, kind, folder, reporter), moved, faults)
    return _ended(moved, faults, f"to {storage.name}", reporter)


def pull(where: Settings, url: str, reporter: Reporter) -> list[Moved]:
    """Copy the snapshots and models at a URL that the home lacks, in the order in which they were pushed.

    Args:
        where: the home.
        url: a folder or any URL that fsspec knows.
        reporter: receives the progress.

    Raises:
        Busy: another process is writing snapshots.
        Unavailable: the URL cannot be read; what was copied stays.
        UserError: the URL holds nothing, or artefacts there are damaged or of a newer release; all others were copied.
    """
    storage, moved, faults = open_storage(url), list[Moved](), list[str]()
    both = kinds(where)
    if not any(storage.list(kind.root.name) for kind in both):
        raise UserError(f"{storage.name} holds no snapshots and no models; `ferroscreen push` puts them there")
    for kind in both:
        missing = [name for name in _identifiers(storage, kind) if not (kind.root / name / MANIFEST_FILE).is_file()]
        if not missing:
            continue
        with writing(kind.root) if kind.leased else nullcontext(make_folder(kind.root)):
            for name in missing:
                _note(partial(_fetch, storage, kind, name, reporter), moved, faults)
    remedy = "where files are damaged or missing, delete the artefact's folder there, and push it again from a sound home"
    return _ended(moved, faults, f"from {storage.name}", reporter, remedy)


def _identifiers(storage: Storage, kind: Kind) -> list[str]:
    """Of the whole artefacts at a URL, in the order in which they came there."""
    names = [name for name in storage.list(kind.root.name) if _ID.fullmatch(name)]
    dated = [(storage.date(_at(kind, name, MANIFEST_FILE)), name) for name in names]
    return [name for _, name in sorted((date, name) for date, name in dated if date is not None)]


def _note(copy: Callable[[], Moved], moved: list[Moved], faults: list[str]) -> None:
    """One bad artefact does not stop the others; a URL that is out of reach does."""
    try:
        moved.append(copy())
    except Unavailable:
        raise
    except UserError as fault:
        faults.append(str(fault))


def _ended(moved: list[Moved], faults: list[str], way: str, reporter: Reporter, *remedies: str) -> list[Moved]:
    done = f"{len(moved)} {'artefact' if len(moved) == 1 else 'artefacts'} copied {way}"
    reporter.say(done)
    if faults:
        raise UserError("; ".join([*faults, f"{done} all the same", *remedies]))
    return moved


def _send(storage: Storage, kind: Kind, folder: Path, reporter: Reporter) -> Moved:
    names = list(kind.stated(folder))
    kind.verify(folder)
    names += [CARD_FILE] if (folder / CARD_FILE).is_file() else []
    with reporter.bar(f"{kind.name} {folder.name}", len(names) + 1) as tick:
        for name in names:
            storage.put(folder / name, _at(kind, folder.name, name))
            tick(1)
        storage.put_whole(folder / MANIFEST_FILE, _at(kind, folder.name, MANIFEST_FILE))
        tick(1)
    return _moved(kind, folder, [*names, MANIFEST_FILE])


def _fetch(storage: Storage, kind: Kind, identifier: str, reporter: Reporter) -> Moved:
    with building(kind.root) as aside:
        folder = aside / identifier  # artefacts are held against their names
        storage.get(_at(kind, identifier, MANIFEST_FILE), folder / MANIFEST_FILE)
        stated = kind.stated(folder)
        cards = [CARD_FILE] if storage.date(_at(kind, identifier, CARD_FILE)) is not None else []
        names = [*stated, *(card for card in cards if card not in stated)]
        with reporter.bar(f"{kind.name} {identifier}", len(names)) as tick:
            for name in names:
                storage.get(_at(kind, identifier, name), folder / name)
                if name in stated and (not (folder / name).is_file() or file_hash(folder / name) != stated[name]):
                    raise UserError(f"{kind.name} {identifier}: {name} is damaged at {storage.name}")
                tick(1)
        kind.verify(folder)
        done = _moved(kind, folder, [*names, MANIFEST_FILE])
        publish(folder, kind.root / identifier)
    return done


def _at(kind: Kind, identifier: str, name: str) -> str:
    """Path of a file below the URL."""
    return f"{kind.root.name}/{identifier}/{name}"


def _moved(kind: Kind, folder: Path, names: list[str]) -> Moved:
    return Moved(kind.name, folder.name, len(names), sum((folder / name).stat().st_size for name in names))
