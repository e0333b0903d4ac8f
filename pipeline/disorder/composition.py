"""Whole numbers of atoms for fractional occupancies: which counts an approximant may have, and how approximants are weighted.

One cell of whole atoms cannot have most compositions. Several can, as a weighted mean: the counts of the approximants surround
the wanted composition, and the weights are chosen so that their mean is the wanted one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite, nan

import numpy as np
from numpy.typing import NDArray

from data.disordered import Occupants

Floats = NDArray[np.float64]
Counts = tuple[int, ...]  # atoms of each column of a Mixture
OFFSETS = (0.5, 0.125, 0.875, 0.3125, 0.6875, 0.03125, 0.96875, 0.21875, 0.78125, 0.40625, 0.59375)  # of the rounding
NEUTRAL = 0.01  # of the sum of all charges: within it a crystal is neutral on average, and its approximants should be
UNBALANCED = 0.5  # charges of a supercell; less comes from mean oxidation states such as Mn3.3+
_EVEN = 1e-3  # how much equal weights are preferred
_SUM = 1e3  # how strictly the weights sum to 1


@dataclass(frozen=True, eq=False)
class Mixture:
    """The species of every orbit of a supercell, one column each; an orbit's last column is its vacancies."""

    orbit: NDArray[np.int64]  # (columns,)
    number: NDArray[np.int64]  # (columns,) atomic number, 0 for vacancies
    charge: Floats  # (columns,) 0 for vacancies, NaN where unknown
    wanted: Floats  # (columns,) mean number of atoms
    neutral: bool  # whether the charges are known and cancel on average

    @classmethod
    def of(cls, occupants: tuple[Occupants, ...], places: NDArray[np.int64]) -> Mixture:
        """Of the occupants of each orbit and its places in the supercell."""
        rows = []
        for k, (here, n) in enumerate(zip(occupants, places.tolist(), strict=True)):
            filled = sum(s.occupancy for s in here)
            rows += [(k, s.number, nan if s.charge is None else s.charge, s.occupancy * n) for s in here]
            rows.append((k, 0, 0.0, max(1.0 - filled, 0.0) * n))
        orbit, number, charge, wanted = (np.array(column) for column in zip(*rows, strict=True))
        size = float(np.abs(charge * wanted).sum())
        known = isfinite(size) and size > 0
        neutral = bool(known and abs(float((charge * wanted).sum())) <= NEUTRAL * size)
        return cls(orbit, number, charge, wanted, neutral)

    def elements(self) -> tuple[NDArray[np.int64], Floats]:
        """Atomic numbers, and (elements, columns) which column holds which."""
        elements = np.unique(self.number[self.number > 0])
        return elements, (self.number[None, :] == elements[:, None]).astype(np.float64)

    def possible(self) -> list[Counts]:
        """Distinct counts next to the wanted ones: every orbit is full with its vacancies; neutral where the crystal is."""
        found = dict.fromkeys(self._neutralised(self._rounded(offset)) for offset in OFFSETS)
        return list(found)

    def roundings(self) -> list[Counts]:
        """The same without regard to charges; their mean comes as near to the wanted counts as is possible."""
        return list(dict.fromkeys(tuple(self._rounded(offset).tolist()) for offset in OFFSETS))

    def _rounded(self, offset: float) -> NDArray[np.int64]:
        """Vacancies come before the atoms of an orbit that is filled more than half, and of each second one that is half filled.
        Then, of two orbits that exclude each other (occupancies x and 1 - x), one has an atom more where the other has one less,
        instead of both more or both less."""
        places = np.bincount(self.orbit, weights=self.wanted)
        empty = np.bincount(self.orbit, weights=np.where(self.number == 0, self.wanted, 0.0)) - 0.5 * places
        half = np.abs(empty) <= 1e-6
        first = (self.number == 0) & np.where(half, np.cumsum(half) % 2 == 0, empty < 0)[self.orbit]
        order = np.lexsort((~first, self.orbit))
        counts = np.empty(len(order), dtype=np.int64)
        counts[order] = _rounded(self.wanted[order], offset)
        return counts

    def _neutralised(self, counts: NDArray[np.int64]) -> Counts:
        """Exchange atoms within orbits, by one beyond the rounded counts at most, while that lessens the total charge."""
        low = np.maximum(np.floor(self.wanted + 1e-9) - 1, 0)
        high = np.where(self.wanted > 1e-9, np.ceil(self.wanted - 1e-9) + 1, 0)
        while self.neutral:
            total = float(self.charge @ counts)
            best, move = abs(total), None
            for a in np.flatnonzero(counts > low).tolist():
                for b in np.flatnonzero((counts < high) & (self.orbit == self.orbit[a])).tolist():
                    if abs(total - self.charge[a] + self.charge[b]) < best - 1e-6:
                        best, move = abs(total - self.charge[a] + self.charge[b]), (a, b)
            if move is None:
                break
            counts[move[0]] -= 1
            counts[move[1]] += 1
        return tuple(counts.tolist())


