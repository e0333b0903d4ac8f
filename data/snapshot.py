"""Snapshots: immutable data sets, named by the hash of their content. A snapshot is published completely or not at all."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data import schema
from data.crystal import Crystal, make_crystal
from data.disordered import DisorderedCrystal
from data.errors import UserError
from data.labels import find_fault, saturation_T
from data.rejection import Reason, Rejection
from data.sources import Record, Source
from data.store.artifact import building, file_hash, text_hash, write_json
from data.store.tables import MANIFEST_FILE, PublishedTables, list_tables, open_tables, publish_tables

ROWS_PER_GROUP = 4096
CRYSTALS_FILE = "crystals.parquet"
QUARANTINE_FILE = "quarantine.parquet"
SITE_MOMENTS_FILE = "site_moments.parquet"  # only where the source has signed site moments
_CRYSTAL = ["material_id", "lattice_A", "frac", "numbers"]


class Snapshot(PublishedTables):
    """A published data set of crystals and labels."""

    kind: ClassVar[str] = "snapshot"
    format_key: ClassVar[str] = "schema_version"
    edition: ClassVar[int] = schema.SCHEMA_VERSION
    remedy: ClassVar[str] = "refresh again to publish a new one"
    first_step: ClassVar[str] = "`ferroscreen refresh --source starter`"
    required: ClassVar[frozenset[str]] = frozenset({CRYSTALS_FILE, QUARANTINE_FILE})

    @classmethod
    def identifier(cls, manifest: dict[str, Any]) -> str:
        """Hash of the content of all files, in the order of their names, and of their origin."""
        files, origin = manifest["files"], manifest.get("origin", {})
        digests = [files[name] for name in sorted(files)]
        return text_hash(str(schema.SCHEMA_VERSION), *digests, *([json.dumps(origin, sort_keys=True)] if origin else []))[:16]

    def table(self, columns: list[str] | None = None) -> pa.Table:
        """The table of crystals, or some of its columns (data.schema.CRYSTALS documents them)."""
        return pq.read_table(self.folder / CRYSTALS_FILE, columns=columns)

    def crystals(self, start: int = 0, stop: int | None = None) -> Iterator[Crystal]:
        """The crystals of the rows from `start` up to, but not including, `stop`, in order."""
        yield from _crystals(self.table(_CRYSTAL).slice(start, None if stop is None else stop - start))

    def of_formulas(self, formulas: Iterable[str]) -> Iterator[tuple[Crystal, float, str]]:
        """The crystals with one of these reduced formulas, ordered by id.

        Yields:
            Crystal, moment (µB/atom; NaN without a label), provenance of the label.
        """
        table = self.table([*_CRYSTAL, "formula", "moment_muB_per_atom", "provenance"])
        table = table.filter(pc.is_in(table["formula"], pa.array(sorted(set(formulas)), pa.string()))).sort_by("material_id")
        moments = pc.fill_null(table["moment_muB_per_atom"], float("nan")).to_pylist()
        yield from zip(_crystals(table), moments, table["provenance"].to_pylist(), strict=True)

    @property
    def has_site_moments(self) -> bool:
        """Whether the source gave signed site moments."""
        return SITE_MOMENTS_FILE in self.manifest["files"]

    def site_moments(self) -> dict[str, list[float]]:
        """Signed moments (µB) by the id of the crystal, in the order of its sites; empty where the source gave none."""
        if not self.has_site_moments:
            return {}
        table = pq.read_table(self.folder / SITE_MOMENTS_FILE)
        return dict(zip(table["material_id"].to_pylist(), table["moments_muB"].to_pylist(), strict=True))

    def quarantine(self) -> pa.Table:
        return pq.read_table(self.folder / QUARANTINE_FILE)


@dataclass(frozen=True)
class Additions:
    """What a snapshot holds besides crystals and quarantine."""

    origin: dict[str, Any] = field(default_factory=dict)  # which state of which database; part of the snapshot's id
    files: tuple[Path, ...] = ()  # copied into it; part of its id
    facts: dict[str, Any] = field(default_factory=dict)  # how it was made; in its manifest only
    write_pages: Callable[[Path], Iterable[str]] = lambda folder: ()  # pages for people, made from the rest; returns their names
    most_quarantined: float = 1.0  # share of the records above which nothing is published


def publish_snapshot(
    root: Path,
    source: Source,
    tick: Callable[[int], None] = lambda n: None,
    additions: Additions = Additions(),
) -> Snapshot:
    """Read a source, quarantine wrong labels and repeated ids, and publish the rest under its content hash.

    Args:
        root: the folder of all snapshots.
        source: any labelled source.
        tick: called with the number of records read since its last call.
        additions: what else belongs to the snapshot.

    Returns:
        The published snapshot; an existing one if the content is the same.

    Raises:
        UserError: the source has nothing usable, too many records are quarantined, or the folder cannot be written.
    """
    rejected: list[Rejection] = []
    site_moments: list[dict[str, Any]] = []
    with building(root) as folder:
        crystals = folder / CRYSTALS_FILE
        with pq.ParquetWriter(crystals, schema.CRYSTALS, compression="zstd") as writer:
            count = 0
            for rows in _chunks(_sound_rows(source, rejected, site_moments, tick)):
                writer.write_table(pa.Table.from_pylist(rows, schema=schema.CRYSTALS))
                count += len(rows)
        if count == 0:
            raise UserError(f"no usable crystal in {source.description}: {_summary(rejected) or 'it is empty'}")
        _check_share(len(rejected), count, rejected, additions.most_quarantined, source.description)
        write_rejections(folder / QUARANTINE_FILE, rejected)
        if site_moments:
            moments = pa.Table.from_pylist(site_moments, schema=schema.SITE_MOMENTS)
            pq.write_table(moments, folder / SITE_MOMENTS_FILE, compression="zstd")
        for path in additions.files:
            shutil.copyfile(path, folder / path.name)
        files = {name: file_hash(folder / name) for name in sorted(os.listdir(folder))}
        identifier = Snapshot.identifier({"files": files, "origin": additions.origin})
        pages = {name: file_hash(folder / name) for name in additions.write_pages(folder)}
        write_json(
            folder / MANIFEST_FILE,
            {
                "kind": "snapshot",
                "schema_version": schema.SCHEMA_VERSION,
                "id": identifier,
                "source": source.description,
                "crystals": count,
                "labelled": count
                - pc.sum(pc.is_null(pq.read_table(crystals, columns=["moment_muB_per_atom"]).column(0))).as_py(),
                **({"with_site_moments": len(site_moments)} if site_moments else {}),
                "quarantined": len(rejected),
                "quarantined_by_reason": dict(sorted(Counter(r.reason.value for r in rejected).items())),
                "files": files,
                **({"origin": additions.origin} if additions.origin else {}),
                **({"pages": pages} if pages else {}),
                **additions.facts,
            },
        )
        return publish_tables(folder, Snapshot(root / identifier))


def _crystals(table: pa.Table) -> Iterator[Crystal]:
    for row in table.to_batches(max_chunksize=1024):
        lattices = row.column("lattice_A").flatten().to_numpy().reshape(-1, 3, 3)
        for k, identifier in enumerate(row.column("material_id").to_pylist()):
            numbers = row.column("numbers")[k].values.to_numpy()
            yield make_crystal(identifier, lattices[k], row.column("frac")[k].values.to_numpy(), numbers)


def _check_share(quarantined: int, sound: int, rejected: list[Rejection], most: float, description: str) -> None:
    share = quarantined / (quarantined + sound)
    if share > most:
        raise UserError(
            f"{quarantined} of {quarantined + sound} records of {description} cannot be used ({_summary(rejected)}): "
            f"{share:.1%}, more than the {most:.1%} allowed. Nothing was published, the old snapshot stays. "
            "If the data are right, allow more with FERROSCREEN_MAX_QUARANTINE"
        )


def open_snapshot(root: Path, identifier: str | None = None) -> Snapshot:
    """A snapshot by its id (or the start of it), or the one published last; see `open_tables`."""
    return open_tables(root, Snapshot, identifier)


def list_snapshots(root: Path) -> list[Snapshot]:
    """All published snapshots, oldest first."""
    return list_tables(root, Snapshot)


def write_rejections(path: Path, rejected: Iterable[Rejection]) -> None:
    """Write rejections as a Parquet table (data.schema.REJECTED)."""
    names = ("candidate_id", "source_file", "block", "reason", "detail")
    rows = [{name: str(getattr(r, name)) for name in names} for r in rejected]
    pq.write_table(pa.Table.from_pylist(rows, schema=schema.REJECTED), path, compression="zstd")


def _sound_rows(
    source: Source, rejected: list[Rejection], site_moments: list[dict[str, Any]], tick: Callable[[int], None]
) -> Iterator[dict[str, Any]]:
    seen: set[str] = set()
    for shard in source.shards():
        read = 0
        for item in source.read(shard):
            read += 1
            if isinstance(item, Rejection):
                rejected.append(item)
                continue
            try:
                fault = _record_fault(item, seen)
                row = _row(item) if fault is None else {}
            except Exception as error:  # one record must not end a refresh, whatever it holds
                fault = (Reason.FAILED, f"{type(error).__name__}: {error}"[:300])
            if fault is None:
                seen.add(item.crystal.id)
                if item.label is not None and item.label.site_moments_muB is not None:
                    site_moments.append({"material_id": item.crystal.id, "moments_muB": list(item.label.site_moments_muB)})
                yield row
            else:
                rejected.append(Rejection(item.crystal.id, item.source_file, "", *fault))
        tick(read)


def _record_fault(record: Record, seen: set[str]) -> tuple[Reason, str] | None:
    if isinstance(record.crystal, DisorderedCrystal):
        return Reason.PARTIAL_OCCUPANCY, "a disordered crystal; models learn from ordered ones"
    if record.crystal.id in seen:
        return Reason.DUPLICATE_ID, "an earlier row has the same id; the first one was kept"
    return None if record.label is None else find_fault(record.label, record.crystal.n_sites)


def _row(record: Record) -> dict[str, Any]:
    crystal, label = record.crystal, record.label
    assert isinstance(crystal, Crystal)
    per_atom = None if label is None else label.per_atom(crystal.n_sites)
    return {
        "material_id": crystal.id,
        "formula": crystal.formula,
        "chemsys": crystal.chemsys,
        "n_sites": crystal.n_sites,
        "volume_A3": crystal.volume,
        "lattice_A": crystal.lattice.ravel(),
        "frac": crystal.frac.ravel(),
        "numbers": crystal.numbers.astype(np.int16),
        "moment_muB_per_cell": None if label is None else abs(label.moment_muB_per_cell),
        "moment_muB_per_atom": per_atom,
        "moment_muB_per_A3": None if label is None else label.per_A3(crystal.volume),
        "saturation_T": None if per_atom is None else saturation_T(per_atom, crystal.volume / crystal.n_sites),
        "ordering": None if label is None else label.ordering,
        "provenance": "" if label is None else label.provenance,
        "split": record.split,
        "source_file": record.source_file,
    }


def _chunks(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    chunk: list[dict[str, Any]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == ROWS_PER_GROUP:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _summary(rejected: list[Rejection]) -> str:
    return ", ".join(f"{n} × {reason}" for reason, n in Counter(r.reason.value for r in rejected).most_common(4))
