"""The folder of an export: which of its files are ours."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from data.errors import UserError
from data.store.artifact import file_hash

RESULT = "export.json"
_BESIDE = ("candidates.csv", "references.bib", "README.md")


def claim_export(out: Path, force: bool) -> None:
    """Make sure that an export into this folder mixes with nothing.

    Args:
        force: allow a folder that holds an earlier export; its files are replaced, and all others stay.

    Raises:
        UserError: the folder is a file, or holds something already.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not out.is_dir():
        raise UserError(f"{out} is not an empty folder: choose another one")
    if not force or _files(out) is None:
        more = "" if _files(out) is None else "; --force replaces the export in it and leaves all other files"
        raise UserError(f"{out} is not an empty folder: choose another one, so that two exports do not mix{more}")


def remove_export(out: Path) -> None:
    """Remove files that an earlier export wrote and that were not changed since, and folders that are empty then."""
    for name, digest in (_files(out) or {}).items():
        path = out / name
        if path.resolve().is_relative_to(out.resolve()) and path.is_file() and file_hash(path) == digest:
            path.unlink()
            for folder in path.parents:
                if folder == out:
                    break
                with suppress(OSError):  # something else lies in it
                    folder.rmdir()


def written(out: Path, folders: Iterable[str]) -> dict[str, str]:
    """Hashes of the files of an export that has just been written.

    Args:
        out: its folder.
        folders: names of the candidates' folders.
    """
    files = [path for folder in folders for path in (out / folder).rglob("*") if path.is_file()]
    files += [out / name for name in _BESIDE if (out / name).is_file()]
    return {path.relative_to(out).as_posix(): file_hash(path) for path in sorted(files)}


def _files(out: Path) -> dict[str, str] | None:
    """The files of the export in a folder; None where there is none that says so."""
    try:
        return dict(json.loads((out / RESULT).read_text())["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
