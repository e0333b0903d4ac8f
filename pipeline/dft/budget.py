"""The core time of a campaign: a journal with a line for each calculation that ended, over all starts of the campaign."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from data.errors import UserError

JOURNAL = "time.jsonl"
CUT_OFF = "cut off"  # calculations that the budget or Ctrl-C ended


@dataclass(frozen=True)
class Budget:
    """Core-seconds that a campaign may take, and where those that it took are written."""

    seconds: float
    folder: Path

    def spent(self) -> float:
        """Core-seconds so far. A line that a power cut left unfinished is not counted."""
        try:
            lines = (self.folder / JOURNAL).read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return 0.0
        total = 0.0
        for line in lines:
            with suppress(ValueError, KeyError, TypeError):
                total += float(json.loads(line)["seconds"])
        return total

    def left(self) -> float:
        """Core-seconds that are left."""
        return max(0.0, self.seconds - self.spent())

    def take(self, key: str, seconds: float) -> None:
        """Write down what a calculation took.

        Args:
            key: of the calculation, or CUT_OFF.
            seconds: of one core.

        Raises:
            UserError: the journal cannot be written.
        """
        try:
            with (self.folder / JOURNAL).open("a+b") as journal:
                if journal.tell():
                    journal.seek(-1, os.SEEK_END)
                    torn = journal.read(1) != b"\n"  # by a power cut; what follows on that line would be lost with it
                    journal.write(b"\n" if torn else b"")
                journal.write(f"{json.dumps({'key': key, 'seconds': round(seconds, 1)})}\n".encode())
                journal.flush()
                os.fsync(journal.fileno())
        except OSError as fault:
            raise UserError(f"{self.folder / JOURNAL} cannot be written: {fault.strerror}") from fault
