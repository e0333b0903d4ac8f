"""Finds crystals that a data set holds twice, in any cell, origin, orientation or order of sites."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from data.crystal import Crystal
from data.symmetry import SymmetricCell, symmetrise
from pipeline.dedup.duplicates import SECONDS_PER_BUCKET
from pipeline.dedup.fingerprint import fingerprint
from pipeline.dedup.matching import Bucket, match_bucket
from pipeline.ops.parallel import map_in_order

CRYSTALS_PER_TASK = 256
Numbered = list[tuple[int, Crystal]]  # row and crystal


@dataclass(frozen=True, slots=True)
class Repeat:
    """A crystal that is the same as an earlier one, by row number."""

    row: int
    of: int
    volume_ratio: float  # of the volumes per atom, this one to the earlier one


@dataclass(frozen=True)
class Repeats:
    """Repeated crystals in the order of their rows, and how many could not be compared in time."""

    found: list[Repeat] = field(default_factory=list)
    not_compared: int = 0


def find_repeats(crystals: Iterable[tuple[int, Crystal]], workers: int) -> Repeats:
    """Compare all crystals that share formula, space group and orbits (`pipeline.dedup`).

    Args:
        crystals: row and crystal; one whose formula is its alone may be left out.
        workers: processes.
    """
    groups: dict[str, Numbered] = defaultdict(list)
    for row, crystal in crystals:
        groups[crystal.formula].append((row, crystal))
    parts = list(map_in_order(_compare, _tasks(groups), workers, _not_compared, SECONDS_PER_BUCKET))
    found = sorted((repeat for part in parts for repeat in part.found), key=lambda repeat: repeat.row)
    return Repeats(found, sum(part.not_compared for part in parts))


def repeated(formulas: Iterable[str]) -> set[str]:
    """Those that occur more than once."""
    return {formula for formula, n in Counter(formulas).items() if n > 1}


def _tasks(groups: dict[str, Numbered]) -> Iterator[Numbered]:
    """Whole formulas together, some hundred crystals at a time."""
    task: Numbered = []
    for group in groups.values():
        task += group
        if len(task) >= CRYSTALS_PER_TASK:
            yield task
            task = []
    if task:
        yield task


def _compare(task: Numbered) -> Repeats:
    buckets: dict[tuple[str, str], list[tuple[int, float, SymmetricCell]]] = defaultdict(list)
    for row, crystal in task:
        cell = symmetrise(crystal)
        buckets[crystal.formula, fingerprint(cell)].append((row, crystal.volume / crystal.n_sites, cell))
    found = []
    for bucket in buckets.values():
        for (row, volume, _), first in zip(bucket, match_bucket(Bucket([cell for *_, cell in bucket])).first, strict=True):
            if first is not None:
                of, volume_of, _ = bucket[first]
                found.append(Repeat(row, of, volume / volume_of))
    return Repeats(found)


def _not_compared(task: Numbered) -> Repeats:
    return Repeats(not_compared=len(task))
