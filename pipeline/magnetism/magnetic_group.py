"""The magnetic space group of an ordering, and the ordering in the standard (BNS) setting of that group.

A calculation without spin-orbit coupling fixes which moments are parallel, not along which axis they point. So there are two
groups: that of the moments as signed numbers, which rotations leave alone (`without_spin_orbit`), and that of the moments as
axial vectors along a stated axis (`BnsCell.group`), which is what a magnetic CIF file describes. The axis is a convention, not
a prediction: of the crystal's rotation axes the one that keeps most operations (see `moment_axis`).

"""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.magnetism.competing_orderings import Ordering
from pipeline.magnetism.magnetic_tables import (
    MagneticGroup,
    Operations,
    equal,
    group_number,
    magnetic_group,
    operations,
    operations_of,
    repeated,
    to_bns,
    transformed,
)

SYMPREC_A = 1e-3  # the cells of orderings are exactly symmetric, but for rounding
MOMENT_PRECISION_MUB = 1e-3
_CENTRING = 6  # a lattice vector of a primitive cell is a multiple of 1/6 in the conventional cell, at the finest
_CLOSE = 1e-5

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class BnsCell:
    """An ordering in the standard setting of its magnetic space group, moments as vectors."""

    group: MagneticGroup
    lattice: Floats  # (3, 3) Å, rows
    frac: Floats  # (n, 3)
    numbers: Ints  # (n,)
    moments: Floats  # (n, 3) µB, Cartesian
    operations: Operations

    @property
    def crystal_axis_moments(self) -> Floats:
        """(n, 3) µB along the unit vectors of a, b and c, as magnetic CIF files have them."""
        unit = self.lattice / np.linalg.norm(self.lattice, axis=1)[:, None]
        return self.moments @ np.linalg.inv(unit)

    @property
    def axis(self) -> Floats:
        """(3,) the moments' axis in units of the lattice vectors, its largest component 1."""
        strongest = self.moments[np.argmax(np.linalg.norm(self.moments, axis=1))]
        along = strongest @ np.linalg.inv(self.lattice)
        return np.asarray(along / along[np.argmax(np.abs(along))], dtype=np.float64)


def without_spin_orbit(ordering: Ordering) -> MagneticGroup:
    """The group of the moments as signed numbers: rotations leave them, time reversal turns them."""
    return magnetic_group(group_number(_scalar_operations(reduced(ordering))))


def in_bns_setting(ordering: Ordering) -> BnsCell:
    """The ordering in the standard setting of the magnetic space group that it has with moments along `moment_axis`.

    Raises:
        RuntimeError: spglib finds no group, or its cell cannot be brought to the setting of the tables.
    """
    ordering = reduced(ordering)
    structure = ordering.structure
    vectors = ordering.moments[:, None] * moment_axis(ordering)
    dataset = _dataset(ordering, vectors)
    uni = int(dataset.uni_number)
    own = operations(dataset.rotations, dataset.translations, dataset.time_reversals)
    turn, shift = to_bns(uni)
    matrix = _rational(turn @ dataset.transformation_matrix)
    origin = turn @ dataset.origin_shift + shift
    table, translations = operations_of(uni), _lattice_translations(matrix)
    if len(translations) != round(1 / np.linalg.det(matrix)):
        raise RuntimeError("the cell of the ordering is larger than its magnetic unit cell")
    if not equal(repeated(transformed(own, matrix, origin), translations), table):
        raise RuntimeError(f"the cell does not come to the standard setting of magnetic space group {magnetic_group(uni)}")
    placed = structure.frac_coords @ matrix.T + origin
    frac = (placed[:, None] + translations[None]).reshape(-1, 3) % 1.0
    numbers = np.array([site.specie.Z for site in structure], dtype=np.int64)
    lattice = np.linalg.inv(matrix).T @ structure.lattice.matrix
    return BnsCell(
        magnetic_group(uni), lattice, frac, numbers.repeat(len(translations)), vectors.repeat(len(translations), axis=0), table
    )  # fmt: skip


def reduced(ordering: Ordering) -> Ordering:
    """The ordering in its Niggli cell: in oblique cells of the same crystal spglib misses the group."""
    return Ordering(ordering.name, ordering.structure.get_reduced_structure("niggli"))


