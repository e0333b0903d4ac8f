"""The folder of a run: whose files lie in it, and whether they are the ones that its manifest names."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from data.errors import UserError
from data.sources.materials_project.source import without_release
from data.store.artifact import file_hash, make_folder, write_json
from data.store.claim import Contents, claim
from data.store.lock import lock_for_this_process

MANIFEST_FILE = "manifest.json"
UNFINISHED_FILE = ".unfinished.json"  # there while a run is being written, so that the next one knows the files as ours
_RESULTS = ("ranking.csv", "ranking.parquet", "rejected.csv", "structures.parquet", "report.html", "shipped")
OWN = frozenset({MANIFEST_FILE, UNFINISHED_FILE, *_RESULTS})


def claim_run(folder: Path, description: str, profile: str, licensed_details: bool, force: bool) -> Path:
    """Create a run's folder, or take one that holds an earlier run of the same question (source, profile, what is shown).

    Args:
        description: of the source.
        profile: name of the ranking profile.
        licensed_details: whether the results show licensed structures, if there are any.
        force: write beside foreign files, and over another run.

    Raises:
        UserError: the folder holds something else, or cannot be written.
    """
    claim(folder, _contents(folder), force)
    manifest = _read(folder)
    question = (without_release(description), profile, licensed_details)
    if manifest and not force and question != _question(manifest):
        raise UserError(
            f"{folder} holds run {manifest.get('id')}, of {manifest.get('source')} by the profile {manifest.get('profile')}: "
            "choose another --out, or write over it with --force"
        )
    return folder


def _question(manifest: Mapping[str, Any]) -> tuple[str, Any, bool]:
    return without_release(str(manifest.get("source"))), manifest.get("profile"), _shows_licensed(manifest)


def _shows_licensed(manifest: Mapping[str, Any]) -> bool:
    """Whether a run was asked to show licensed structures; older ones say only whether it did."""
    return bool(manifest.get("licensed_details", manifest.get("licensed") and not manifest.get("withheld")))


def check_folder(folder: Path, force: bool) -> None:
    """Raises UserError where a run could not be written to this folder, whatever run it is."""
    claim(folder, _contents(folder), force)


def begin(folder: Path, identity: str) -> None:
    """Mark the folder as one that a run is being written to. A mark that is there stays: it may be locked (see `writing`)."""
    mark = make_folder(folder) / UNFINISHED_FILE
    if not mark.exists():
        write_json(mark, {"run": identity})


@contextmanager
def writing(folder: Path, identity: str) -> Iterator[None]:
    """Mark the folder and keep other screens out of it, whatever home they have.

    Raises:
        Busy: another process writes a run to it.
    """
    begin(folder, identity)
    with (folder / UNFINISHED_FILE).open("r+") as held:
        lock_for_this_process(held, lambda: f"another screen is writing to {folder}: wait for it, or choose another --out")
        yield


def finish(folder: Path) -> None:
    """The manifest is written: take the mark away."""
    (folder / UNFINISHED_FILE).unlink(missing_ok=True)


def check_against_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Compare every file of a run with the hash that its manifest states.

    Raises:
        UserError: a file is missing or another one, with what became of the folder.
    """
    identity = str(manifest.get("id"))
    present = _read(folder)
    if present is not None and present.get("id") != identity:
        raise UserError(f"the folder of run {identity}, {folder}, now holds run {present.get('id')}: screen again")
    for name, digest in dict(manifest.get("files") or {}).items():
        try:
            changed = file_hash(folder / name) != digest
        except OSError as fault:
            raise UserError(f"{folder / name} of run {identity} cannot be read ({fault.strerror}): screen again") from fault
        if changed:
            raise UserError(f"{folder / name} is not the file that run {identity} wrote: screen again, with another --out")


def holds(folder: Path, identity: str) -> bool:
    """Whether the folder holds this run still, and not one that replaced it; the manifest is asked, not the files."""
    manifest = _read(folder)
    return manifest is not None and manifest.get("id") == identity


def replaced(folder: Path, identity: str) -> bool:
    """Whether the folder holds another run by now."""
    manifest = _read(folder)
    return manifest is not None and manifest.get("id") != identity


def _contents(folder: Path) -> Contents:
    return Contents("a run", OWN, _is_ours(folder))


def _is_ours(folder: Path) -> bool:
    if (folder / UNFINISHED_FILE).is_file():
        return True
    manifest = _read(folder)
    return manifest is not None and manifest.get("kind") == "screen"


def _read(folder: Path) -> dict[str, Any] | None:
    """The manifest in a folder; None where there is none that can be read."""
    try:
        content = json.loads((folder / MANIFEST_FILE).read_text())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
