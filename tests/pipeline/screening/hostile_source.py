"""A source whose reader dies, hangs or eats all memory on certain files, for real."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass

from data.rejection import Rejection
from data.sources import Record, Shard
from data.sources.cif_folder import CifFolder


@dataclass(frozen=True)
class Hostile(CifFolder):
    """Reads like its parent, except files with these names."""

    def read(self, shard: Shard) -> Iterator[Record | Rejection]:
        for entry in shard.part:
            if entry.name == "kills.cif":
                os.kill(os.getpid(), signal.SIGKILL)
            if entry.name == "hangs.cif":
                time.sleep(3600)
            if entry.name == "swells.cif":
                bytearray(64 * 2**30)
            yield from super().read(Shard((entry,), 1))
