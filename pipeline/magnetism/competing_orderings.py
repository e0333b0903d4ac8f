"""Collinear magnetic orderings that compete with ferromagnetism, the likeliest first: which calculations to make.

All orderings that the crystal's small cells allow (pipeline/magnetism/enumerate_orderings.py) are ranked by trees that learned
from calculations which of them a crystal has (models/ordering/order_ranker.py). A crystal with too many spins for that has the
textbook's families (pipeline/magnetism/textbook_orderings.py), the most antiparallel first. pymatgen's
MagneticStructureEnumerator finds such orderings, too, but needs the enumlib program, which pip cannot install. Orderings with
longer periods, canted or spiral ones are not among them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from data.symmetry import SymmetricCell
from models.ordering.order_ranker import order_features
from pipeline.magnetism.canonical_cell import CanonicalCell, canonical_cell
from pipeline.magnetism.enumerate_orderings import Orderings, enumerate_orderings, sublattice_basis, wave_vector_group
from pipeline.magnetism.magnetic_cell import MagneticCell, enlarge
from pipeline.magnetism.starting_moments import start_moments
from pipeline.magnetism.textbook_orderings import UNCHANGED, families
from pipeline.registry.order_models import order_ranker

if TYPE_CHECKING:
    from pymatgen.core import Structure

MAX_ORDERINGS = 6  # the ferromagnet among them: each costs a calculation
MAX_SITES = 160  # an enlarged cell with more is left out
NEAR = 1.15  # magnetic neighbours up to this multiple of a site's nearest one count as nearest

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ordering:
    """A crystal with a moment on each site."""

    name: str  # fit for a folder: fm, a family's name, or afm-x2-1; an afm compensates by symmetry
    structure: Structure  # with the site property `magmom` in µB

    @property
    def moments(self) -> Floats:
        """(n,) µB."""
        return np.array([float(m) for m in self.structure.site_properties["magmom"]])

    @property
    def total(self) -> float:
        """µB per cell, as the calculation starts."""
        return float(self.moments.sum())


def orderings(cell: SymmetricCell) -> list[Ordering]:
    """The ferromagnet, then up to MAX_ORDERINGS - 1 competitors; the same for every origin, setting and site order."""
    cell = canonical_cell(cell)
    sizes = start_moments(cell.numbers)
    orderings = enumerate_orderings(cell, sizes)
    competitors = _likeliest(orderings, sizes) if orderings is not None and len(orderings) else textbook(cell)
    return [_of_family("fm", cell, sizes, UNCHANGED), *competitors[: MAX_ORDERINGS - 1]]


def textbook(cell: SymmetricCell) -> list[Ordering]:
    """The families, in turn one of the same cell and one of a doubled cell, of each kind those with most antiparallel nearest
    neighbours first."""
    cell = canonical_cell(cell)
    sizes = start_moments(cell.numbers)
    of_kind: dict[bool, list[Ordering]] = {False: [], True: []}
    for family in families(cell, sizes):
        doubled = family.wave != UNCHANGED
        if not doubled or 2 * len(sizes) <= MAX_SITES:
            of_kind[doubled].append(_of_family(family.name, cell, family.signs * sizes, family.wave))
    for found in of_kind.values():
        # stable: equal ones stay in the order they were made; rounded, so that noise parts none
        found.sort(key=lambda ordering: -round(antiparallel(ordering.structure), 6))
    return [ordering for pair in zip_longest(*of_kind.values()) for ordering in pair if ordering is not None]


def antiparallel(structure: Structure) -> float:
    """The share of antiparallel pairs among nearest magnetic neighbours, 0..1."""
    magnetic = structure.copy()
    magnetic.remove_sites([k for k, site in enumerate(structure) if site.properties["magmom"] == 0.0])
    moments = np.array(magnetic.site_properties["magmom"], dtype=float)
    radius = 1.2 * (magnetic.volume / len(magnetic)) ** (1 / 3)
    while True:
        first, second, _, distance = magnetic.get_neighbor_list(radius)
        nearest = np.full(len(magnetic), np.inf)
        np.minimum.at(nearest, first, distance)
        if NEAR * nearest.max() <= radius:
            break
        radius *= 1.5
    near = distance <= NEAR * nearest[first] + 1e-6
    return float((moments[first] * moments[second] < 0)[near].mean())


def chosen_orderings(orderings: Orderings, log_weight: Floats) -> list[int]:
    """The places of the competitors: the likeliest, and at least one of the primitive cell, whose calculation is the cheapest.

    Equally likely orderings keep the order in which they were enumerated: small cells first.
    """
    n_sites = len(orderings.magnetic_cell.cell.numbers)
    ranked = [k for k in np.argsort(-log_weight, kind="stable").tolist() if orderings.index[k] * n_sites <= MAX_SITES]
    first, cheapest = ranked[: MAX_ORDERINGS - 1], [k for k in ranked if orderings.index[k] == 1][:1]
    return first if set(cheapest) <= set(first) else [*first[:-1], *cheapest]


def _likeliest(orderings: Orderings, sizes: Floats) -> list[Ordering]:
    log_weight = order_ranker().trees.log_weight(order_features(orderings.cell, orderings.signs, orderings.size, orderings.index))
    known, used = family_names(orderings, sizes), Counter[str]()
    found = []
    for k in chosen_orderings(orderings, log_weight):
        if (name := known.get(k)) is None:
            turned = (orderings.signs[k][orderings.cell.permutations] == -orderings.signs[k]).all(axis=1).any()
            kind = f"{'afm' if turned else 'fim'}-x{orderings.index[k]}"
            used[kind] += 1
            name = f"{kind}-{used[kind]}"
        small, signs = orderings.of_cell(k)
        moments = signs * sizes[small.site]
        found.append(_ordering(name, small, -moments if moments.sum() < 0 else moments))
    return found


def family_names(orderings: Orderings, sizes: Floats) -> dict[int, str]:
    """The orderings that are one of the textbook's, by their places."""
    large = orderings.magnetic_cell
    site, translation = large.site[orderings.sites], large.translation[orderings.sites]
    textbook = families(large.cell, sizes)
    signs = np.array([f.signs[site] * (1 - 2 * (translation @ f.wave % 2)) for f in textbook]).reshape(len(textbook), len(site))
    names = orderings.cell.orbits(np.concatenate([orderings.signs, signs]))
    place = {int(name): k for k, name in enumerate(names[: len(orderings)])}
    found: dict[int, str] = {}
    for family, name in zip(textbook, names[len(orderings) :].tolist(), strict=True):
        if name in place:
            found.setdefault(place[name], family.name)
    return found


