"""Trains the ensemble of the newest snapshot in `home` and dies by SIGKILL where it is told: a person's plug, pulled.

Usage: python -m tests.pipeline.training.kill_in_training HOME EPOCHS (LINE to die after | BAR and EPOCH to die in)
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data.snapshot import open_snapshot
from pipeline.ops.progress import Tick
from pipeline.settings import Settings
from pipeline.training.train import TrainSettings, train_ensemble


class Deadly:
    """A reporter that ends its process."""

    def __init__(self, label: str, epoch: int) -> None:
        self.label, self.epoch = label, epoch

    @contextmanager
    def bar(self, label: str, total: int) -> Iterator[Tick]:
        done = 0

        def tick(n: int) -> None:
            nonlocal done
            done += n
            if self.label in label and done >= self.epoch:
                os.kill(os.getpid(), signal.SIGKILL)

        yield tick

    def say(self, line: str) -> None:
        if self.label in line and self.epoch == 0:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    home, epochs, label, epoch = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    where = Settings(home=home, workers=1)
    train_ensemble(open_snapshot(where.snapshots), TrainSettings(epochs=epochs), where, Deadly(label, epoch))
