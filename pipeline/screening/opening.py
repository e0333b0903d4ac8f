"""From what a person or a schedule names to the candidates: paths, or `mp`."""

from __future__ import annotations

from pathlib import Path

from data.cif.disorder import Disorder
from data.errors import UserError
from data.snapshot import list_snapshots, open_snapshot
from data.sources import Source
from data.sources.cif_folder import MAX_FILE_MB
from data.sources.icsd.table import ANY_ENTRY, IcsdFilter
from data.sources.materials_project.state import DOCUMENTS_FILE
from data.sources.opening import candidate_source
from data.sources.parquet import Columns
from pipeline.settings import Settings

PULLED = Path("mp")


def open_candidates(
    paths: list[Path], columns: Columns, where: Settings, max_file_mb: float = MAX_FILE_MB,
    disorder: Disorder = Disorder.REJECT, icsd: IcsdFilter = ANY_ENTRY,
) -> Source:  # fmt: skip
    """`candidate_source`; `mp`, unless there is such a file, stands for the newest snapshot of the Materials Project.

    Raises:
        UserError: there is no such snapshot, or what `candidate_source` raises.
    """
    found = [_newest(where.snapshots) if path == PULLED and not path.exists() else path for path in paths]
    return candidate_source(found, columns, max_file_mb, disorder, icsd)


def _newest(snapshots: Path) -> Path:
    for snapshot in reversed(list_snapshots(snapshots)):
        if (snapshot.folder / DOCUMENTS_FILE).is_file():
            return open_snapshot(snapshots, snapshot.id).folder
    raise UserError("there is no snapshot of the Materials Project yet; `ferroscreen refresh --source mp` pulls one")
