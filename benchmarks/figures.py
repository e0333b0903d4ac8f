"""Figures of benchmarks that run for hours: kept as they come, one JSON line each."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Journal:
    """A file of JSON lines. A line is there whole or, after a crash, does not count."""

    path: Path

    def lines(self) -> list[dict[str, Any]]:
        """All whole lines, in the order in which they came."""
        whole = []
        for text in self.path.read_text().splitlines() if self.path.is_file() else []:
            try:
                whole.append(dict(json.loads(text)))
            except ValueError:
                continue
        return whole

    def append(self, line: Mapping[str, Any]) -> None:
        """One write, flushed to the disk, so that several processes may share the file."""
        torn = self.path.is_file() and self.path.read_bytes()[-1:] not in (b"", b"\n")
        content = ("\n" * torn + json.dumps(line, allow_nan=False) + "\n").encode()
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(handle, content)
            os.fsync(handle)
        finally:
            os.close(handle)
