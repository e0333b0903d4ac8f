"""One writer at a time, by a file lock. The operating system releases the lock when the writer's process dies."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from data.errors import UserError
from data.store.artifact import make_folder, write_json

LOCK_FILE = ".writer.lock"
HOLDER_FILE = ".writer.json"


class Busy(UserError):
    """Another process holds the lock."""


@contextmanager
def writing(root: Path) -> Iterator[None]:
    """Hold the lock on a folder of artefacts. Unfinished folders of a dead writer are removed.

    Raises:
        Busy: another process holds the lock; the message names the process and the time.
    """
    lock = FileLock(make_folder(root) / LOCK_FILE, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise Busy(f"another refresh is writing ({_holder(root)}); this one changed nothing") from None
    try:
        for left in root.glob(".building-*"):
            shutil.rmtree(left, ignore_errors=True)
        write_json(root / HOLDER_FILE, {"process": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")})
        yield
    finally:
        lock.release()


def _holder(root: Path) -> str:
    try:
        said = json.loads((root / HOLDER_FILE).read_text())
        return f"process {said['process']}, since {said['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "it has just begun"
