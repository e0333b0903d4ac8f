"""Ordered approximants of a disordered crystal: small supercells whose weighted mean has its composition."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from data.checks import Unsound, check_distances
from data.crystal import Crystal, CrystalError, make_crystal
from data.disordered import DisorderedCrystal, is_ordered
from data.rejection import Reason
from data.symmetry import SYMPREC_A, SymmetricCell
from pipeline.disorder.average_sublattices import salt_sublattices
from pipeline.disorder.averaged_cell import AveragedCell, averaged_cell
from pipeline.disorder.composition import Mixture, Plan, plan
from pipeline.disorder.decorations import Decorations, PairCorrelations, random_decorations
from pipeline.disorder.places import Places, supercell_places
from pipeline.disorder.supercells import LARGEST as MOST_CELLS
from pipeline.disorder.supercells import compact_supercell

APPROXIMANT_CODE = "approximants-7"  # raise it whenever the same crystal would give other approximants, or another number


@dataclass(frozen=True)
class ApproximantSettings:
    """How approximants are made.

    Attributes:
        most: approximants of a crystal.
        fewest: approximants before the mean can count as settled; one, where already these have more atoms than `in_all`.
        sites: atoms of an approximant that are aimed at.
        most_sites: atoms of a supercell; a primitive cell may have more.
        in_all: atoms of all approximants of a crystal together; more only if the composition needs them.
        composition: sum of the differences of atomic fractions between the weighted mean and the crystal; within `in_all` the
            same holds of the atoms of each orbit.
        seed: of the random decorations.
    """

    most: int = 8
    fewest: int = 2
    sites: int = 16
    most_sites: int = 64
    in_all: int = 256
    composition: float = 0.005
    seed: int = 20_260_101


DEFAULT = ApproximantSettings()
ACCEPTED = 0.01  # of the composition: what differs more is rejected


class Approximants:
    """The approximants of one crystal, made one by one, always the same and in the same order.

    Args:
        crystal: the disordered crystal.
        settings: how many, how large.
        symprec_A: tolerance of the symmetry search, Å.

    Raises:
        Unsound: PARTIAL_OCCUPANCY where no set of the allowed size has the composition.
    """

    def __init__(self, crystal: DisorderedCrystal, settings: ApproximantSettings = DEFAULT, symprec_A: float = SYMPREC_A) -> None:
        self.crystal, self.settings = crystal, settings
        self.cell: AveragedCell = averaged_cell(crystal, symprec_A)
        self.size, self.mixture, self.plan = _supercell(self.cell, settings)
        if self.plan.error > ACCEPTED:
            detail = f"{settings.most} ordered cells of at most {settings.most_sites} sites have its composition only to "
            raise Unsound(Reason.PARTIAL_OCCUPANCY, f"{detail}{self.plan.error:.1%} ({crystal.occupancies})"[:400])
        atoms = max(float(self.mixture.wanted[self.mixture.number > 0].sum()), 1.0)
        fewest = settings.fewest if settings.fewest * atoms <= settings.in_all else 1  # a large cell averages over itself
        self.first = len(self.plan.counts)  # as many as have the composition
        self.fewest = max(fewest, self.first)
        self.most = min(settings.most, max(self.fewest, int(settings.in_all // atoms)))
        self.sequence = self.plan.sequence(self.most)
        self._made = self._generate()
        self.crystals: list[Crystal] = []
        self._orbits: list[NDArray[np.int64]] = []  # of the average, of each atom of these

    def make(self, number: int) -> list[Crystal]:
        """The first approximants, up to this number; fewer where no more can be made, which lowers `most`.

        Raises:
            Unsound: too few for the composition can be filled without atoms on one another.
        """
        while len(self.crystals) < min(number, self.most):
            try:
                self.crystals.append(next(self._made))
            except Unsound:
                if len(self.crystals) < self.first:
                    raise
                self.most = len(self.crystals)
        return self.crystals[:number]

    def weights(self, number: int) -> NDArray[np.float64]:
        """(number,) weight of each atom of the first approximants: their mean has the composition of the crystal."""
        cells = self.plan.shares(self.sequence[:number])
        atoms = np.array([crystal.n_sites for crystal in self.crystals[:number]])
        weights: NDArray[np.float64] = cells * atoms / (cells @ atoms)
        return weights

    def strata(self, number: int) -> NDArray[np.int64]:
        """(number,) of each of the first approximants: equal for those of equal numbers of atoms on each orbit."""
        return np.array(self.sequence[:number])

    def as_salt(self, k: int) -> SymmetricCell:
        """The approximant of this index, which was made, with the sublattices of the average in place of its own orbits."""
        crystal = self.crystals[k]
        orbit = self._sublattices[self._orbits[k]]
        return SymmetricCell(crystal.lattice, crystal.frac, crystal.numbers, orbit, 1, False)

    @cached_property
    def _sublattices(self) -> NDArray[np.int64]:
        """(orbits of the average,) those of one sublattice have one number."""
        return salt_sublattices(self.cell)

    @cached_property
    def places(self) -> Places:
        """The supercell."""
        return supercell_places(self.cell, compact_supercell(self.cell.lattice, self.size))

    def _generate(self) -> Iterator[Crystal]:
        rng = np.random.default_rng(self.settings.seed)
        correlations = PairCorrelations(self.places, self.mixture)
        drawn: dict[int, Decorations] = {}
        for number, k in enumerate(self.sequence, start=1):
            if k not in drawn or not len(drawn[k]):
                drawn[k] = random_decorations(self.places, self.mixture, self.plan.counts[k], rng)
            best = self._first_sound(drawn[k][correlations.ranked(drawn[k])], number)
            correlations.take(best[0])
            drawn[k] = drawn[k][(drawn[k] != best[0]).any(axis=1)]
            self._orbits.append(self.places.orbit[self._numbers(best[0]) > 0])
            yield best[1]

    def _first_sound(self, ranked: Decorations, number: int) -> tuple[NDArray[np.int64], Crystal]:
        fault: Unsound | None = None
        for decoration in ranked[:_TRIED]:
            try:
                crystal = self._crystal(decoration, number)
                check_distances(crystal)
                return decoration, crystal
            except (Unsound, CrystalError) as found:
                fault = found if isinstance(found, Unsound) else Unsound(Reason.NO_SITES, str(found))
        assert fault is not None
        detail = f"its partly occupied sites cannot be filled as stated: {fault.detail} in every arrangement that was tried"
        raise Unsound(Reason.PARTIAL_OCCUPANCY, detail) from fault

    def _crystal(self, decoration: NDArray[np.int64], number: int) -> Crystal:
        """The atoms of one decoration, in the order of the places."""
        numbers = self._numbers(decoration)
        here = numbers > 0
        return make_crystal(f"{self.crystal.id}~{number}", self.places.lattice, self.places.frac[here], numbers[here])

    def _numbers(self, decoration: NDArray[np.int64]) -> NDArray[np.int64]:
        """(places,) atomic numbers, 0 where a place is vacant."""
        fixed = np.array([o[0].number if is_ordered(o) else 0 for o in self.cell.occupants])
        numbers: NDArray[np.int64] = fixed[self.places.orbit]
        numbers[self.places.open] = self.mixture.number[decoration]
        return numbers


_CHARGED = 4.0  # how many times more atoms neutral approximants may have than charged ones
_TRIED = 4  # decorations, before a crystal counts as one that cannot be filled


def _supercell(cell: AveragedCell, settings: ApproximantSettings) -> tuple[int, Mixture, Plan]:
    """Cells of the supercell, its species, and the counts of its approximants: of the sizes about the one that is aimed at, the
    one that needs the fewest atoms in all."""
    places = np.bincount(cell.orbit)
    filled = np.array([sum(s.occupancy for s in o) for o in cell.occupants])
    atoms = float(filled @ places)
    largest = min(max(int(settings.most_sites / max(places.sum(), atoms)), 1), MOST_CELLS)
    least = min(max(-(-settings.sites // max(round(atoms), 1)), 1), largest)
    best: tuple[float, int, Mixture, Plan] | None = None
    for size in range(least, largest + 1):
        enough = size >= min(2 * least, largest)
        mixture = Mixture.of(cell.occupants, places * size)
        found = plan(mixture, settings.most, settings.composition, int(settings.in_all // max(size * atoms, 1.0)))
        cost = max(len(found.counts), settings.fewest) * size * atoms * (_CHARGED if found.charged else 1.0)
        cost += 1e9 * found.error if found.error > settings.composition else 0.0
        if best is None or cost < best[0]:
            best = (cost, size, mixture, found)
        good = best[3].error <= settings.composition and not best[3].charged
        if good and (enough or len(best[3].counts) <= settings.fewest):
            break
    assert best is not None
    return best[1], best[2], best[3]
