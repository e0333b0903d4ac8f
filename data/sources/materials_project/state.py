"""What a snapshot of the Materials Project holds besides its crystals: the next refresh starts from here alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from data import schema
from data.sources.materials_project.documents import Document
from data.sources.materials_project.identity import other_forms

DOCUMENTS_FILE = "documents.parquet"
TOMBSTONES_FILE = "tombstones.parquet"
ALIASES_FILE = "aliases.parquet"
ROWS_PER_GROUP = 4096


@dataclass(frozen=True, slots=True, order=True)
class Tombstone:
    """A material that was there once."""

    material_id: str
    reason: str  # deprecated, or vanished
    database_version: str  # the release that no longer had it


def write_documents(path: Path, documents: Iterable[Document]) -> int:
    """A table of documents in the order given; returns how many."""
    count = 0
    with pq.ParquetWriter(path, schema.DOCUMENTS, compression="zstd") as writer:
        group: list[dict[str, str]] = []
        for document in documents:
            group.append({"material_id": document.material_id, "sent_id": document.sent_id, "document": document.text})
            count += 1
            if len(group) == ROWS_PER_GROUP:
                writer.write_table(pa.Table.from_pylist(group, schema=schema.DOCUMENTS))
                group = []
        writer.write_table(pa.Table.from_pylist(group, schema=schema.DOCUMENTS))
    return count


def read_documents(path: Path, start: int = 0, stop: int | None = None) -> Iterator[Document]:
    """The documents of rows start..stop; `start` on the border of a row group.

    Args:
        path: the file of documents.
        start: first document.
        stop: the document after the last one; None: to the end.
    """
    with pq.ParquetFile(path) as file:
        row = 0
        for group in range(file.num_row_groups):
            size = file.metadata.row_group(group).num_rows
            if row + size > start and (stop is None or row < stop):
                skipped = max(0, start - row)
                table = file.read_row_group(group).slice(skipped, None if stop is None else max(0, stop - row - skipped))
                for batch in table.to_batches():
                    columns = [batch.column(name).to_pylist() for name in ("material_id", "sent_id", "document")]
                    yield from map(Document, *columns)
            row += size


def write_tombstones(path: Path, tombstones: Iterable[Tombstone]) -> None:
    rows = [asdict(tombstone) for tombstone in sorted(tombstones)]
    pq.write_table(pa.Table.from_pylist(rows, schema=schema.TOMBSTONES), path, compression="zstd")


def read_tombstones(path: Path) -> list[Tombstone]:
    """Nothing where the snapshot keeps none."""
    return [Tombstone(**row) for row in pq.read_table(path).to_pylist()] if path.is_file() else []


def write_aliases(path: Path, documents: Iterable[Document]) -> None:
    """Every other way to write the ids of the documents."""
    rows = {(alias, d.material_id) for d in documents for alias in other_forms(d.sent_id)}
    table = [{"alias": alias, "material_id": material_id} for alias, material_id in sorted(rows)]
    pq.write_table(pa.Table.from_pylist(table, schema=schema.ALIASES), path, compression="zstd")
