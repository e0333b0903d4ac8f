"""The folder of an export: which of its files are ours, and how they come there all at once."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from data.errors import UserError
from data.store.artifact import file_hash, make_folder
from data.store.lock import locked

RESULT = "export.json"
UNFINISHED, LOCK = ".unfinished", ".lock"
_BESIDE = ("candidates.csv", "references.bib", "README.md")


def claim_export(out: Path, force: bool) -> None:
    """Make sure that an export into this folder mixes with nothing.

    Args:
        force: allow a folder that holds an earlier export; its files are replaced, and all others stay.

    Raises:
        UserError: the folder is a file, or holds something already.
    """
    if not out.exists() or (out.is_dir() and all(path.name == UNFINISHED for path in out.iterdir())):
        return
    if not out.is_dir():
        raise UserError(f"{out} is not an empty folder: choose another one")
    if not force or _files(out) is None:
        more = "" if _files(out) is None else "; --force replaces the export in it and leaves all other files"
        raise UserError(f"{out} is not an empty folder: choose another one, so that two exports do not mix{more}")


@contextmanager
def all_at_once(out: Path) -> Iterator[Path]:
    """A folder to write an export to. At the end of the block its files replace those of an earlier export in `out`.

    A block that fails or is interrupted leaves `out` as it was; what a killed process wrote is removed by the next one.

    Raises:
        UserError: the folder cannot be written to, or another process writes an export to it.
    """
    work = make_folder(make_folder(out) / UNFINISHED)
    with locked(work / LOCK, lambda: f"another export is being written to {out}: wait for it, or choose another --out"):
        try:
            for old in work.iterdir():
                if old.name != LOCK:
                    shutil.rmtree(old) if old.is_dir() else old.unlink()
            yield work
            _put_in_place(work, out)
        finally:
            shutil.rmtree(work, ignore_errors=True)


def _put_in_place(work: Path, out: Path) -> None:
    remove_export(out)
    files = [path for path in work.rglob("*") if path.is_file() and path.name != LOCK]
    for path in sorted(files, key=lambda path: (path.name != RESULT, path)):  # the list of all files comes first
        target = out / path.relative_to(work)
        try:
            os.replace(path, make_folder(target.parent) / target.name)
        except OSError as fault:
            raise UserError(f"cannot write {target}: {fault.strerror or fault}") from fault


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
