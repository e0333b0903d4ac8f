"""One writer at a time, by a file lock. The operating system releases the lock when the writer's process ends."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

from data.errors import UserError
from data.store.artifact import make_folder, write_json

LOCK_FILE = ".writer.lock"
HOLDER_FILE = ".writer.json"


class Busy(UserError):
    """Another process holds the lock."""


@contextmanager
def locked(path: Path, busy: Callable[[], str], wait_s: float = 0.0) -> Iterator[None]:
    """Hold the lock on a file.

    Args:
        path: the file.
        busy: says who holds it, for the message.
        wait_s: how long to wait for it; -1: until it is free.

    Raises:
        Busy: another process holds the lock.
    """
    lock = FileLock(path, timeout=wait_s)
    try:
        lock.acquire()
    except Timeout:
        raise Busy(busy()) from None
    try:
        yield
    finally:
        lock.release()


def lock_for_this_process(handle: IO[str], busy: Callable[[], str]) -> None:
    """Lock an open file until it is closed. Worker processes do not inherit the lock: it ends with this process, not with them.

    Args:
        handle: open for writing.
        busy: says who holds it, for the message.

    Raises:
        Busy: another process holds the lock.
    """
    try:
        import fcntl
    except ImportError:  # Windows: two screens of one home are kept apart by the ledger
        return
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        raise Busy(busy()) from None
    except OSError:  # a file system without locks
        return


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock on a file."""
    try:
        with locked(path, str):
            return False
    except Busy:
        return True


@contextmanager
def writing(root: Path) -> Iterator[None]:
    """Hold the lock on a folder of artefacts. Unfinished folders of a dead writer are removed.

    Raises:
        Busy: another process holds the lock; the message names the process and the time.
    """
    with locked(
        make_folder(root) / LOCK_FILE, lambda: f"another refresh is writing ({_holder(root)}); this one changed nothing"
    ):
        for left in root.glob(".building-*"):
            shutil.rmtree(left, ignore_errors=True)
        write_json(root / HOLDER_FILE, {"process": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")})
        yield


def _holder(root: Path) -> str:
    try:
        said = json.loads((root / HOLDER_FILE).read_text())
        return f"process {said['process']}, since {said['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "it has just begun"
