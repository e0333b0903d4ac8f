"""One description of a crystal for all its origins, settings and site orders.

A symmetrised primitive cell still has freedom: which of several equal bases, which origin, which order of sites. Names, ties and
the enumeration of magnetic configurations follow from the cell, so they need one choice that depends on the crystal alone:

1. The basis has the shortest vectors (Minkowski-reduced) and, among such bases, the smallest scalar products.
2. The origin lies on an atom of the rarest element.
3. Of the remaining descriptions the one whose sorted list of sites comes first is taken.

Descriptions that tie in the end are images under the crystal's own symmetry, so any of them will do. Mirror images count as
different crystals.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.symmetry import SymmetricCell
from pipeline.magnetism.magnetic_cell import MagneticCell

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_RANGE = 3  # coefficients of the lattice vectors that are looked at, in a reduced basis
_SAME_A = 1e-3  # lengths that differ by less are equal
_SAME_A2 = 1e-2  # the same of scalar products
_GRID = 12800  # steps of a fractional coordinate; a multiple of 128, so that no simple fraction lies between two steps
_FINE = 3 * 2**28  # rounding to 1e-9 makes equal descriptions equal to the last digit; keeps halves, thirds and their products


@dataclass(frozen=True, eq=False, kw_only=True)
class CanonicalCell(SymmetricCell):
    """A symmetric cell in a basis of its own; the operations are those of its space group in that basis."""

    rotations: Ints  # (k, 3, 3)
    shifts: Floats  # (k, 3)
    source: SymmetricCell  # the cell that it describes
    source_site: Ints  # (n,) the site of `source` that each site is
    basis: Ints  # (3, 3) rows: its lattice vectors in the basis of `source`
    origin: Floats  # (3,) its origin in the coordinates of `source`

    def operations(self) -> tuple[Ints, Floats]:
        """(k, 3, 3) W and (k, 3) w of x' = W x + w (mod 1), in an order that depends on the operations alone."""
        return self.rotations, self.shifts

    def of_source(self, values: Floats) -> Floats:
        """Values (n,) of the sites, in the order of the source's sites."""
        out = np.empty_like(values)
        out[self.source_site] = values
        return out


def canonical_cell(cell: SymmetricCell) -> CanonicalCell:
    """The same crystal in the basis, with the origin and in the order of sites that the module describes."""
    if isinstance(cell, CanonicalCell):
        return cell
    bases = _reduced_bases(cell.lattice)  # (b, 3, 3) rows in the basis of the cell
    origins = cell.frac[_rarest(cell.numbers)]
    best: tuple[list[int], Ints, Floats, Ints] | None = None
    for basis in bases:
        inverse = np.linalg.inv(basis)
        frac = (cell.frac[None] - origins[:, None]) @ inverse  # (origins, n, 3)
        steps = np.rint(frac * _GRID).astype(np.int64) % _GRID
        keys = cell.numbers * _GRID**3 + steps @ np.array([_GRID**2, _GRID, 1])
        orders = np.argsort(keys, axis=1, kind="stable")
        sorted_keys = np.take_along_axis(keys, orders, axis=1)
        first = int(np.lexsort(sorted_keys.T[::-1])[0])
        candidate = sorted_keys[first].tolist()
        if best is None or candidate < best[0]:
            best = candidate, basis, origins[first], orders[first]
    assert best is not None
    return _described(cell, *best[1:])


def in_canonical_cell(magnetic_cell: MagneticCell) -> MagneticCell:
    """The same sites, in the same order, in terms of the canonical cell of their primitive cell."""
    cell = canonical_cell(magnetic_cell.cell)
    inverse = np.linalg.inv(cell.basis)
    site = np.argsort(cell.source_site)[magnetic_cell.site]
    frac = (magnetic_cell.cell.frac[magnetic_cell.site] + magnetic_cell.translation - cell.origin) @ inverse
    translation = np.rint(frac - cell.frac[site]).astype(np.int64)
    supercell = np.rint(magnetic_cell.supercell @ inverse).astype(np.int64)
    return MagneticCell(cell, supercell, site, translation, magnetic_cell.lattice, magnetic_cell.cart)


