"""Files and folders that are either complete or absent: temporary name, fsync, rename, hash."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from data.errors import UserError

_TICK_NS = 1_000_000  # between two modification times; every file system resolves this


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def text_hash(*parts: str) -> str:
    """SHA-256 over strings, in hex; `("ab", "c")` and `("a", "bc")` differ."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def source_hash(folders: Iterable[Path], *more: str) -> str:
    """SHA-256 over the Python files below some folders (their names and contents) and more strings, in hex.

    It stands for the code that computed something: whatever of it changes, the hash is another one.
    """
    digest = hashlib.sha256(text_hash(*more).encode())
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            digest.update(f"{folder.name}/{path.relative_to(folder).as_posix()}".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically and durably: after a crash it has the old or the new content.

    Raises:
        UserError: the folder cannot be written to, or the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(temporary, path)
    except OSError as fault:
        raise UserError(f"cannot write {path}: {fault.strerror or fault}") from fault
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """Write JSON atomically.

    Raises:
        ValueError: the content has a NaN or an infinity, which JSON does not know.
        UserError: the folder cannot be written to, or the disk is full.
    """
    write_bytes(path, (json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode())


def make_folder(path: Path) -> Path:
    """Create a folder and its parents, and return it.

    Raises:
        UserError: it cannot be created or is not writable.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise UserError(f"cannot create the folder {path}: {fault.strerror or fault}") from fault
    if not os.access(path, os.W_OK | os.X_OK):
        raise UserError(f"cannot write to the folder {path}: choose another one, or change its permissions")
    return path


@contextmanager
def room_on_disk(root: Path) -> Iterator[None]:
    """Turn the errors of libraries on a full disk into a UserError; each library raises another error.

    Raises:
        UserError: the disk is full.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as fault:
        if not _tells_of_full_disk(fault):
            raise
        raise UserError(f"no space left for {root}: make room, and the same command goes on where this one stopped") from fault


def _tells_of_full_disk(fault: BaseException | None) -> bool:
    """Whether an error, or one that caused it, is a full disk: torch, safetensors and SQLite wrap the system's error."""
    while fault is not None:
        number = fault.errno if isinstance(fault, OSError) else None
        if number in (errno.ENOSPC, errno.EDQUOT) or f"os error {errno.ENOSPC}" in str(fault) or "disk is full" in str(fault):
            return True
        fault = fault.__cause__ or fault.__context__
    return False


@contextmanager
def building(root: Path) -> Iterator[Path]:
    """A temporary folder in `root` for an artefact. It is removed at the end of the block, unless `publish` renamed it.

    Raises:
        UserError: the folder cannot be written to, or the disk is full.
    """
    make_folder(root)
    folder: Path | None = None
    try:
        folder = root / f".building-{uuid4().hex}"
        folder.mkdir()  # with the usual rights: those of `tempfile` are for one user alone, and the artefact keeps them
        yield folder
    except OSError as fault:
        if fault.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            raise
        raise UserError(f"cannot write to {root}: {os.strerror(fault.errno)}") from fault
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def publish(folder: Path, final: Path) -> bool:
    """Give a finished folder its final name, durably.

    Returns:
        False if the artefact exists already (same name, same content); it then counts as published again.
    """
    for file in folder.rglob("*"):
        if file.is_file():
            with file.open("rb") as handle:
                os.fsync(handle.fileno())
    try:
        os.rename(folder, final)
    except OSError:
        if not final.is_dir():
            raise
        make_newest(final, final.parent.glob("[!.]*"))  # published again
        return False
    make_newest(final, final.parent.glob("[!.]*"))
    descriptor = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return True


def make_newest(made: Path, siblings: Iterable[Path]) -> None:
    """Give `made` a later modification time than its siblings, even if the clock was set back after they were made.

    The newest artefact is the one with the latest modification time.
    """
    latest = 0
    for path in siblings:
        with suppress(FileNotFoundError):  # pruned by another process
            latest = max(latest, path.stat().st_mtime_ns if path != made else 0)
    moment = max(time.time_ns(), latest + _TICK_NS)
    os.utime(made, ns=(moment, moment))


def list_artefacts(root: Path, marker: str) -> list[Path]:
    """Folders in `root` that hold the file `marker`, in the order of publication."""
    return oldest_first(path.parent for path in root.glob(f"[!.]*/{marker}"))


def oldest_first(paths: Iterable[Path]) -> list[Path]:
    """Paths by modification time and name; without those that another process removes meanwhile."""
    found = []
    for path in paths:
        with suppress(FileNotFoundError):
            found.append((path.stat().st_mtime_ns, path.name, path))
    return [path for _, _, path in sorted(found)]


def find_artefact(root: Path, marker: str, kind: str, identifier: str | None, first_step: str) -> Path:
    """An artefact by its id, or the newest.

    Args:
        root: the folder of all artefacts of this kind.
        marker: file that every complete artefact holds.
        kind: name of the kind in messages, such as "snapshot".
        identifier: the id or its beginning; None: the artefact published last.
        first_step: command that makes a first artefact, for the message.

    Raises:
        UserError: there is no artefact, or not exactly one with this id.
    """
    known = list_artefacts(root, marker)
    if not known:
        raise UserError(f"there is no {kind} yet: run {first_step} first")
    if identifier is None:
        return known[-1]
    matches = [folder for folder in known if identifier and folder.name.startswith(identifier)]
    if len(matches) != 1:
        command = "snapshots" if kind.endswith("snapshot") else "models"
        raise UserError(f"no single {kind} is called {identifier!r}; `ferroscreen {command}` lists them")
    return matches[0]
