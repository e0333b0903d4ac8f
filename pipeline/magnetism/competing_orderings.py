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
from pipeline.magnetism.enumerate_orderings import Orderings, enumerate_orderings, wave_vector_group
from pipeline.magnetism.magnetic_cell import MagneticCell
from pipeline.magnetism.parent_cell import Parent
from pipeline.magnetism.starting_moments import start_moments
from pipeline.magnetism.textbook_orderings import UNCHANGED, Family, NearestPairs, families
from pipeline.registry.order_models import order_ranker

if TYPE_CHECKING:
    from pymatgen.core import Structure

MAX_ORDERINGS = 6  # the ferromagnet among them: each costs a calculation
MAX_SITES = 160  # an enlarged cell with more is left out; the unchanged cell never is

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
    """The ferromagnet, then up to MAX_ORDERINGS - 1 competitors; the same for every origin, setting and site order.

    Competitors are those of the crystal that the cell nearly repeats (pipeline/magnetism/parent_cell.py).
    """
    cell = canonical_cell(cell)
    parent = Parent.repeated(cell)
    sizes = start_moments(parent.parent.numbers)
    found = enumerate_orderings(parent.parent, sizes)
    if found is not None and len(found):
        competitors = _likeliest(found, sizes, parent)
    else:
        parent = Parent.nearly_symmetric(cell)
        competitors = [_of_family(family, parent) for family in _most_antiparallel(parent)[: MAX_ORDERINGS - 1]]
    return [_of_family(Family("fm", np.ones(len(cell.numbers)), UNCHANGED), Parent.exact(cell)), *competitors]


def textbook(cell: SymmetricCell) -> list[Ordering]:
    """The families, in turn one of the same cell and one of a doubled cell, of each kind those with most antiparallel nearest
    neighbours first."""
    parent = Parent.nearly_symmetric(canonical_cell(cell))
    return [_of_family(family, parent) for family in _most_antiparallel(parent)]


def _most_antiparallel(parent: Parent) -> list[Family]:
    sizes = start_moments(parent.parent.numbers)
    of_kind: dict[bool, list[Family]] = {False: [], True: []}
    for family in families(parent.parent, sizes):
        copies = len(parent.wave_vectors(wave_vector_group(family.wave)))
        if copies == 1 or copies * len(parent.cell.numbers) <= MAX_SITES:
            of_kind[family.wave != UNCHANGED].append(family)
    pairs = NearestPairs.of(parent.parent, sizes > 0)
    for found in of_kind.values():
        # stable: equal ones stay in the order they were made; rounded, so that noise parts none
        found.sort(key=lambda family: -round(pairs.antiparallel(family), 6))
    return [family for pair in zip_longest(*of_kind.values()) for family in pair if family is not None]


def chosen_orderings(orderings: Orderings, log_weight: Floats, parent: Parent | None = None) -> list[int]:
    """The places of the competitors: the likeliest, and at least one of the unchanged cell, whose calculation is the cheapest.

    Equally likely orderings keep the order in which they were enumerated: small cells first.

    Args:
        log_weight: (m,) how likely each ordering is.
        parent: the cell that is calculated; None: that of the orderings.
    """
    copies = orderings.index if parent is None else parent.copies(orderings)
    n_sites = len((orderings.magnetic_cell if parent is None else parent).cell.numbers)
    allowed = (copies == 1) | (copies * n_sites <= MAX_SITES)
    ranked = [k for k in np.argsort(-log_weight, kind="stable").tolist() if allowed[k]]
    first, cheapest = ranked[: MAX_ORDERINGS - 1], [k for k in ranked if copies[k] == 1][:1]
    return first if set(cheapest) <= set(first) else [*first[:-1], *cheapest]


def _likeliest(orderings: Orderings, sizes: Floats, parent: Parent) -> list[Ordering]:
    log_weight = order_ranker().trees.log_weight(order_features(orderings.cell, orderings.signs, orderings.size, orderings.index))
    known, used, copies = family_names(orderings, sizes), Counter[str](), parent.copies(orderings)
    found = []
    for k in chosen_orderings(orderings, log_weight, parent):
        if (name := known.get(k)) is None:
            turned = (orderings.signs[k][orderings.cell.permutations] == -orderings.signs[k]).all(axis=1).any()
            kind = f"{'afm' if turned else 'fim'}-x{copies[k]}"
            used[kind] += 1
            name = f"{kind}-{used[kind]}"
        small, signs = parent.of_ordering(orderings, k)
        moments = signs * start_moments(small.cell.numbers)[small.site]
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


def _of_family(family: Family, parent: Parent) -> Ordering:
    """With moments turned in every other cell if the family's wave says so."""
    small, signs = parent.of_family(family)
    return _ordering(family.name, small, signs * start_moments(small.cell.numbers)[small.site])


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
