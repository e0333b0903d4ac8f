"""Crystals whose moment is known, because they are in the snapshot that the model learned from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from data.crystal import Crystal
from data.snapshot import Snapshot
from data.symmetry import SymmetricCell, symmetrise
from pipeline.dedup.fingerprint import fingerprint
from pipeline.ops.parallel import map_in_order

Symmetrised = Callable[[float, list[Crystal]], list[SymmetricCell]]  # of a tolerance in Å, and crystals
CRYSTALS_PER_TASK = 512  # some tenths of a second


@dataclass(frozen=True)
class Known:
    """Rows of a snapshot. Entries k of all lists belong to one crystal. Labelled rows come first, so that they are preferred."""

    ids: list[str] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)  # µB/atom; NaN where a row has no label
    provenances: list[str] = field(default_factory=list)  # of the moments
    cells: list[SymmetricCell] = field(default_factory=list)
    fingerprints: list[str] = field(default_factory=list)


def known_crystals(
    snapshot: Snapshot, formulas: Iterable[str], symprec_A: float, workers: int, symmetrised: Symmetrised | None = None
) -> Known:
    """The snapshot's crystals that have a formula of the candidates; no other crystal can equal a candidate.

    Args:
        snapshot: the snapshot that the model learned from.
        formulas: reduced formulas of the candidates.
        symprec_A: tolerance of the symmetry search, Å.
        workers: number of processes.
        symmetrised: makes the primitive cells; None: `symmetrise`. It is pickled.
    """
    symmetrised = symmetrised or _symmetrised
    rows = sorted(snapshot.of_formulas(formulas), key=lambda row: (row[1] != row[1], row[0].id))
    crystals = [crystal for crystal, _, _ in rows]
    known = Known([c.id for c in crystals], [moment for _, moment, _ in rows], [said for _, _, said in rows])
    tasks = [crystals[k : k + CRYSTALS_PER_TASK] for k in range(0, len(crystals), CRYSTALS_PER_TASK)]
    for cells in map_in_order(partial(symmetrised, symprec_A), tasks, min(workers, len(tasks))):
        known.cells.extend(cells)
        known.fingerprints.extend(map(fingerprint, cells))
    return known


def _symmetrised(symprec_A: float, crystals: list[Crystal]) -> list[SymmetricCell]:
    return [symmetrise(crystal, symprec_A) for crystal in crystals]
