"""The screen: shards of candidates to predictions, each finished shard kept, then one ranking."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from data.artifact import file_hash, make_folder, text_hash, write_bytes, write_json
from data.errors import UserError
from data.schema import REJECTED
from data.snapshot import open_snapshot, write_rejections
from data.sources import Shard, Source
from data.sources.recipe import recipe
from pipeline.dedup.cellfile import CellFiles, write_cells
from pipeline.dedup.duplicates import Duplicates, find_duplicates
from pipeline.dedup.known import Known, known_crystals
from pipeline.features.graphs import GRAPH_CODE
from pipeline.features.tiers import Tier
from pipeline.features.vectorstore import VECTOR_CODE
from pipeline.learning.registry import Ensemble
from pipeline.progress import Reporter, Tick
from pipeline.provenance import provenance
from pipeline.screening.candidates import WITHOUT_COSTLY, judge_safely
from pipeline.screening.costly import prepare
from pipeline.screening.csvsafe import csv_safe
from pipeline.screening.licence import without_details, without_structures
from pipeline.screening.previous import previous_run
from pipeline.screening.profiles import DEFAULT_PROFILE, PROFILES, Profile
from pipeline.screening.ranking import rank
from pipeline.screening.structures import STRUCTURES_FILE, write_structures
from pipeline.settings import Settings

FILES = ("ranking.csv", "ranking.parquet", "rejected.csv", STRUCTURES_FILE)
SCREEN_CODE = "screen-2"  # raise it whenever the same input and model would give other predictions


@dataclass(frozen=True)
class Screened:
    """A finished screen: what lies in its folder."""

    folder: Path
    manifest: dict[str, Any]

    def ranking(self) -> pd.DataFrame:
        return pd.read_parquet(self.folder / "ranking.parquet")

    def rejected(self) -> pd.DataFrame:
        return pd.read_csv(self.folder / "rejected.csv", dtype=str, keep_default_na=False)


def screen(
    source: Source, ensemble: Ensemble, out: Path | None, where: Settings, reporter: Reporter,
    profile: Profile = PROFILES[DEFAULT_PROFILE], licensed_details: bool = False,
) -> Screened:  # fmt: skip
    """Rank a source's crystals by a profile. Shards that an interrupted run of the same screen finished are taken as they are.

    Of a licensed source the results show ids and formulas only, unless `licensed_details`.

    Raises:
        UserError: nothing to read in the source, or `out` cannot be written.
    """
    started = time.monotonic()
    shards = list(source.shards())
    given = source.identity()
    code = (SCREEN_CODE, GRAPH_CODE, VECTOR_CODE, *ensemble.tier.code)
    withheld = source.licensed and not licensed_details
    identity = text_hash(*code, ensemble.id, given, profile.name, profile.formula, *(["withheld"] if withheld else []))[:16]
    folder = make_folder(out or where.runs / identity)
    work = make_folder(where.work / f"screen-{identity}")
    todo = [(k, shard) for k, shard in enumerate(shards) if not _shard_path(work, k).is_file()]
    if ensemble.tier is Tier.FULL:
        with reporter.bar("Costly descriptors", sum(shard.size for _, shard in todo)) as tick:
            symprec = ensemble.graph_settings.symprec_A
            prepare(source, symprec, where.descriptors, [shard for _, shard in todo], where.workers, tick)
    with reporter.bar("Screening", sum(s.size for s in shards)) as tick:
        tick(sum(s.size for s in shards) - sum(s.size for _, s in todo))
        _judge_shards(source, ensemble, todo, work, where, tick)
    predictions, rejected, without_symmetry = _collect(work, len(shards))
    rejected = without_details(rejected) if withheld else rejected
    write_bytes(folder / "rejected.csv", csv_safe(rejected).to_csv(index=False).encode())
    if predictions.empty:
        reasons = ", ".join(f"{n} × {r}" for r, n in Counter(rejected["reason"]).most_common(4))
        raise UserError(
            f"no crystal could be read from {source.description} ({reasons or 'it is empty'}); see {folder / 'rejected.csv'}"
        )
    cells = CellFiles(tuple(_cells_path(work, k) for k in range(len(shards))))
    duplicates, compared_with = _compare(predictions, cells, ensemble, where, reporter)
    ranking = rank(predictions.join(duplicates.columns).assign(place=range(len(predictions))), profile)
    places = ranking.pop("place").to_list()
    write_structures(folder, cells, [] if withheld else places)
    ranking = without_structures(ranking) if withheld else ranking
    write_bytes(folder / "ranking.csv", csv_safe(ranking).to_csv(index=False, float_format="%.6g").encode())
    _write_parquet(ranking, folder / "ranking.parquet")
    manifest = {
        "kind": "screen", "id": identity, "source": source.description, "input": given, "reading": recipe(source),
        "licensed": source.licensed, "withheld": withheld,
        "model": ensemble.id, "profile": profile.name, "formula": profile.formula,
        "ranked": len(ranking), "rejected": len(rejected), "with_note": int((ranking["note"] != "").sum()),
        "rejected_by_reason": dict(sorted(Counter(rejected["reason"]).items())),
        "set_aside": int((ranking["set_aside"] != "").sum()), "stability_known": int((ranking["stability"] == "known").sum()),
        "duplicates": int((ranking["duplicate_of"] != "").sum()), "known": int((ranking["known_id"] != "").sum()),
        "known_from": compared_with, "not_compared": duplicates.not_compared,
        "without_symmetry": without_symmetry, "graph_settings": asdict(ensemble.graph_settings),
        "without_costly": int(ranking["note"].str.contains(WITHOUT_COSTLY, regex=False).sum()),
        "previous": previous_run(where, identity, source.description, ranking["candidate_id"], withheld),
        "code": list(code), "provenance": provenance(),
        "files": {name: file_hash(folder / name) for name in FILES},
        "seconds": round(time.monotonic() - started, 2), "shards_taken_over": len(shards) - len(todo),
    }  # fmt: skip
    write_json(folder / "manifest.json", manifest)
    write_json(make_folder(where.runs) / f"{identity}.json", {**manifest, "folder": str(folder.resolve())})
    shutil.rmtree(work, ignore_errors=True)
    return Screened(folder, manifest)


def _judge_shards(
    source: Source, ensemble: Ensemble, todo: list[tuple[int, Shard]], work: Path, where: Settings, tick: Tick
) -> None:
    _ = ensemble.members  # a damaged model is found before a worker meets it
    found = judge_safely(source, ensemble.folder, where.descriptors, [shard for _, shard in todo], min(where.workers, len(todo)))
    for (k, shard), judged in zip(todo, found, strict=True):
        write_rejections(work / f"{k:06d}.rejected.parquet", judged.rejected)
        write_cells(_cells_path(work, k), judged.cells)
        _write_parquet(judged.table, _shard_path(work, k), {"without_symmetry": str(judged.without_symmetry)})
        tick(shard.size)


def _shard_path(work: Path, k: int) -> Path:
    return work / f"{k:06d}.parquet"


def _cells_path(work: Path, k: int) -> Path:
    return work / f"{k:06d}.cells.parquet"


def _compare(
    predictions: pd.DataFrame, cells: CellFiles, ensemble: Ensemble, where: Settings, reporter: Reporter
) -> tuple[Duplicates, str | None]:
    """Duplicates among the candidates and in the model's snapshot, and that snapshot's id; None where it is no longer here."""
    try:
        snapshot = open_snapshot(where.snapshots, ensemble.manifest["snapshot"])
    except UserError:  # a model may travel without its data: then no moment is known, and the manifest and the report say so
        snapshot = None
    with reporter.bar("Comparing crystals", len(predictions)) as tick:
        symprec = ensemble.graph_settings.symprec_A
        known = known_crystals(snapshot, predictions["formula"], symprec, where.workers) if snapshot else Known()
        found = find_duplicates(predictions, cells.take, known, where.workers, tick)
    return found, snapshot.id if snapshot else None


def _collect(work: Path, shards: int) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """(predictions, rejections, crystals without usable symmetry) of all shards, in order."""
    frames, rejections, without = [], [], 0
    for k in range(shards):
        table = pq.read_table(_shard_path(work, k))
        without += int((table.schema.metadata or {}).get(b"without_symmetry", b"0"))
        frames.append(table.to_pandas())
        rejections.append(pq.read_table(work / f"{k:06d}.rejected.parquet"))
    read = [frame for frame in frames if len(frame)]
    rejected = pa.concat_tables(rejections) if rejections else pa.Table.from_pylist([], schema=REJECTED)
    return pd.concat(read, ignore_index=True) if read else pd.DataFrame(), rejected.to_pandas(), without


def _write_parquet(frame: pd.DataFrame, path: Path, metadata: dict[str, str] | None = None) -> None:
    table = pa.Table.from_pandas(frame, preserve_index=False)
    if metadata is not None:
        table = table.replace_schema_metadata(metadata)
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, compression="zstd")
    write_bytes(path, buffer.getvalue().to_pybytes())
