"""A crystal's cell as copies of its non-magnetic primitive cell, and the permutations of its sites that symmetry allows.

A magnetic cell is a supercell of the primitive one: its lattice is A = S L, S a matrix of whole numbers, L the primitive lattice
(both with lattice vectors as rows). Site s is then site q of the primitive cell, moved by the lattice vector R. An operation
x' = W x + w of the space group that maps the superlattice onto itself permutes the sites, and so do the pure translations of L.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import moyopy
import numpy as np
from numpy.typing import NDArray

from data.crystal import Crystal
from data.symmetry import SymmetricCell, symmetrise

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

SYMPRECS_A = (0.1, 0.03, 0.01)  # an antiferromagnet's calculation has moved the atoms: the widest tolerance that works
_WHOLE = 0.02  # how far a supercell matrix may be from whole numbers


@dataclass(frozen=True, eq=False)
class MagneticCell:
    """Where the sites of a cell are, in terms of the primitive cell."""

    cell: SymmetricCell  # primitive, with exact symmetry
    supercell: Ints  # (3, 3) S, rows: the cell's lattice vectors in the primitive basis
    site: Ints  # (n,) site q of the primitive cell
    translation: Ints  # (n, 3) R, in the primitive basis
    lattice: Floats  # (3, 3) Å, of the cell as it came: not symmetrised, in a pose of its own
    cart: Floats  # (n, 3) Å, its sites

    @property
    def copies(self) -> int:
        """Primitive cells in the cell."""
        return len(self.site) // len(self.cell.numbers)

    @property
    def orbit(self) -> Ints:
        """(n,) orbit of each site under the space group of the primitive cell."""
        return self.cell.orbit[self.site]


def map_to_primitive(crystal: Crystal) -> MagneticCell:
    """The crystal's own cell in terms of its non-magnetic primitive cell, sites in the order of the crystal."""
    for symprec in SYMPRECS_A:
        cell = symmetrise(crystal, symprec)
        found = _aligned(crystal, cell, symprec) if cell.exact else None
        if found is not None:
            return found
    cell = SymmetricCell(crystal.lattice, crystal.frac % 1.0 % 1.0, crystal.numbers, np.arange(crystal.n_sites), 1, False)
    home = np.zeros((crystal.n_sites, 3), dtype=np.int64)
    return MagneticCell(cell, np.eye(3, dtype=np.int64), np.arange(crystal.n_sites), home, cell.lattice, cell.frac @ cell.lattice)


def enlarge(cell: SymmetricCell, supercell: Ints) -> MagneticCell:
    """A supercell of a primitive cell: all its sites, copy by copy, exactly where symmetry wants them."""
    points = coset_representatives(supercell)
    n = len(cell.numbers)
    site, translation = np.tile(np.arange(n), len(points)), np.repeat(points, n, axis=0)
    cart = (cell.frac[site] + translation) @ cell.lattice
    return MagneticCell(cell, supercell, site, translation, supercell @ cell.lattice, cart)


def coset_representatives(supercell: Ints) -> Ints:
    """(|det S|, 3) one lattice vector of each class modulo the superlattice; the zero vector first."""
    order, _ = _adjugate(tuple(supercell.ravel().tolist()))
    steps = np.arange(order)
    points = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    _, first = np.unique(_key(points, supercell), return_index=True)
    return np.asarray(points[np.sort(first)], dtype=np.int64)


def coset_index(vectors: Ints, supercell: Ints) -> Ints:
    """(...,) the number of the class of each lattice vector, 0 .. |det S| - 1."""
    return np.searchsorted(_known(tuple(supercell.ravel().tolist())), _key(vectors, supercell))


@dataclass(frozen=True, eq=False)
class Symmetries:
    """What the non-magnetic structure allows in a cell, and how well the cell as it came obeys."""

    permutations: Ints  # (g, n) distinct: site s goes to site g[s]; the identity first, then the other translations
    shift: Floats  # (g,) Å, root mean square distance between a site's image and the site that is there
    strain: Floats  # (g,) relative, the largest change of a scalar product of two lattice vectors over their mean square


