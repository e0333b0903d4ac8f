"""The parent of a cell: the crystal of which it is a copy, or several, with atoms that have moved by less than 0.1 Å.

A supercell with atoms moved by 0.02 Å has no exact symmetry, and its orderings would be those of many inequivalent spins. Moments
order by exchange paths, which such shifts hardly change. So orderings are those of the parent, and the atoms stay where they
are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.crystal import Crystal
from data.symmetry import NEARLY_A, SymmetricCell, nearly_primitive
from pipeline.magnetism.canonical_cell import CanonicalCell, in_canonical_cell
from pipeline.magnetism.enumerate_orderings import Orderings, WaveVectors, sublattice_basis, wave_vector_group, wave_vectors_in
from pipeline.magnetism.magnetic_cell import MagneticCell, coset_index, enlarge, map_to_primitive
from pipeline.magnetism.textbook_orderings import Family

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Parent:
    """Where the sites of a cell are, in terms of its parent."""

    cell: SymmetricCell  # whose orderings are wanted
    placed: MagneticCell  # its sites, in its order, as sites of the parent

    @classmethod
    def exact(cls, cell: SymmetricCell) -> Parent:
        """The cell as its own parent."""
        return cls(cell, enlarge(cell, np.eye(3, dtype=np.int64)))

    @classmethod
    def repeated(cls, cell: CanonicalCell) -> Parent:
        """The smaller primitive cell that the cell nearly repeats, if it does; else the cell itself."""
        return cls.exact(cell) if nearly_primitive(cell, NEARLY_A) is cell else cls.nearly_symmetric(cell)

    @classmethod
    def nearly_symmetric(cls, cell: CanonicalCell) -> Parent:
        """The primitive cell with the symmetry that the cell has to 0.1 Å."""
        found = map_to_primitive(Crystal("", cell.lattice, cell.frac, cell.numbers))
        same = found.copies == 1 and found.cell.space_group == cell.space_group  # a supercell may have its parent's group
        return cls.exact(cell) if same else cls(cell, in_canonical_cell(found))

    @property
    def parent(self) -> SymmetricCell:
        return self.placed.cell

    def wave_vectors(self, of_parent: WaveVectors) -> WaveVectors:
        """Those of an ordering of the parent, in terms of the cell: it repeats with as many cells as there are."""
        return wave_vectors_in(of_parent, self.placed.supercell)

    def copies(self, orderings: Orderings) -> NDArray[np.int64]:
        """(m,) the cells that each ordering of the parent repeats with."""
        return np.array([len(self.wave_vectors(one)) for one in orderings.sublattice], dtype=np.int64)

    def of_ordering(self, orderings: Orderings, k: int) -> tuple[MagneticCell, Floats]:
        """Ordering k of the parent: the cell that it repeats with, and the sign (n,) of each of its sites, 0 for no spin."""
        small, site, translation = self._cells(orderings.sublattice[k])
        large = orderings.magnetic_cell
        number = np.zeros((len(large.cell.numbers), large.copies))
        spins = large.site[orderings.sites], coset_index(large.translation[orderings.sites], large.supercell)
        number[spins] = orderings.signs[k]
        return small, number[site, coset_index(translation, large.supercell)]

    def of_family(self, family: Family) -> tuple[MagneticCell, Floats]:
        """The same of one of the textbook's orderings of the parent."""
        small, site, translation = self._cells(wave_vector_group(family.wave))
        return small, family.signs[site] * (1 - 2 * (translation @ family.wave % 2))

    def _cells(self, wave_vectors: WaveVectors) -> tuple[MagneticCell, NDArray[np.int64], NDArray[np.int64]]:
        """The cell that these waves of the parent repeat with; of each of its sites, that of the parent and where it is."""
        small = enlarge(self.cell, sublattice_basis(self.wave_vectors(wave_vectors)))
        placed = self.placed
        return small, placed.site[small.site], placed.translation[small.site] + small.translation @ placed.supercell
