"""Stores of packed arrays on the disk: trusted only if every file is as it was written, made again otherwise."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from data.store.artifact import building, file_hash, write_json

MANIFEST_FILE = "manifest.json"


def finish_store(folder: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest of a store whose files are all there, with their hashes."""
    write_json(folder / MANIFEST_FILE, {**manifest, "files": {p.name: file_hash(p) for p in sorted(folder.iterdir())}})


def open_store(folder: Path, needed: Iterable[str] = ()) -> bool:
    """Whether a sound store with the arrays `needed` is there.

    One that is damaged, lacks an array, or states no hashes (older releases) is removed: a wrong number in it would go into a
    model unseen, and building it again takes minutes.
    """
    if not folder.is_dir():
        return False
    try:
        stated = json.loads((folder / MANIFEST_FILE).read_text())["files"].items()
        whole = {f"{name}.npy" for name in needed} <= {name for name, _ in stated}
        if stated and whole and all(file_hash(folder / name) == digest for name, digest in stated):
            return True
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass  # as good as damaged
    with building(folder.parent) as aside, suppress(FileNotFoundError):  # another process was faster
        os.rename(folder, aside / folder.name)
    return False
