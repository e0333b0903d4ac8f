"""What each finished screen of a home ranked first, and what came and went since the one before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from data.errors import UserError
from data.known_magnets import NAMED as HANDBOOK
from data.sources.materials_project.source import without_release
from data.store.artifact import file_hash
from pipeline.comparison.drift import intervals_that_held
from pipeline.screening.looked_up import LITERATURE, looked_up
from pipeline.screening.previous import folder_of, read_run
from pipeline.screening.run_folder import holds
from pipeline.settings import Settings

TOP = 100  # places whose candidates are followed
SHORT = 8  # characters of an id, which commands take, too
RANKING = "ranking.parquet"
REPORT = "report.html"
_ALWAYS = ["candidate_id", "formula"]
_COVERAGE = ["moment_low", "moment_high", "moment_dft", "known_moment"]


@dataclass(frozen=True)
class Candidate:
    """A candidate that entered or left the first places."""

    id: str
    formula: str
    rank: int  # in the run that it entered, or in the last one before it left


@dataclass(frozen=True)
class Night:
    """One finished screen."""

    manifest: dict[str, Any]
    when: datetime
    folder: Path
    report: Path | None  # None where it is gone
    trouble: str = ""  # why the ranking could not be read; empty where it could
    before: str = ""  # the run that it is compared with; empty where there is none
    entered: tuple[Candidate, ...] = ()
    left: tuple[Candidate, ...] = ()
    labelled: int = 0  # crystals whose moment was unknown in the run before and is known now
    inside: int = 0  # of these, those whose moment lies in the interval of the run before
    changed: tuple[str, ...] = ()  # models and input that are not those of the run before

    @property
    def id(self) -> str:
        return str(self.manifest.get("id"))

    @property
    def question(self) -> tuple[str, str, str]:
        """Runs with the same one are compared: source, profile, and whether licensed details are shown."""
        manifest = self.manifest
        source = without_release(str(manifest.get("source")))
        return source, str(manifest.get("profile")), str(manifest.get("licensed_details"))

    @property
    def models(self) -> dict[str, str]:
        """Ids of the models and tables behind the run, by what they say."""
        found = {name: str(self.manifest[key]) for key, name in _MODELS.items() if self.manifest.get(key)}
        named = {name: looked_up(self.manifest, prefix) for name, prefix in _NAMED_IN_CODE.items()}
        return found | {name: identity for name, identity in named.items() if identity is not None}


KNOWN_MAGNETS = "known magnets"
_MODELS = {"model": "moments", "order_classifier": "order", "experiment_model": "experiment"}
_NAMED_IN_CODE = {"experiment": "experiment-", "literature": LITERATURE, KNOWN_MAGNETS: HANDBOOK}  # the first by older releases


@dataclass
class Nights:
    """All runs of a home, oldest first, and the entries that could not be read."""

    read: list[Night] = field(default_factory=list)
    damaged: list[tuple[str, str]] = field(default_factory=list)  # name of the entry, why


@dataclass(frozen=True)
class _Ranked:
    night: Night
    table: pd.DataFrame  # _ALWAYS and _COVERAGE, best first


def read_nights(where: Settings, top: int = TOP) -> Nights:
    """Every run that the home knows; one that is damaged is listed as such and stops nothing.

    Args:
        where: the home.
        top: places whose candidates are followed.
    """
    found = Nights()
    last: dict[tuple[str, str, str], _Ranked] = {}
    for path, when in _entries(where):
        try:
            manifest = read_run(path)
            folder = folder_of(where, manifest)
            night = Night(manifest, when, folder, _report(folder, str(manifest.get("id"))))
        except (UserError, OSError, ValueError, TypeError, AttributeError) as fault:
            found.damaged.append((path.name, str(fault)))
            continue
        try:
            table = _ranking(night)
            before = last.get(night.question)
            compared = night if before is None else _compared(before, night, table, top)
        except Exception as fault:  # whatever a damaged table makes a reader raise
            found.read.append(Night(manifest, when, folder, night.report, trouble=str(fault) or type(fault).__name__))
            continue
        last[night.question] = _Ranked(compared, table)
        found.read.append(compared)
    return found


def _entries(where: Settings) -> Iterator[tuple[Path, datetime]]:
    """The entries of all runs with the times at which they were written, oldest first."""
    found = []
    for path in where.runs.glob("*.json"):
        try:
            found.append((path.stat().st_mtime_ns, path.name, path))
        except OSError:  # pruned in this very moment
            continue
    for at, _, path in sorted(found):
        yield path, datetime.fromtimestamp(at / 1e9).astimezone()


def _report(folder: Path, identity: str) -> Path | None:
    report = folder / REPORT
    return report if report.is_file() and holds(folder, identity) else None


def _ranking(night: Night) -> pd.DataFrame:
    """The columns that are compared, best candidate first.

    Raises:
        UserError: the folder is gone, holds another run, or the file is not the one that the run wrote, or no ranking.
    """
    if not holds(night.folder, night.id):
        raise UserError("its folder is gone, or holds another run")
    path = night.folder / RANKING
    stated = night.manifest.get("files")
    if not isinstance(stated, dict) or stated.get(RANKING) != file_hash(path):
        raise UserError(f"{RANKING} is not the file that the run wrote")
    import pyarrow.parquet as pq

    there = set(pq.read_schema(path).names)
    if missing := {"rank", *_ALWAYS} - there:
        raise UserError(f"{RANKING} has no {', '.join(sorted(missing))}")
    table = pd.read_parquet(path, columns=[name for name in ("rank", *_ALWAYS, *_COVERAGE) if name in there])
    return table.sort_values("rank", kind="stable").drop(columns="rank").reset_index(drop=True)


def _compared(before: _Ranked, night: Night, table: pd.DataFrame, top: int) -> Night:
    """The night with what is different from the one before."""
    old, new = before.table, table
    first_old, first_new = (list(t["candidate_id"].head(top).astype(str)) for t in (old, new))
    inside, labelled = intervals_that_held(old, new)
    was, now = ({name: identity[:SHORT] for name, identity in one.models.items()} for one in (before.night, night))
    changed = [
        f"{name}: {was.get(name, 'none')} → {now.get(name, 'none')}" for name in {**was, **now}
        if was.get(name) != now.get(name) and (name != KNOWN_MAGNETS or name in was)  # earlier releases named no table
    ]  # fmt: skip
    if before.night.manifest.get("input") != night.manifest.get("input"):
        changed.append("files, or how they are read")
    return Night(
        night.manifest, night.when, night.folder, night.report, before=before.night.id,
        entered=_candidates(new.head(top), set(first_new) - set(first_old)),
        left=_candidates(old.head(top), set(first_old) - set(first_new)),
        labelled=labelled, inside=inside, changed=tuple(changed),
    )  # fmt: skip


def _candidates(table: pd.DataFrame, wanted: set[str]) -> tuple[Candidate, ...]:
    return tuple(
        Candidate(str(row.candidate_id), str(row.formula), place)
        for place, row in enumerate(table.itertuples(), start=1)
        if str(row.candidate_id) in wanted
    )
