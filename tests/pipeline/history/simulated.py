"""A home with many nights: rankings with every column, in folders as a screen leaves them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.synthetic_screen import synthetic_content
from data.store.artifact import file_hash, make_folder, write_bytes, write_json
from pipeline.screening.previous import RUN_FORMAT

ROWS = 160
FIRST_NIGHT = 1_790_000_000  # seconds since 1970
DAY_S = 86_400
FRESH, LABELLED = 6, 4  # candidates a night that are new, and whose moment becomes known


def simulate(home: Path, nights: int, seed: int = 17, rows: int = ROWS) -> list[pd.DataFrame]:
    """Write runs of one source and profile, a day apart; the third week has another model.

    Returns:
        The ranking of each night.
    """
    random = np.random.default_rng(seed)
    table = synthetic_content(rows, seed=seed, learned=30).ranking.reset_index(drop=True)
    table["known_moment"], table["moment_dft"] = np.nan, np.nan
    table["candidate_id"] = [f"cand-{k}" for k in range(rows)]
    written = []
    for night in range(nights):
        if night:
            gone = random.choice(rows, FRESH, replace=False)
            table.loc[gone, "candidate_id"] = [f"new-{night}-{k}" for k in range(FRESH)]
            table.loc[gone, ["moment_dft", "known_moment"]] = np.nan
            labelled = random.choice(rows, LABELLED, replace=False)
            table.loc[labelled, "moment_dft"] = table.loc[labelled, ["moment_low", "moment_high"]].mean(axis=1)
            table = table.iloc[np.argsort(np.arange(rows) + random.normal(0, 3, rows))].reset_index(drop=True)
            table["rank"] = np.arange(1, rows + 1)
        models = {"model": "a" * 16 if night < 14 else "b" * 16, "order_classifier": "c" * 16}
        write_run(home, f"{night:016x}", table, FIRST_NIGHT + night * DAY_S, **models)
        written.append(table.copy())
    return written


def write_run(home: Path, identity: str, table: pd.DataFrame, at: int, **facts: Any) -> Path:
    """One run's folder and its entry; returns the folder."""
    folder = make_folder(home / "results" / identity)
    table.to_parquet(folder / "ranking.parquet")
    write_bytes(folder / "report.html", b"<!DOCTYPE html><title>report</title>")
    manifest = {
        "kind": "screen", "format": RUN_FORMAT, "id": identity, "input": identity, "licensed_details": False,
        "source": "cif:icsd", "profile": "permanent-magnet", "code": ["screen-7", "experiment-e" + "0" * 15],
        "ranked": len(table), "rejected": 3, "files": {name: file_hash(folder / name) for name in ("ranking.parquet",)}, **facts,
    }  # fmt: skip
    write_json(folder / "manifest.json", manifest)
    entry = make_folder(home / "runs") / f"{identity}.json"
    write_json(entry, {**manifest, "folder": str(folder.resolve())})
    os.utime(entry, (at, at))
    return folder
