"""A screen that is killed and started again, and the same screen in one go."""

from __future__ import annotations

import os
import time
from pathlib import Path

from data.cif.disorder import Disorder
from pipeline.screening.screen import FILES
from pipeline.settings import Settings
from tests.servers.commands import Command

FIRST_SHARDS = 2  # finished before the kill
PATIENCE_S = 120.0
_CHILD = """
import sys
from pathlib import Path
import data.sources.cif_folder as source
from data.cif.disorder import Disorder
from pipeline.ops.parallel import copied_workers
from pipeline.ops.progress import Quiet
from pipeline.registry.ensemble import open_model
from pipeline.screening.screen import screen
from pipeline.settings import Settings

home, folder, out, disorder, source.FILES_PER_SHARD = *map(Path, sys.argv[1:4]), Disorder(sys.argv[4]), int(sys.argv[5])
where = Settings(home=home, workers=1)
with copied_workers():  # as the command does
    screen(source.CifFolder(folder, disorder=disorder), open_model(where.models), out, where, Quiet())
"""


def check_killed_screen(folder: Path, where: Settings, disorder: Disorder, files_per_shard: int, scratch: Path) -> int:
    """Kill a screen by SIGKILL, start it again, and compare its files with those of an undisturbed one, byte by byte.

    Args:
        folder: CIF files.
        where: home of the killed screen, with a model.
        disorder: what happens to disordered crystals.
        files_per_shard: so few that there are many shards.
        scratch: folder for the results and another home.

    Returns:
        Shards that were finished at the kill. The result of the killed screen is `scratch / "killed"`.
    """

    def child(home: Path, out: str) -> Command:
        return Command(*map(str, (home, folder, scratch / out, disorder, files_per_shard)), env=os.environ, code=_CHILD)

    def finished() -> int:
        return len(list(where.work.glob("screen-*/??????.parquet")))

    first = child(where.home, "killed")
    deadline = time.monotonic() + PATIENCE_S
    while finished() < FIRST_SHARDS and time.monotonic() < deadline and first.poll() is None:
        time.sleep(0.002)
    first.kill()
    first.wait()
    done = finished()
    shards = -(-len(list(folder.glob("*.cif"))) // files_per_shard)
    assert 0 < done < shards, "the child was killed in the middle"
    assert child(where.home, "killed").wait() == 0
    other = scratch / "other"
    other.mkdir()
    (other / "models").symlink_to(where.models)
    assert child(other, "whole").wait() == 0
    for name in FILES:
        assert (scratch / "killed" / name).read_bytes() == (scratch / "whole" / name).read_bytes()
    return done
