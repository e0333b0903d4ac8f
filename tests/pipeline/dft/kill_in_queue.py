"""Works off the calculations of bcc-Fe and B2-FeCo and dies by SIGKILL after some of them: a person's plug, pulled.

Usage: python -m tests.pipeline.dft.kill_in_queue FOLDER CODE CALCULATIONS
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from data.calculation import Calculation, Job
from pipeline.dft.queue import to_do, work_off
from pipeline.dft.settings import Limits
from tests.pipeline.dft.samples import planned, starter

LIMITS = Limits(each_s=60.0, whole_s=None)


def jobs(code: str) -> list[Job]:
    crystals = starter()
    return [job for one in planned(code, crystals["bcc-Fe"], crystals["B2-FeCo"]) for job in one.jobs]


def main(folder: Path, code: str, how_many: int) -> None:
    ended: list[Calculation] = []

    def finished(calculation: Calculation) -> None:
        ended.append(calculation)
        if len(ended) == how_many:
            os.kill(os.getpid(), signal.SIGKILL)

    work_off(to_do(folder, jobs(code), LIMITS), folder, LIMITS, finished)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
