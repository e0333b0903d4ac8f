"""A campaign in a process of its own, which dies by SIGKILL after some calculations: a person's plug, pulled.

Usage: python -m tests.pipeline.dft.run_campaign FOLDER CODE CALCULATIONS; with 0 calculations it is left in peace
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from pipeline.dft.campaign import Scope, campaign
from pipeline.dft.plan import Method
from pipeline.dft.settings import DftSettings
from pipeline.ops.progress import Quiet
from pipeline.screening.screened import Screened
from tests.pipeline.dft.samples import TOY

SCOPE = Scope(top=2, max_sites=4)


class Plug(Quiet):
    """Pulled after so many calculations."""

    def __init__(self, after: int) -> None:
        self.left = after

    def say(self, line: str) -> None:
        self.left -= " after " in line
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def main(folder: Path, code: str, how_many: int) -> None:
    run = Screened(folder / "run", json.loads((folder / "run" / "manifest.json").read_text()))
    method = Method(TOY + code, DftSettings())
    campaign(run, SCOPE, method, 60.0, 1, 1.0, folder / "out", folder / "home", Plug(how_many or -1))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
