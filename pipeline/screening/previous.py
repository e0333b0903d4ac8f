"""The screens that a home has seen, and the one that a new screen is to be compared with."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from data.errors import UserError
from data.sources.materials_project.source import without_release
from data.store.artifact import make_folder, make_newest, oldest_first, write_json
from data.store.versions import read_manifest
from pipeline.old_names import RUN_KEYS, with_current_keys
from pipeline.screening.run_folder import holds
from pipeline.settings import Settings

RUN_FORMAT = 2  # raise it whenever an older release would misread a finished screen
LOOK_BACK = 20  # runs
SAME_CANDIDATES = 0.5  # share of the smaller run's ids; with fewer in common, a comparison lists both runs and says nothing


def list_runs(where: Settings) -> list[dict[str, Any]]:
    """Manifests of the screens made with this home, oldest first, each with its `folder`.

    Raises:
        UserError: one is damaged, or a newer release made it.
    """
    runs = []
    for path in _entries(where):
        try:
            run = read_run(path)
        except UserError as fault:
            if not isinstance(fault.__cause__, FileNotFoundError):
                raise
            continue  # pruned meanwhile, and perhaps listed again since
        if not all(isinstance(run.get(key), str) for key in ("id", "folder")):
            raise UserError(f"run {path}: {path.name} is no list entry of a run; delete it and screen again")
        run["folder"] = str(folder_of(where, run))
        runs.append(run)
    return runs


def folder_of(where: Settings, run: dict[str, Any]) -> Path:
    """Where a listed run lies: in this home, wherever that was moved to, or else where its entry says."""
    stated = Path(str(run.get("folder")))
    here = where.runs.resolve() / stated.name
    return here if holds(here, str(run.get("id"))) else stated


def list_run(where: Settings, folder: Path, manifest: dict[str, Any]) -> None:
    """List a run as the newest of the home; one that is listed so already keeps its time.

    Args:
        where: the home.
        folder: of the run.
        manifest: of the run.

    Raises:
        UserError: the home cannot be written.
    """
    entry = make_folder(where.runs) / f"{manifest['id']}.json"
    told = {**manifest, "folder": str(folder.resolve())}
    if _entries(where)[-1:] != [entry] or _content(entry) != told:
        write_json(entry, told)
        make_newest(entry, where.runs.glob("*.json"))


def _content(entry: Path) -> Any:
    """What an entry says; None where it is damaged."""
    try:
        return json.loads(entry.read_text())
    except (OSError, ValueError):
        return None


def _entries(where: Settings) -> list[Path]:
    """Those of the runs that the home lists, oldest first."""
    return oldest_first(where.runs.glob("*.json"))


def written_at(where: Settings, run: dict[str, Any]) -> datetime:
    """When a listed run was finished, in local time."""
    return datetime.fromtimestamp((where.runs / f"{run['id']}.json").stat().st_mtime).astimezone()


def read_run(path: Path) -> dict[str, Any]:
    """The manifest of a finished screen; of a run of an older release with the keys of this one.

    Raises:
        UserError: it is damaged, or a newer release made it.
    """
    found = read_manifest(path, f"run {path}", "format", RUN_FORMAT, "delete it and screen again")
    return with_current_keys(found, RUN_KEYS)


def previous_run(
    where: Settings, identity: str, source: str, ids: pd.Series[str], withheld: bool, profile: str
) -> str | None:
    """Id of the newest other run of the same profile that ranks the same source, or mostly the same candidates; of another
    profile where there is none of this one; None where there is none at all.

    A run that withholds licensed structures is never compared with one that shows some: the differences would tell them.
    """
    of_another_profile = None
    for run in reversed(list_runs(where)[-LOOK_BACK:]):
        if run["id"] == identity or "orderings" not in run or (withheld and _shows_licensed(run)):
            continue
        if not holds(Path(run["folder"]), run["id"]):  # its folder was written over, or is gone
            continue
        ranking = Path(run["folder"]) / "ranking.parquet"
        same = without_release(run["source"]) == without_release(source)
        if ranking.is_file() and (same or _shared(ranking, ids) >= SAME_CANDIDATES):
            if run.get("profile") == profile:
                return str(run["id"])
            of_another_profile = of_another_profile or str(run["id"])
    return of_another_profile


def _shows_licensed(run: dict[str, Any]) -> bool:
    return bool(run.get("licensed")) and not run.get("withheld")


def _shared(ranking: Path, ids: pd.Series[str]) -> float:
    others = pd.read_parquet(ranking, columns=["candidate_id"])["candidate_id"]
    few, many = sorted((set(ids), set(others)), key=len)
    return len(few & many) / max(len(few), 1)