def _of_family(name: str, cell: CanonicalCell, moments: Floats, wave: tuple[int, int, int]) -> Ordering:
    """Moments (n,) of the primitive cell, turned in every other cell if the wave says so (twice its wave vector)."""
    small = enlarge(cell, sublattice_basis(wave_vector_group(wave)))
    return _ordering(name, small, moments[small.site] * (1 - 2 * (small.translation @ wave % 2)))


def _ordering(name: str, magnetic_cell: MagneticCell, moments: Floats) -> Ordering:
    """Moments of the unchanged cell in the cell that came, site by site; those of a larger one in a compact cell."""
    from pymatgen.core import Lattice, Structure

    cell = magnetic_cell.cell
    if magnetic_cell.copies == 1 and isinstance(cell, CanonicalCell):
        numbers, values = cell.source.numbers.tolist(), cell.of_source(moments).tolist()
        lattice, frac = Lattice(cell.source.lattice), cell.source.frac
        return Ordering(name, Structure(lattice, numbers, frac, site_properties={"magmom": values}))
    numbers, frac = cell.numbers[magnetic_cell.site].tolist(), magnetic_cell.cart @ np.linalg.inv(magnetic_cell.lattice)
    properties = {"magmom": [float(m) for m in moments]}
    whole = Structure(Lattice(magnetic_cell.lattice), numbers, frac, to_unit_cell=True, site_properties=properties)
    return Ordering(name, whole.get_reduced_structure("niggli"))  # a compact cell has a compact mesh of k-points