def _described(cell: SymmetricCell, basis: Ints, origin: Floats, order: Ints) -> CanonicalCell:
    inverse = np.linalg.inv(basis)
    lattice = np.linalg.cholesky(basis @ cell.lattice @ cell.lattice.T @ basis.T)  # the first vector along x, right-handed
    frac = _wrapped((cell.frac[order] - origin) @ inverse)
    rotations, shifts = cell.operations()
    turned = np.rint(inverse.T @ rotations @ basis.T).astype(np.int64)  # columns of coordinates transform with the inverse
    moved = _wrapped((shifts + origin @ rotations.transpose(0, 2, 1) - origin) @ inverse)
    keys = np.column_stack([turned.reshape(len(turned), -1), np.rint(moved * _GRID).astype(np.int64) % _GRID])
    sequence = np.lexsort(keys.T[::-1])
    orbit = cell.orbit[order]
    _, first, number = np.unique(orbit, return_index=True, return_inverse=True)
    renumbered = np.argsort(np.argsort(first))[number.reshape(-1)]
    return CanonicalCell(
        np.round(lattice, 9), frac, cell.numbers[order], renumbered, cell.space_group, cell.exact, cell.hall,
        rotations=turned[sequence], shifts=moved[sequence], source=cell, source_site=order, basis=basis, origin=origin,
    )  # fmt: skip


def _wrapped(frac: Floats) -> Floats:
    """Coordinates in [0, 1), rounded; those just below 1 become 0."""
    return np.asarray(np.rint(frac * _FINE) % _FINE / _FINE)


def _rarest(numbers: Ints) -> Ints:
    """(k,) the sites of the element with the fewest of them, the lightest of several."""
    elements, counts = np.unique(numbers, return_counts=True)
    return np.flatnonzero(numbers == elements[counts.argmin()])


def _reduced_bases(lattice: Floats) -> Ints:
    """(b, 3, 3) right-handed bases of the shortest vectors, rows in the given basis, of equal scalar products."""
    start = _lll(lattice)
    steps = np.arange(-_RANGE, _RANGE + 1)
    coefficients = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    vectors = coefficients[coefficients.any(axis=1)] @ start
    cart = vectors @ lattice
    length = np.linalg.norm(cart, axis=1)
    a = np.flatnonzero(length <= length.min() + _SAME_A)
    across = np.linalg.norm(np.cross(cart[a[0]], cart), axis=1) > 1e-6 * length * length[a[0]]
    b = np.flatnonzero(length <= length[across].min() + _SAME_A)
    pairs = np.array([(i, j) for i in a for j in b if np.cross(vectors[i], vectors[j]).any()])
    normal = np.cross(vectors[pairs[0, 0]], vectors[pairs[0, 1]])
    c = np.flatnonzero(length <= length[np.abs(vectors @ normal) > 0].min() + _SAME_A)
    triples = np.column_stack([np.repeat(pairs, len(c), axis=0), np.tile(c, len(pairs))])
    bases = vectors[triples]
    right = np.rint(np.linalg.det(bases) * np.sign(np.linalg.det(lattice))).astype(np.int64) == 1
    bases, metric = bases[right], cart[triples[right]]
    products = np.stack([(metric[:, i] * metric[:, j]).sum(axis=1) for i, j in ((0, 1), (0, 2), (1, 2))], axis=1)
    kept = np.arange(len(bases))
    for column in products.T:  # positive products are acute angles; the largest ones first
        kept = kept[column[kept] >= column[kept].max() - _SAME_A2]
    return np.asarray(bases[kept], dtype=np.int64)


def _lll(lattice: Floats) -> Ints:
    """(3, 3) rows of whole numbers: a basis of short vectors, in the given basis."""
    from pymatgen.core import Lattice

    reduced = Lattice(lattice).get_lll_reduced_lattice()
    return np.asarray(np.rint(reduced.matrix @ np.linalg.inv(lattice)), dtype=np.int64)