@dataclass(frozen=True, eq=False)
class Plan:
    """Which counts the approximants have, in order of need."""

    counts: list[Counts]  # distinct
    weights: Floats  # of these
    error: float  # of the composition of the weighted mean: sum of the differences of atomic fractions
    misplaced: float  # the same with the atoms of each orbit told apart: 0.04 where 2 % of the atoms are on another orbit
    charged: bool = False  # whether the charges are known to cancel on average, but not in each of these

    def sequence(self, length: int) -> list[int]:
        """Indices into `counts`: each once, then again where the weight for each use is largest."""
        used = np.zeros(len(self.counts))
        order = []
        for _ in range(length):
            fresh = np.flatnonzero(used == 0)
            k = int(fresh[0]) if len(fresh) else int(np.argmax(self.weights / (used + 1)))
            used[k] += 1
            order.append(k)
        return order

    def shares(self, sequence: list[int]) -> Floats:
        """(approximants,) weights by number of cells of a sequence that has each of the counts at least once."""
        used = np.bincount(sequence, minlength=len(self.counts))
        return (self.weights / used)[sequence]


def plan(mixture: Mixture, most: int, tolerance: float, most_for_places: int) -> Plan:
    """The fewest counts whose weighted mean has the wanted composition within the tolerance; neutral ones if these suffice.

    More are taken until the mean has the wanted atoms on each orbit, too: the composition of a spinel says nothing of how many
    of its atoms are on tetrahedral places, which decides its net moment.

    Args:
        mixture: the species of the supercell.
        most: number of counts.
        tolerance: sum of the differences of atomic fractions, of elements and of elements on each orbit.
        most_for_places: number of counts beyond which none are added for the atoms on each orbit.
    """
    found = _nearest(mixture, mixture.possible(), most, tolerance, most_for_places)
    if found.error > tolerance and mixture.neutral:
        found = _nearest(mixture, mixture.roundings(), most, tolerance, most_for_places)
    charged = mixture.neutral and bool((np.abs(np.array(found.counts) @ mixture.charge) > UNBALANCED).any())
    return replace(found, charged=charged)


def _nearest(mixture: Mixture, pool: list[Counts], most: int, tolerance: float, most_for_places: int) -> Plan:
    """Take counts one by one, each the one that leads furthest towards the wanted ones (Frank and Wolfe's step)."""
    table = np.array(pool, dtype=np.float64)
    taken = [int(np.argmin(np.abs(table - mixture.wanted).sum(axis=1)))]
    best = found = _mixed(mixture, table[taken], np.ones(1))
    while found.error > tolerance or (found.misplaced > tolerance and len(taken) < most_for_places):
        mean = found.weights @ table[taken]
        gain = (table - mean) @ (mixture.wanted - mean)
        gain[taken] = -np.inf
        if len(taken) == min(most, len(pool)) or gain.max() <= 1e-9:
            break
        taken.append(int(gain.argmax()))
        found = _mixed(mixture, table[taken], _weights(table[taken], mixture.wanted))
        best = min(best, found, key=lambda one: (max(one.error, tolerance), one.misplaced))
    kept = np.flatnonzero(best.weights > 1e-6)
    return replace(best, counts=[best.counts[k] for k in kept.tolist()], weights=best.weights[kept] / best.weights[kept].sum())


def _weights(counts: Floats, wanted: Floats) -> Floats:
    """Weights that sum to 1 and give the wanted mean, as nearly equal as that allows."""
    from scipy.optimize import nnls  # late: few crystals are disordered

    n = len(counts)
    matrix = np.concatenate([counts.T, np.full((1, n), _SUM), _EVEN * np.eye(n)])
    found, _ = nnls(matrix, np.concatenate([wanted, [_SUM], np.full(n, _EVEN / n)]))
    weights: Floats = found / found.sum()
    return weights


def _mixed(mixture: Mixture, counts: Floats, weights: Floats) -> Plan:
    """These counts with these weights, and how far their mean is from the wanted one."""
    _, holds = mixture.elements()
    atoms = mixture.number > 0
    made, total = (weights @ counts)[atoms], float(mixture.wanted[atoms].sum())
    away = made / max(made.sum(), 1e-9) - mixture.wanted[atoms] / total
    rows = [tuple(row) for row in counts.astype(np.int64).tolist()]
    return Plan(rows, weights, float(np.abs(holds[:, atoms] @ away).sum()), float(np.abs(away).sum()))


def _rounded(wanted: Floats, offset: float) -> NDArray[np.int64]:
    """Systematic rounding: the mean over all offsets is exact, and sums that are whole numbers stay what they are."""
    ends = np.floor(np.round(np.cumsum(wanted), 7) + offset + 1e-9)
    return np.diff(np.concatenate([[np.floor(offset)], ends])).astype(np.int64)
