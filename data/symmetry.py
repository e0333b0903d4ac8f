"""Space group, orbits of equivalent sites and the symmetrised primitive cell."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import lru_cache

import moyopy
import numpy as np
from numpy.typing import NDArray
from pymatgen.optimization.neighbors import find_points_in_spheres

from data.crystal import Crystal, cell_volume

logging.getLogger("moyo").setLevel(logging.ERROR)  # it warns of every small symmetrisation, which is intended here
SYMPREC_A = 0.01  # Å; recorded with every graph store
# The eleven pairs of space groups that are mirror images of each other (International Tables A, 2016, table 2.1.3.1). A crystal
# and its mirror image have the same moment.
ENANTIOMORPH = {
    78: 76, 95: 91, 96: 92, 145: 144, 153: 151, 154: 152, 170: 169, 172: 171, 179: 178, 181: 180, 213: 212,
}  # fmt: skip
NEARLY_A = 0.1  # Å; sites this near to where symmetry would put them count as symmetric to the functions that take `within_A`
_SURROUNDINGS_A, _DIGITS = 4.15, 6  # what tells the sites of a distorted cell apart
_MANY = 64  # atoms of the rarest element; with more, moyopy is faster than comparing them all
_MAX_VOLUME_CHANGE = 0.01  # relative, per atom; a larger change means that the detected symmetry is wrong


@dataclass(frozen=True, slots=True, eq=False)
class SymmetricCell:
    """A primitive cell with exact symmetry, and which of its sites are equivalent.

    Its coordinates obey the symmetry exactly, so sites on one orbit have identical neighbour shells, even if the input was noisy.
    """

    lattice: NDArray[np.float64]  # (3, 3), Å, rows
    frac: NDArray[np.float64]  # (n, 3)
    numbers: NDArray[np.int64]  # (n,)
    orbit: NDArray[np.int64]  # (n,), 0..n_orbits-1
    space_group: int  # 1..230
    exact: bool  # False: no symmetry could be used, every site is its own orbit
    hall: int = 1  # 1..530, the space group's setting; 1 is P1

    def operations(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """(k, 3, 3) W and (k, 3) w of x' = W x + w (mod 1) for columns of fractional coordinates; identity if not exact."""
        return _operations(self.space_group, self.hall) if self.exact else (np.eye(3, dtype=np.int64)[None], np.zeros((1, 3)))

    @property
    def representatives(self) -> NDArray[np.int64]:
        """(n_orbits,) the first site of each orbit."""
        backwards = np.arange(len(self.orbit) - 1, -1, -1)
        first = np.empty(int(self.orbit.max()) + 1, dtype=np.int64)
        first[self.orbit[backwards]] = backwards  # of several assignments the last one is kept
        return first

    @property
    def multiplicities(self) -> NDArray[np.int64]:
        """(n_orbits,) sites on each orbit."""
        return np.bincount(self.orbit).astype(np.int64)


def symmetrise(crystal: Crystal, symprec_A: float = SYMPREC_A) -> SymmetricCell:
    """The crystal's primitive cell with exact symmetry (moyopy).

    The result is the same, up to a rigid motion and the numbering of sites, for every cell, origin, orientation and
    site order of the input. If no symmetry is found, or if it would deform the crystal, the input cell is returned with
    every site on its own orbit.

    Args:
        crystal: any crystal.
        symprec_A: tolerance of the symmetry search, Å.
    """
    try:
        found = moyopy.MoyoDataset(
            moyopy.Cell(crystal.lattice.tolist(), crystal.frac.tolist(), crystal.numbers.tolist()), symprec=symprec_A
        )
    except Exception:  # moyopy raises its own error types where a cell is too distorted for the tolerance
        return _without_symmetry(crystal)
    primitive = found.prim_std_cell
    lattice = np.array(primitive.basis, dtype=np.float64)
    numbers = primitive.numbers  # these are lists: most cells are too small for arrays to be faster
    orbit = [-1] * len(numbers)
    for site, named in zip(found.mapping_std_prim, found.orbits, strict=True):
        orbit[site] = named
    if not _consistent(crystal, lattice, numbers, orbit):
        return _without_symmetry(crystal)
    frac = np.array(primitive.positions, dtype=np.float64) % 1.0 % 1.0  # twice: -1e-17 % 1.0 is 1.0
    return SymmetricCell(
        lattice, frac, np.array(numbers, dtype=np.int64), _numbered(orbit), int(found.number), True, int(found.hall_number)
    )


def alike(cell: SymmetricCell, kinds: NDArray[np.int64], within_A: float) -> NDArray[np.int64]:
    """(n,) the orbits of a cell, with those joined that operations of a nearly symmetric cell map onto each other.

    Args:
        cell: a symmetrised crystal.
        kinds: (n,) what the operations keep, in place of the elements.
        within_A: how far a site may be from the image of another one, Å.
    """
    order = _by_surroundings(cell, kinds)
    found = _nearly(cell, kinds, order, within_A)
    if found is None:
        return cell.orbit
    named = np.empty(len(order), dtype=np.int64)
    named[order] = found.orbits
    joined: NDArray[np.int64] = np.unique(named[cell.representatives], return_inverse=True)[1][cell.orbit]
    return joined


def group_within(cell: SymmetricCell, kinds: NDArray[np.int64], within_A: float) -> int:
    """The number of the space group that a cell has, if no site need be nearer than `within_A` (Å) to where symmetry puts it.

    Args:
        cell: a symmetrised crystal.
        kinds: (n,) what the operations keep, such as the elements.
        within_A: Å.
    """
    found = _nearly(cell, kinds, _by_surroundings(cell, kinds), within_A)
    return cell.space_group if found is None else int(found.number)


