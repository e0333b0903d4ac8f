"""The models and the data sets that a home published, as lines of the history; a damaged one is a line that says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from data.errors import UserError
from data.snapshot import Snapshot
from data.sources.literature.snapshot import LiteratureSnapshot
from data.store.artifact import list_artefacts
from data.store.tables import MANIFEST_FILE
from pipeline.registry.artifact_types import MODEL_KINDS
from pipeline.registry.published import PublishedModel, current_models
from pipeline.settings import Settings


@dataclass(frozen=True)
class Release:
    """A published model or data set."""

    kind: str
    id: str
    when: datetime | None
    what: str  # a model's quality; a data set's source and counts
    state: str = ""  # `in use`, `in use before`, or `damaged: why`


def models(where: Settings) -> list[Release]:
    """The home's own models of every kind, oldest first within a kind."""
    found: list[Release] = []
    for kind in MODEL_KINDS:
        root = where.home / kind.directory
        try:
            promoted, trouble = current_models(root), ""
        except UserError as fault:
            promoted, trouble = [], str(fault)
        if trouble:
            found.append(Release(kind.kind, "", None, "", f"damaged: {trouble}"))
        for folder in list_artefacts(root, MANIFEST_FILE):
            state = "in use" if promoted[-1:] == [folder.name] else "in use before" if folder.name in promoted else ""
            found.append(_line(kind.kind, folder, state, lambda place, kind=kind: _quality(kind(place))))  # type: ignore[misc]
    return found


def data_sets(where: Settings) -> list[Release]:
    """The home's snapshots of calculated and of measured values, oldest first."""
    snapshots = [_line("snapshot", folder, "", _snapshot) for folder in list_artefacts(where.snapshots, MANIFEST_FILE)]
    literature = [_line("literature", folder, "", _literature) for folder in list_artefacts(where.literature, MANIFEST_FILE)]
    return snapshots + literature


def _line(kind: str, folder: Path, state: str, describe: Callable[[Path], str]) -> Release:
    when = None
    try:
        when = datetime.fromtimestamp((folder / MANIFEST_FILE).stat().st_mtime).astimezone()
        return Release(kind, folder.name, when, describe(folder), state)
    except Exception as fault:  # whatever damage makes a reader raise
        return Release(kind, folder.name, when, "", f"damaged: {fault}")


def _quality(model: PublishedModel) -> str:
    return f"{model.quality()}; data {model.manifest['data']}, snapshot {model.manifest['snapshot']}"


def _snapshot(folder: Path) -> str:
    manifest = Snapshot(folder).manifest
    origin = manifest.get("origin")
    release = f", release {_release(origin)}" if isinstance(origin, dict) and _release(origin) else ""
    return f"{manifest['source']}{release}: {manifest['crystals']} crystals, {manifest['labelled']} labelled"


def _literature(folder: Path) -> str:
    manifest = LiteratureSnapshot(folder).manifest
    return f"{manifest['source']}: {manifest['values']} values, {manifest['quarantined']} quarantined"


def _release(origin: dict[str, Any]) -> str:
    return str(origin.get("database_version") or "")
