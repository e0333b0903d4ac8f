"""Choose the reading of a file's symmetry that agrees with its cell, its atoms, its formula, Z and density."""

from __future__ import annotations

from dataclasses import dataclass

import gemmi
import numpy as np
from numpy.typing import NDArray

from data.cif.formula_evidence import Evidence, Verdict
from data.cif.metric import fits_metric, metric_deviation
from data.cif.operations import OperationError, SymmetryGroup
from data.cif.special_positions import Orbits, SplitSiteError
from data.cif.split_sites import crowded, split_occupancies
from data.cif.symmetry_readings import Reading, Readings, readings
from data.cif.symmetry_sources import stated_symmetry

OVERLAP_A = 0.5  # Å; full sites nearer than this cannot both be there
SAME_PLACE_A = 0.01  # Å; between the atoms of two readings that are one crystal
_FULL = 0.999
_MOST_ATOMS = 20_000  # of a reading that is compared with the evidence
_NOTED_MOVE_A = 0.02  # Å; a site that was moved further onto its special position is noted


class SymmetryError(ValueError):
    """No reading of the symmetry agrees with the rest of the file; the message says what contradicts what."""


@dataclass(frozen=True)
class Symmetry:
    """The group to fill a cell with, and what was contradictory or had to be chosen, in words: empty for most files."""

    group: SymmetryGroup
    note: str = ""


def choose_symmetry(
    block: gemmi.cif.Block, small: gemmi.SmallStructure, listed: NDArray[np.float64], lattice: NDArray[np.float64]
) -> Symmetry:
    """The reading of a block's symmetry that agrees with everything else in it.

    Args:
        listed: (n, 3) fractional coordinates of the listed sites.
        lattice: (3, 3), Å, one lattice vector a row.

    Raises:
        SymmetryError: the symmetry is unknown, unreadable or contradictory.
    """
    try:
        found = readings(stated_symmetry(block))
    except OperationError as fault:
        raise SymmetryError(str(fault)) from fault
    first = found.tiers[0][0]
    if found.settled and fits_metric(first.group, lattice):
        note = f"symmetry: {found.contradiction}; the {first.source} used" if found.contradiction else ""
        return Symmetry(first.group, note)
    return _Choice(found, Evidence(block), _Sites(small, listed, lattice)).best()


def moved_note(small: gemmi.SmallStructure, moved: NDArray[np.float64] | None) -> str:
    """Which sites were moved far onto special positions, in words; empty for most crystals."""
    if moved is None or moved.max() <= _NOTED_MOVE_A:
        return ""
    far = [f"{site.label} {by:.2f} Å" for site, by in zip(small.sites, moved.tolist(), strict=True) if by > _NOTED_MOVE_A]
    return f"moved onto special positions: {', '.join(far)}"


class _Sites:
    """The listed sites of a file."""

    def __init__(self, small: gemmi.SmallStructure, listed: NDArray[np.float64], lattice: NDArray[np.float64]) -> None:
        self.listed, self.lattice = listed, lattice
        self.volume = float(abs(np.linalg.det(lattice)))
        self.elements = np.array([int(site.element.atomic_number) for site in small.sites], dtype=np.int64)
        self.occupancies = np.array([site.occ for site in small.sites])


class _CheckedReading:
    """One reading beside the cell and the atoms of the file.

    Attributes:
        obstacle: why the reading cannot be, in words; empty where it can.
        metric: whether the cell has the symmetry.
    """

    def __init__(self, reading: Reading, sites: _Sites, evidence: Evidence) -> None:
        self.reading, self.sites = reading, sites
        self.obstacle, self.verdict, self.atoms = "", Verdict.UNKNOWN, np.empty((0, 3))
        self.counts = ""
        self.metric = fits_metric(reading.group, sites.lattice)
        if not self.metric:
            self.obstacle = f"the cell is off by {metric_deviation(reading.group, sites.lattice):.1%}"
        elif len(reading.group) * len(sites.listed) > _MOST_ATOMS:
            self.obstacle = "too many atoms"
        else:
            self._fill(evidence)

    def _fill(self, evidence: Evidence) -> None:
        sites = self.sites
        try:
            orbits = Orbits(self.reading.group, sites.listed, sites.lattice)
        except SplitSiteError as fault:
            self.obstacle = str(fault)
            return
        self.atoms, self.numbers = orbits.frac, np.repeat(sites.elements, orbits.sizes)
        occupancies = split_occupancies(sites.listed, sites.occupancies, orbits, sites.lattice)
        self.verdict = evidence.verdict(sites.elements, orbits.sizes * occupancies, sites.volume)
        self.counts = f"{len(self.numbers)} atoms"
        if crowded(sites.occupancies, orbits, sites.lattice):
            self.obstacle = "atoms beside special positions"
        elif _overlap(orbits, sites):
            self.obstacle = "atoms on one another"

    def same_crystal(self, other: _CheckedReading) -> bool:
        """Whether both have the same atoms in the same places."""
        if not np.array_equal(np.sort(self.numbers), np.sort(other.numbers)):
            return False
        for place, number in zip(self.atoms, self.numbers, strict=True):
            shift = other.atoms[other.numbers == number] - place
            shift -= np.rint(shift)
            if np.linalg.norm(shift @ self.sites.lattice, axis=1).min() > SAME_PLACE_A:
                return False
        return True

    def __str__(self) -> str:
        words = (
            self.obstacle
            or {Verdict.CONTRADICTS: "another composition", Verdict.UNKNOWN: "possible", Verdict.FITS: "fits"}[self.verdict]
        )
        return f"{self.reading}: {', '.join(filter(None, (self.counts, words)))}"