def moment_axis(ordering: Ordering) -> Floats:
    """(3,) a Cartesian unit vector: of the rotation axes of the ordering the one that keeps most of its operations.

    Of several, the one of the highest rotation; then c before b before a of the standard cell of the group without spin-orbit
    coupling, and the smallest indices in it. Where there is no rotation, that cell's c.
    """
    lattice = ordering.structure.lattice.matrix
    rotations = _scalar_operations(ordering).rotations
    to_standard = np.asarray(_dataset(ordering, ordering.moments).transformation_matrix)
    proper = np.unique(rotations * _determinants(rotations)[:, None, None], axis=0)
    standard = np.linalg.inv(to_standard)  # columns: the axes of the standard cell in coordinates of this one
    found = [axis for rotation in proper if (axis := _rotation_axis(rotation)) is not None]

    def worth(axis: Floats) -> tuple[object, ...]:
        kept = [rotation for rotation in proper if _parallel(rotation @ axis, axis)]
        order = max(_order(rotation) for rotation in kept if np.allclose(rotation @ axis, axis, atol=_CLOSE))
        indices = np.abs(to_standard @ axis)
        indices = np.round(indices / indices[indices > _CLOSE].min(), 3)
        return len(kept), order, -float(indices.sum()), *indices[::-1].tolist()

    best = max([standard[:, 2], *found], key=worth)
    cartesian = best @ lattice
    return np.asarray(cartesian / np.linalg.norm(cartesian), dtype=np.float64)


def _cell(ordering: Ordering) -> tuple[Floats, Floats, list[int]]:
    structure = ordering.structure
    return structure.lattice.matrix, structure.frac_coords, [site.specie.Z for site in structure]


def _dataset(ordering: Ordering, moments: Floats) -> Any:
    """spglib's group of moments (n,), signed numbers, or (n, 3), axial vectors."""
    import spglib

    return _answer(
        spglib.get_magnetic_symmetry_dataset, (*_cell(ordering), moments), is_axial=moments.ndim == 2, symprec=SYMPREC_A,
        mag_symprec=MOMENT_PRECISION_MUB,
    )  # fmt: skip


def _scalar_operations(ordering: Ordering) -> Operations:
    import spglib

    cell = (*_cell(ordering), ordering.moments)
    found = _answer(spglib.get_magnetic_symmetry, cell, symprec=SYMPREC_A, mag_symprec=MOMENT_PRECISION_MUB)
    return operations(found["rotations"], found["translations"], found["time_reversals"])


def _answer(ask: Callable[..., Any], cell: object, **settings: object) -> Any:
    """What spglib answers: it says None, or raises an error of its own, where it finds nothing, depending on the version."""
    from spglib.error import SpglibError

    os.environ.setdefault("SPGLIB_WARNING", "OFF")  # it would print its doubts between a command's lines
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # about the way in which it reports errors
            found = ask(cell, **settings)
    except SpglibError as fault:
        raise RuntimeError(f"spglib finds no magnetic space group: {fault}") from fault
    if found is None:
        raise RuntimeError("spglib finds no magnetic space group")
    return found


def _rational(matrix: Floats) -> Floats:
    return np.asarray(np.round(matrix * _CENTRING) / _CENTRING, dtype=np.float64)


def _lattice_translations(matrix: Floats) -> Floats:
    """(k, 3) the vectors of the old lattice in the new cell."""
    steps = np.array(list(itertools.product(range(_CENTRING), repeat=3)))
    return np.asarray(np.unique(np.round(steps @ matrix.T * _CENTRING).astype(np.int64) % _CENTRING, axis=0) / _CENTRING)


def _determinants(rotations: Ints) -> Ints:
    return np.asarray(np.round(np.linalg.det(rotations)), dtype=np.int64)


def _rotation_axis(rotation: Ints) -> Floats | None:
    """The axis of a proper rotation, in lattice coordinates; None of the identity."""
    if np.array_equal(rotation, np.eye(3)):
        return None
    total = sum((np.linalg.matrix_power(rotation, k) for k in range(_order(rotation))), np.zeros((3, 3)))
    return np.asarray(total[:, np.argmax(np.abs(total).sum(axis=0))], dtype=np.float64)


def _order(rotation: Ints) -> int:
    return next(k for k in (1, 2, 3, 4, 6) if np.array_equal(np.linalg.matrix_power(rotation, k), np.eye(3)))


def _parallel(one: Floats, other: Floats) -> bool:
    return np.allclose(one, other, atol=_CLOSE) or np.allclose(one, -other, atol=_CLOSE)
