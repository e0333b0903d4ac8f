"""Crystals whose moment is known already, because the model's snapshot holds them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial

from data.crystal import Crystal
from data.snapshot import Snapshot
from data.symmetry import SymmetricCell, symmetrise
from pipeline.dedup.fingerprint import fingerprint
from pipeline.ops.parallel import map_in_order

CRYSTALS_PER_TASK = 512  # some tenths of a second


@dataclass(frozen=True)
class Known:
    """Rows of a snapshot; entries of the lists correspond. Labelled rows come first, so that they are preferred."""

    ids: list[str] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)  # µB/atom; NaN where a row has no label
    provenances: list[str] = field(default_factory=list)  # what these come from
    cells: list[SymmetricCell] = field(default_factory=list)
    fingerprints: list[str] = field(default_factory=list)


def known_crystals(snapshot: Snapshot, formulas: Iterable[str], symprec_A: float, workers: int) -> Known:
    """The snapshot's crystals that have one of these formulas: no other can equal a candidate, so no other is looked at."""
    rows = sorted(snapshot.of_formulas(formulas), key=lambda row: (row[1] != row[1], row[0].id))
    crystals = [crystal for crystal, _, _ in rows]
    known = Known([c.id for c in crystals], [moment for _, moment, _ in rows], [said for _, _, said in rows])
    tasks = [crystals[k : k + CRYSTALS_PER_TASK] for k in range(0, len(crystals), CRYSTALS_PER_TASK)]
    for cells in map_in_order(partial(_symmetrised, symprec_A), tasks, min(workers, len(tasks))):
        known.cells.extend(cells)
        known.fingerprints.extend(map(fingerprint, cells))
    return known


def _symmetrised(symprec_A: float, crystals: list[Crystal]) -> list[SymmetricCell]:
    return [symmetrise(crystal, symprec_A) for crystal in crystals]