def _overlap(orbits: Orbits, sites: _Sites) -> bool:
    """Whether full sites of different positions come to lie on one another."""
    owners = np.repeat(np.arange(len(orbits.sizes)), orbits.sizes)
    full = sites.occupancies >= _FULL
    others = orbits.frac[full[owners]]
    for place in orbits.listed[full]:
        shift = others - place
        shift -= np.rint(shift)
        if np.count_nonzero(np.linalg.norm(shift @ sites.lattice, axis=1) < OVERLAP_A) > 1:
            return True
    return False


class _Choice:
    """Search the tiers of readings for one that nothing contradicts."""

    def __init__(self, found: Readings, evidence: Evidence, sites: _Sites) -> None:
        self.found, self.evidence, self.sites = found, evidence, sites
        self.checked: list[list[_CheckedReading]] = []

    def best(self) -> Symmetry:
        for tier in self.found.tiers:
            checked = [_CheckedReading(reading, self.sites, self.evidence) for reading in tier]
            alive = _distinct(self._alive(checked))
            self.checked.append(checked)
            if len(alive) > 1:
                raise SymmetryError(self._undecided(alive))
            if alive:
                return self._taken(alive[0])
        left = _distinct([j for j in self.checked[0] if j.metric and not j.obstacle])
        if not left and len(self.checked[0]) == 1 and self.checked[0][0].metric:
            left = self.checked[0]  # the check of distances says what is wrong with it
        if len(left) == 1 and not self.found.proof:  # a formula alone does not exclude the only reading
            return self._taken(left[0])
        raise SymmetryError(self._nothing())

    def _alive(self, checked: list[_CheckedReading]) -> list[_CheckedReading]:
        possible = [j for j in checked if not j.obstacle]
        fitting = [j for j in possible if j.verdict is Verdict.FITS]
        earlier = any(not j.obstacle for tier in self.checked for j in tier)
        if fitting or self.found.proof or earlier:
            return fitting
        return [j for j in possible if j.verdict is Verdict.UNKNOWN]

    def _taken(self, chosen: _CheckedReading) -> Symmetry:
        found, reading = self.found, chosen.reading
        reason = f", which gives {self.evidence}" if chosen.verdict is Verdict.FITS else ""
        by_choice = len(self.checked) > 1 or sum(j.metric for j in self.checked[0]) > 1
        note = ""
        if found.contradiction:
            note = f"symmetry: {found.contradiction}; taken: {reading}{reason}"
        elif by_choice:
            note = f"symmetry: taken as {reading}{reason or ', which the cell allows'}"
        return Symmetry(reading.group, note)

    def _undecided(self, alive: list[_CheckedReading]) -> str:
        head = self.found.contradiction or "the setting is not stated"
        several = "; ".join(str(j) for j in alive[:4])
        verb = "does not decide" if self.evidence else "decides"
        return f"{head}, and {self.evidence} {verb} between {several}. Add the operations, or the origin to the symbol"

    def _nothing(self) -> str:
        tried = "; ".join(str(j) for tier in self.checked for j in tier[:3])
        head = f"{self.found.contradiction}; " if self.found.contradiction else ""
        return f"{head}no reading agrees with cell and formula ({self.evidence}): {tried}"


def _distinct(checked: list[_CheckedReading]) -> list[_CheckedReading]:
    """One of each crystal."""
    found: list[_CheckedReading] = []
    for candidate in checked:
        if not any(candidate.same_crystal(other) for other in found):
            found.append(candidate)
    return found
