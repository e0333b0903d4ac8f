"""Compares crystals with the same fingerprint, by pymatgen's StructureMatcher."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from data.crystal import cell_volume
from data.symmetry import SymmetricCell
from pipeline.dedup.superpose import superposed

if TYPE_CHECKING:
    from pymatgen.core import Structure
    from pymatgen.core.structure_matcher import StructureMatcher

# Relative length, displacement by the cube root of the volume per atom, and angle. StructureMatcher's own defaults (0.2, 0.3, 5°)
# are made for crystals of unknown symmetry: among crystals with one fingerprint they would accept a shift of 0.4 Å of the anions
# of wurtzite MnS.
LENGTHS, SITES, ANGLES_DEG = 0.1, 0.1, 3.0
MAX_LOG_VOLUME = 0.1  # 10 % per atom: more than the difference of two DFT functionals, less than that of high and low spin


@dataclass(frozen=True)
class Bucket:
    """Crystals with one fingerprint.

    Of equal `candidates`, the first is the original. The `known` crystals are in order of preference. `fits` has what
    StructureMatcher said before of pairs, by their places in candidates + known.
    """

    candidates: list[SymmetricCell]
    known: list[SymmetricCell] = field(default_factory=list)
    fits: Mapping[tuple[int, int], bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Matched:
    """For each candidate of a bucket, the index of the crystal that it equals; None if there is none."""

    first: list[int | None]  # an earlier candidate
    known: list[int | None]
    compared: bool = True
    fits: dict[tuple[int, int], bool] = field(default_factory=dict, compare=False)  # StructureMatcher's of pairs, new or not


class Reduced:
    """A primitive cell, prepared for many comparisons."""

    def __init__(self, cell: SymmetricCell) -> None:
        self.cell = cell
        self.log_volume = math.log(cell_volume(cell.lattice) / len(cell.numbers))

    @cached_property
    def structure(self) -> Structure:
        """The Niggli-reduced structure, sorted by element."""
        from pymatgen.core import Lattice, Structure

        order = self.cell.numbers.argsort(kind="stable")
        whole = Structure(Lattice(self.cell.lattice), self.cell.numbers[order].tolist(), self.cell.frac[order])
        return whole.get_reduced_structure("niggli")

    def fits(self, other: Reduced) -> bool:
        """StructureMatcher's answer, which takes milliseconds to seconds."""
        return bool(_matcher().fit(self.structure, other.structure, skip_structure_reduction=True))

    def may_be(self, other: Reduced) -> bool:
        """Whether number of sites and volume per atom (MAX_LOG_VOLUME) allow that both are the same crystal, which is equal up to
        volume, strain and shifts of sites within the tolerances."""
        return abs(self.log_volume - other.log_volume) <= MAX_LOG_VOLUME and len(self.cell.numbers) == len(other.cell.numbers)


class _Comparisons:
    """Of the crystals of a bucket, by their places in candidates + known."""

    def __init__(self, bucket: Bucket) -> None:
        self.cells = [Reduced(cell) for cell in (*bucket.candidates, *bucket.known)]
        self.before, self.made = bucket.fits, dict[tuple[int, int], bool]()

    def first_equal(self, k: int, others: Iterable[int]) -> int | None:
        """The first of `others` whose cell superposes with that of k; where there is none, the first that StructureMatcher calls
        the same. Of ten descriptions each of two crystals with one fingerprint, it is asked of one pair instead of ten."""
        near = [j for j in others if self.cells[j].may_be(self.cells[k])]
        seen_at_once = (j for j in near if superposed(self.cells[j].cell, self.cells[k].cell))
        found = next(seen_at_once, None)
        return next((j for j in near if self._fit(j, k)), None) if found is None else found

    def _fit(self, j: int, k: int) -> bool:
        said = self.before.get((j, k))
        self.made[j, k] = self.cells[j].fits(self.cells[k]) if said is None else said
        return self.made[j, k]


def match_bucket(bucket: Bucket) -> Matched:
    """Compare each candidate with the earlier originals and with the known crystals, those of the nearest volume first."""
    n, pairs = len(bucket.candidates), _Comparisons(bucket)
    first: list[int | None] = []
    for k in range(n):
        first.append(pairs.first_equal(k, (j for j in range(k) if first[j] is None)))
    found: list[int | None] = []
    for k in range(n):
        volume = pairs.cells[k].log_volume
        near = sorted(range(n, len(pairs.cells)), key=lambda j: abs(pairs.cells[j].log_volume - volume))
        equal = pairs.first_equal(k, near)
        found.append(None if equal is None else equal - n)
    return Matched(first, found, fits=pairs.made)


def nothing_matched(bucket: Bucket) -> Matched:
    """The result for a bucket whose comparison failed: no candidate is called a duplicate without a comparison."""
    none: list[int | None] = [None] * len(bucket.candidates)
    return Matched(none, list(none), compared=False)


@lru_cache(maxsize=1)
def _matcher() -> StructureMatcher:
    from pymatgen.core.structure_matcher import ElementComparator, StructureMatcher

    return StructureMatcher(LENGTHS, SITES, ANGLES_DEG, primitive_cell=False, comparator=ElementComparator())
