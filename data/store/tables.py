"""Published tables of any kind: an immutable folder that is named by the hash of its files, with a manifest that names them."""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from data.errors import UserError
from data.store.artifact import building, file_hash, find_artefact, list_artefacts, publish, write_bytes
from data.store.versions import read_manifest

MANIFEST_FILE = "manifest.json"


@dataclass(frozen=True)
class PublishedTables(ABC):
    """Published tables; opening them reads the manifest only."""

    folder: Path
    kind: ClassVar[str]  # as a person calls it
    format_key: ClassVar[str]  # of the manifest: the number of the format
    edition: ClassVar[int]  # the highest format that this release reads
    remedy: ClassVar[str]  # what to do where a file is damaged
    first_step: ClassVar[str]  # the command that publishes a first one
    required: ClassVar[frozenset[str]]  # names of files

    @property
    def id(self) -> str:
        return self.folder.name

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The content of manifest.json.

        Raises:
            UserError: it is damaged, or a newer release made it.
        """
        return read_manifest(self.folder / MANIFEST_FILE, f"{self.kind} {self.id}", self.format_key, self.edition, self.remedy)

    @classmethod
    @abstractmethod
    def identifier(cls, manifest: dict[str, Any]) -> str:
        """The id that follows from what a manifest states. Raises KeyError where it does not state enough."""

    def verify(self) -> None:
        """Check every file against its hash.

        Raises:
            UserError: a file does not have the hash that the manifest states, or a newer release made it.
        """
        _ = self.manifest
        damaged = self.damaged_file()
        if damaged:
            raise UserError(f"{self.kind} {self.id}: {damaged} is damaged or missing; {self.remedy}")

    def is_sound(self) -> bool:
        """Whether every file has the hash that the manifest states."""
        return self.damaged_file() is None

    def damaged_file(self) -> str | None:
        """Name of the first file that is not as the manifest states; None where all are."""
        try:
            manifest = json.loads((self.folder / MANIFEST_FILE).read_text())
            stated, pages = dict(manifest["files"]), dict(manifest.get("pages", {}))
            expected = self.identifier(manifest)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return MANIFEST_FILE
        for name, digest in {**stated, **pages}.items():
            if not (self.folder / name).is_file() or file_hash(self.folder / name) != digest:
                return str(name)
        return None if self.required <= set(stated) and expected == self.id else MANIFEST_FILE


P = TypeVar("P", bound=PublishedTables)


def publish_tables(made: Path, final: P) -> P:
    """Give a finished folder its final name. Damaged tables of the same name are replaced.

    Of sound ones the pages for people are, and the manifest with them: another release, and the models that come with it, may
    say other things of the same tables.

    Args:
        made: the folder, complete with its manifest.
        final: the tables at their final place, whether they are there already or not.
    """
    if publish(made, final.folder):
        return final
    if not final.is_sound():
        with building(final.folder.parent) as aside:
            os.rename(final.folder, aside / final.id)
            publish(made, final.folder)
    else:
        _renew_pages(type(final)(made), type(final)(final.folder))
    return final


def _renew_pages(made: PublishedTables, there: PublishedTables) -> None:
    """Replace the pages of published tables, the manifest last; nothing where the new ones have no pages."""
    pages, before = made.manifest.get("pages", {}), there.manifest.get("pages", {})
    if not pages or pages == before:
        return
    for name in pages:
        write_bytes(there.folder / name, (made.folder / name).read_bytes())
    for name in before.keys() - pages.keys():
        (there.folder / name).unlink(missing_ok=True)
    write_bytes(there.folder / MANIFEST_FILE, (made.folder / MANIFEST_FILE).read_bytes())


def open_tables(root: Path, kind: type[P], identifier: str | None = None) -> P:
    """Published tables by their id (or the start of it), or those published last.

    Args:
        root: the folder of all tables of this kind.
        kind: their class.
        identifier: the id or its beginning; None: those published last.

    Raises:
        UserError: there are none, none with this id, or a newer release made them.
    """
    found = kind(find_artefact(root, MANIFEST_FILE, kind.kind, identifier, kind.first_step))
    _ = found.manifest
    return found


def list_tables(root: Path, kind: type[P]) -> list[P]:
    """All published tables of a kind, oldest first."""
    return [kind(folder) for folder in list_artefacts(root, MANIFEST_FILE)]
