"""Which snapshot a training reads where none is named."""

from __future__ import annotations

import pyarrow.compute as pc

from data.errors import UserError
from data.snapshot import Snapshot, list_snapshots, open_snapshot
from data.sources.parquet import SUM_OF_SITES
from pipeline.settings import Settings


def newest_with_labels(where: Settings, identifier: str | None = None) -> Snapshot:
    """A snapshot by its id, or the newest whose labels are total moments of a calculation.

    A table of site moments has labels, too, but they are sums over atoms, which leave out the moment between the atoms. Such a
    snapshot is read only where no other has labels.

    Args:
        where: the home.
        identifier: the id or its beginning; None: the newest.

    Raises:
        UserError: there is no snapshot, none with labels, or no single one of this id.
    """
    if identifier is not None:
        return open_snapshot(where.snapshots, identifier)
    newest = open_snapshot(where.snapshots)
    labelled = [snapshot for snapshot in reversed(list_snapshots(where.snapshots)) if snapshot.manifest["labelled"]]
    if not labelled:
        raise no_labels(newest)
    return next((snapshot for snapshot in labelled if not _of_site_sums(snapshot)), labelled[0])


def no_labels(snapshot: Snapshot) -> UserError:
    """What is raised where a snapshot has no label that a training or an evaluation could read."""
    return UserError(f"snapshot {snapshot.id} holds no moment to learn from; refresh from a labelled source")


def newest_with_site_moments(where: Settings, identifier: str | None = None) -> Snapshot:
    """A snapshot by its id, or the newest that has site moments.

    Raises:
        UserError: there is none.
    """
    if identifier is not None:
        return open_snapshot(where.snapshots, identifier)
    found = [snapshot for snapshot in list_snapshots(where.snapshots) if snapshot.has_site_moments]
    if not found:
        raise UserError(
            "no snapshot holds site moments yet: refresh from a table with a column site_magmoms_muB first "
            "(`ferroscreen refresh --source parquet:TABLE`)"
        )
    return found[-1]


def _of_site_sums(snapshot: Snapshot) -> bool:
    """Whether every label is a sum of site moments."""
    if not snapshot.has_site_moments:
        return False
    table = snapshot.table(["moment_muB_per_atom", "provenance"])
    provenance = table.filter(pc.is_valid(table["moment_muB_per_atom"]))["provenance"]
    return bool(pc.all(pc.equal(provenance, SUM_OF_SITES)).as_py())
