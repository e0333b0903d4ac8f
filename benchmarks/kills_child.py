"""One job as plain functions, in a process that somebody will kill: `python -m benchmarks.kills_child JOB HOME ENDPOINT`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from pipeline.ops.progress import Quiet
from pipeline.settings import Settings

EPOCHS = 6
PAGE = 20
KEY = "k" * 32


def main() -> None:
    job, home, endpoint = sys.argv[1:]
    JOBS[job](Settings(home=Path(home), workers=1, mp_endpoint=endpoint, mp_page_size=PAGE))


def _refresh(where: Settings) -> None:
    from pydantic import SecretStr

    from pipeline.refresh.materials_project import refresh_materials_project

    refresh_materials_project(SecretStr(KEY), where, Quiet())


def _train(where: Settings) -> None:
    from data.snapshot import open_snapshot
    from pipeline.training.train import TrainSettings, train_ensemble

    train_ensemble(open_snapshot(where.snapshots), TrainSettings(epochs=EPOCHS), where, Quiet())


def _screen(where: Settings) -> None:
    from data.sources.materials_project import source
    from data.sources.parquet import Columns
    from pipeline.registry.ensemble import open_model
    from pipeline.screening.opening import open_candidates
    from pipeline.screening.screen import screen

    source.DOCUMENTS_PER_SHARD = 32  # several shards out of some hundred crystals
    screen(open_candidates([Path("mp")], Columns(), where), open_model(where.models), None, where, Quiet())


JOBS: dict[str, Callable[[Settings], None]] = {"refresh": _refresh, "train": _train, "screen": _screen}


if __name__ == "__main__":
    main()
