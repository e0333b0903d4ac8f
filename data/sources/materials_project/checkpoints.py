"""Answers of a service, kept page by page until all are there: a pull that was killed asks only for what is missing."""

from __future__ import annotations

import gzip
import json
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from data.store.artifact import make_folder, write_bytes, write_json

T = TypeVar("T")
PLAN_FILE = "plan.json"


class Checkpoints:
    """A folder of pages that belong to one plan; pages of another plan are thrown away.

    `kept` is told the name of each page that was fetched and is now on the disk.
    """

    def __init__(self, folder: Path, plan: dict[str, Any], kept: Callable[[str], None] = lambda name: None) -> None:
        self.folder, self.plan, self.kept = folder, plan, kept
        if self._kept_plan() != plan:
            shutil.rmtree(folder, ignore_errors=True)
            make_folder(folder)
            write_json(folder / PLAN_FILE, plan)

    def take(self, name: str, fetch: Callable[[], T], keep: Callable[[T], Any]) -> Any:
        """The page of that name: what `keep` makes of what `fetch` brings, asked for only where there is no sound page.

        Args:
            name: of the page.
            fetch: asks the service.
            keep: makes of the answer what is stored, as JSON.
        """
        path = self.folder / f"{name}.json.gz"
        try:
            return json.loads(gzip.decompress(path.read_bytes()))
        except (OSError, EOFError, zlib.error, ValueError):
            page = keep(fetch())  # gzip keeps a checksum, so a damaged page is fetched anew
        write_bytes(path, gzip.compress(json.dumps(page, ensure_ascii=False).encode(), compresslevel=1, mtime=0))
        self.kept(name)
        return page

    def _kept_plan(self) -> Any:
        try:
            return json.loads((self.folder / PLAN_FILE).read_text())
        except (OSError, ValueError):
            return None
