"""Whether crystals of one fingerprint are the same, by pymatgen's StructureMatcher."""

from __future__ import annotations

import math
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
# are made for crystals of unknown symmetry: among those of one fingerprint they would let the anions of wurtzite MnS go 0.4 Å.
LENGTHS, SITES, ANGLES_DEG = 0.1, 0.1, 3.0
MAX_LOG_VOLUME = 0.1  # 10 % per atom: more than between two DFT functionals, less than between high and low spin


@dataclass(frozen=True)
class Bucket:
    """Crystals of one fingerprint: `candidates` in the order in which the first becomes the one that others duplicate, and
    `known` ones, the preferred first."""

    candidates: list[SymmetricCell]
    known: list[SymmetricCell] = field(default_factory=list)


@dataclass(frozen=True)
class Matched:
    """For each candidate of a bucket, the place of what it equals; None where it equals nothing."""

    first: list[int | None]  # an earlier candidate
    known: list[int | None]
    compared: bool = True


class Reduced:
    """A primitive cell made ready for many comparisons."""

    def __init__(self, cell: SymmetricCell) -> None:
        self.cell = cell
        self.log_volume = math.log(cell_volume(cell.lattice) / len(cell.numbers))

    @cached_property
    def structure(self) -> Structure:
        """Niggli-reduced, the sites of an element together."""
        from pymatgen.core import Lattice, Structure

        order = self.cell.numbers.argsort(kind="stable")
        whole = Structure(Lattice(self.cell.lattice), self.cell.numbers[order].tolist(), self.cell.frac[order])
        return whole.get_reduced_structure("niggli")

    def same(self, other: Reduced) -> bool:
        """Equal but for volume (within MAX_LOG_VOLUME per atom), strain and shifts of the sites within the tolerances."""
        if abs(self.log_volume - other.log_volume) > MAX_LOG_VOLUME or len(self.cell.numbers) != len(other.cell.numbers):
            return False
        if superposed(self.cell, other.cell):
            return True
        return bool(_matcher().fit(self.structure, other.structure, skip_structure_reduction=True))


def match_bucket(bucket: Bucket) -> Matched:
    """Compare each candidate with the earlier ones that equal nothing, and with the known ones, nearest volume first."""
    candidates, known = [Reduced(c) for c in bucket.candidates], [Reduced(c) for c in bucket.known]
    first: list[int | None] = []
    for k, candidate in enumerate(candidates):
        firsts = (j for j in range(k) if first[j] is None)
        first.append(next((j for j in firsts if candidates[j].same(candidate)), None))
    found: list[int | None] = []
    for candidate in candidates:
        near = sorted(range(len(known)), key=lambda j: abs(known[j].log_volume - candidate.log_volume))
        found.append(next((j for j in near if known[j].same(candidate)), None))
    return Matched(first, found)


def nothing_matched(bucket: Bucket) -> Matched:
    """For a bucket whose comparison was lost: nobody is called a duplicate that was not compared."""
    none: list[int | None] = [None] * len(bucket.candidates)
    return Matched(none, list(none), compared=False)


@lru_cache(maxsize=1)
def _matcher() -> StructureMatcher:
    from pymatgen.core.structure_matcher import ElementComparator, StructureMatcher

    return StructureMatcher(LENGTHS, SITES, ANGLES_DEG, primitive_cell=False, comparator=ElementComparator())