def symmetries(magnetic_cell: MagneticCell) -> Symmetries:
    """The primitive cell's operations that map the cell's lattice onto itself; those that permute the sites alike are one."""
    cell, supercell = magnetic_cell.cell, magnetic_cell.supercell
    rotations, shifts = cell.operations()
    moves_first = np.argsort(~(rotations == np.eye(3, dtype=np.int64)).all(axis=(1, 2)), kind="stable")
    rotations, shifts = rotations[moves_first], shifts[moves_first]
    images = np.einsum("kij,nj->kni", rotations, cell.frac) + shifts[:, None]  # of the sites of the primitive cell
    target, offset = _match(cell, images)
    columns = supercell.T
    keeps = np.array([not _key((w @ columns).T, supercell).any() for w in rotations]) & (target >= 0).all(axis=1)
    lookup = np.full((len(cell.numbers), magnetic_cell.copies), -1, dtype=np.int64)
    lookup[magnetic_cell.site, coset_index(magnetic_cell.translation, supercell)] = np.arange(len(magnetic_cell.site))
    translations = coset_representatives(supercell)
    rows, shift, strain = [], [], []
    for w, there, moved in zip(rotations[keeps], target[keeps], offset[keeps], strict=True):
        new = magnetic_cell.translation @ w.T + moved[magnetic_cell.site]
        found = lookup[there[magnetic_cell.site], coset_index(new + translations[:, None], supercell)]  # (copies, n)
        found = found[(np.sort(found, axis=1) == np.arange(found.shape[1])).all(axis=1)]
        rows.append(found)
        turn = np.rint(np.linalg.inv(columns) @ w @ columns)  # of fractional coordinates in the cell as it came
        shift.append(_shift(magnetic_cell, turn, found))
        strain.append(np.full(len(found), _strain(magnetic_cell.lattice, turn)))
    every, shifted, strained = np.concatenate(rows), np.concatenate(shift), np.concatenate(strain)
    distinct, first, which = np.unique(every, axis=0, return_index=True, return_inverse=True)
    least = [np.full(len(distinct), np.inf) for _ in range(2)]
    np.minimum.at(least[0], which.reshape(-1), shifted)
    np.minimum.at(least[1], which.reshape(-1), strained)
    order = np.argsort(first)
    return Symmetries(distinct[order].astype(np.int64), least[0][order], least[1][order])


def _shift(magnetic_cell: MagneticCell, turn: Floats, rows: Ints) -> Floats:
    """(k,) Å of an operation with several translations, each of which permutes the sites as a row (k, n) says."""
    frac = magnetic_cell.cart @ np.linalg.inv(magnetic_cell.lattice)
    apart = frac[rows] - frac @ turn.T  # the translation and what the sites disobey
    rest = apart - apart[:, :1]
    rest -= np.rint(rest)
    rest -= rest.mean(axis=1, keepdims=True)
    return np.asarray(np.sqrt(((rest @ magnetic_cell.lattice) ** 2).sum(axis=-1).mean(axis=1)))


def _strain(lattice: Floats, turn: Floats) -> float:
    metric = lattice @ lattice.T
    return float(np.abs(turn.T @ metric @ turn - metric).max() / (np.trace(metric) / 3))


def _aligned(crystal: Crystal, cell: SymmetricCell, symprec: float) -> MagneticCell | None:
    """The map from the crystal to its primitive cell, or None where moyopy's answer does not fit together."""
    found = moyopy.MoyoDataset(
        moyopy.Cell(crystal.lattice.tolist(), crystal.frac.tolist(), crystal.numbers.tolist()), symprec=symprec
    )
    linear, origin = np.array(found.prim_std_linear), np.array(found.prim_std_origin_shift)
    inverse = np.linalg.inv(linear)
    exact = inverse.T  # rows of the crystal's lattice in the primitive basis
    supercell = np.rint(exact).astype(np.int64)
    site = np.array(found.mapping_std_prim, dtype=np.int64)
    if np.abs(exact - supercell).max() > _WHOLE or not np.array_equal(cell.numbers[site], crystal.numbers):
        return None
    translation = np.rint((crystal.frac - origin) @ inverse.T - cell.frac[site]).astype(np.int64)
    placed = np.unique(np.column_stack([site, _key(translation, supercell)]), axis=0)
    if len(placed) != crystal.n_sites:
        return None
    return MagneticCell(cell, supercell, site, translation, crystal.lattice, crystal.frac @ crystal.lattice)


def _match(cell: SymmetricCell, images: NDArray[np.float64]) -> tuple[Ints, Ints]:
    """(k, n) the site that lies at each image, -1 for none, and (k, n, 3) the lattice vector between them."""
    apart = images[:, :, None] - cell.frac
    whole = np.rint(apart)
    distance = np.linalg.norm((apart - whole) @ cell.lattice, axis=-1)
    distance[:, cell.numbers[:, None] != cell.numbers] = np.inf
    target = distance.argmin(axis=-1)
    offset = np.take_along_axis(whole, target[..., None, None], axis=2)[:, :, 0]
    target[distance.min(axis=-1) > max(SYMPRECS_A)] = -1
    return target, offset.astype(np.int64)


def _key(vectors: Ints, supercell: Ints) -> Ints:
    """(..., 3) lattice vectors to one number for each class modulo the superlattice; 0 for its own vectors."""
    order, adjugate = _adjugate(tuple(supercell.ravel().tolist()))  # v is in the superlattice if v adj = 0 mod order
    key: Ints = (vectors @ adjugate % order) @ np.array([order * order, order, 1])
    return key


@lru_cache(maxsize=1024)
def _adjugate(supercell: tuple[int, ...]) -> tuple[int, Ints]:
    """|det S| and, (3, 3), that times the inverse of S."""
    matrix = np.array(supercell, dtype=np.float64).reshape(3, 3)
    order = abs(round(float(np.linalg.det(matrix))))
    return order, np.rint(np.linalg.inv(matrix) * order).astype(np.int64)


@lru_cache(maxsize=1024)
def _known(supercell: tuple[int, ...]) -> Ints:
    """(|det S|,) the keys of all classes, ascending."""
    matrix = np.array(supercell, dtype=np.int64).reshape(3, 3)
    return np.sort(_key(coset_representatives(matrix), matrix))