def nearly_symmetric(cell: SymmetricCell, within_A: float) -> SymmetricCell:
    """The primitive cell with the symmetry that a cell has, if no site need be nearer than `within_A` to where symmetry puts it.

    Args:
        cell: a symmetrised crystal.
        within_A: Å.

    Returns:
        The same cell where it has no more symmetry than before.
    """
    order = _by_surroundings(cell, cell.numbers)
    found = symmetrise(Crystal("", cell.lattice, _from_first(cell, order), cell.numbers[order]), within_A)
    same = found.space_group == cell.space_group and len(found.numbers) == len(cell.numbers)
    return cell if same or not found.exact else found


def nearly_primitive(cell: SymmetricCell, within_A: float) -> SymmetricCell:
    """What a cell repeats, if no site need be nearer than `within_A` to where translations and further symmetry put it.

    Args:
        cell: a symmetrised crystal.
        within_A: Å.

    Returns:
        The nearly symmetric cell where it has fewer sites, else the same cell.
    """
    if not _may_repeat(cell, within_A):
        return cell
    found = nearly_symmetric(cell, within_A)
    return found if len(found.numbers) < len(cell.numbers) else cell


def _may_repeat(cell: SymmetricCell, within_A: float) -> bool:
    """Whether a translation may take all sites near to sites of their element. Most cells are ruled out in a fraction of the time
    of a symmetry search, since a translation takes the first atom of the rarest element to another one."""
    elements, counts = np.unique(cell.numbers, return_counts=True)
    if np.gcd.reduce(counts) == 1:
        return False
    if counts.min() > _MANY:
        return True
    shifts = (of := cell.frac[cell.numbers == elements[counts.argmin()]])[1:] - of[0]
    for element in elements[np.argsort(counts, kind="stable")].tolist():
        of = cell.frac[cell.numbers == element]
        nearest = np.array([_farthest(of + shift, of, cell.lattice) for shift in shifts])
        shifts = shifts[nearest < 4 * within_A]  # moyopy moves the origin, too, so that sites may be farther than its tolerance
        if not len(shifts):
            return False
    return True


def _farthest(moved: NDArray[np.float64], of: NDArray[np.float64], lattice: NDArray[np.float64]) -> float:
    """Å, of the moved sites that one which is farthest from its nearest site."""
    apart = moved[:, None] - of
    apart -= np.rint(apart)
    return float(np.sqrt(((apart @ lattice) ** 2).sum(axis=-1).min(axis=1).max()))


def _by_surroundings(cell: SymmetricCell, kinds: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) the sites in an order that their numbering does not decide: where a site is almost too far from an image, what moyopy
    finds depends on the order. Sites of one kind and the same surroundings are equivalent."""
    cart, lattice = np.ascontiguousarray(cell.frac @ cell.lattice), np.ascontiguousarray(cell.lattice)
    centre, _, _, distance = find_points_in_spheres(
        cart, cart, r=_SURROUNDINGS_A, pbc=np.ones(3, dtype=np.int64), lattice=lattice, tol=1e-8
    )
    near = np.bincount(centre, np.exp(-distance), len(cart))
    return np.lexsort((np.round(near, _DIGITS), kinds))


def _from_first(cell: SymmetricCell, order: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n, 3) the fractional coordinates in an order of the sites, from the first of them, whatever the origin."""
    found: NDArray[np.float64] = (cell.frac[order] - cell.frac[order[0]]) % 1.0
    return found


def _nearly(
    cell: SymmetricCell, kinds: NDArray[np.int64], order: NDArray[np.int64], within_A: float
) -> moyopy.MoyoDataset | None:  # fmt: skip
    """None where the cell is too distorted for the tolerance, of which moyopy raises its own error types."""
    try:
        given = moyopy.Cell(cell.lattice.tolist(), _from_first(cell, order).tolist(), kinds[order].tolist())
        return moyopy.MoyoDataset(given, symprec=within_A)
    except Exception:
        return None


@lru_cache(maxsize=530)
def _operations(space_group: int, hall: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    found = moyopy.operations_from_number(space_group, setting=moyopy.Setting.hall_number(hall), primitive=True)
    return np.array(found.rotations, dtype=np.int64), np.array(found.translations, dtype=np.float64)


def _without_symmetry(crystal: Crystal) -> SymmetricCell:
    return SymmetricCell(crystal.lattice, crystal.frac % 1.0 % 1.0, crystal.numbers, np.arange(crystal.n_sites), 1, False)


def _numbered(orbit: list[int]) -> NDArray[np.int64]:
    """(n,) orbits numbered 0, 1, 2 ...; in the input each is named by the index of one of its sites."""
    number = {named: k for k, named in enumerate(sorted(set(orbit)))}
    return np.array([number[named] for named in orbit], dtype=np.int64)


def _consistent(crystal: Crystal, lattice: NDArray[np.float64], numbers: list[int], orbit: list[int]) -> bool:
    """Same volume and composition per atom, whole cells, one element an orbit."""
    copies, rest = divmod(crystal.n_sites, len(numbers))
    if rest or min(orbit) < 0:
        return False
    if abs(cell_volume(lattice) * copies / crystal.volume - 1.0) > _MAX_VOLUME_CHANGE:
        return False
    if sorted(numbers * copies) != sorted(crystal.numbers.tolist()):
        return False
    return len(set(zip(orbit, numbers, strict=True))) == len(set(orbit))
