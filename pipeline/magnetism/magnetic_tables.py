"""The 1651 magnetic space groups: spglib's numbers of them, and the standard (BNS) tables of ISO-MAG, which pymatgen carries.

spglib's own tables have another origin or other axes than these for 227 of the groups, so that its transformation to the
standard setting lacks a last step, which `to_bns` finds by comparing both tables.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from pymatgen.symmetry.maggroups import MagneticSpaceGroup

DENOMINATOR = 24  # of the translations of all magnetic space groups
NEAR = 1e-3  # fractional; a translation this near to a multiple of 1/24 is one
_ORIGINS = 8  # origins of the two tables differ by multiples of 1/8

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class MagneticGroup:
    """One of the 1651 magnetic space groups."""

    number: str  # BNS: 136.499
    symbol: str  # BNS: P4_2'/mnm'
    kind: int  # 1 colourless, 2 grey, 3 and 4 black and white; 4 has translations with time reversal

    def __str__(self) -> str:
        return f"{self.symbol} ({self.number})"


@dataclass(frozen=True)
class Operations:
    """Operations of a magnetic space group, in coordinates of its cell."""

    rotations: Ints  # (n, 3, 3)
    translations: Floats  # (n, 3)
    reversals: NDArray[np.bool_]  # (n,) with time reversal


def operations(rotations: ArrayLike, translations: ArrayLike, reversals: ArrayLike) -> Operations:
    """From the arrays that spglib gives."""
    return Operations(
        np.asarray(rotations, dtype=np.int64), np.asarray(translations, dtype=np.float64), np.asarray(reversals).astype(bool)
    )


def group_number(found: Operations) -> int:
    """Which of the 1651 groups, as spglib counts them (after Litvin's order, but for a few)."""
    import spglib

    kind = spglib.get_magnetic_spacegroup_type_from_symmetry(
        found.rotations, found.translations, found.reversals, symprec=1e-5
    )
    if kind is None:
        raise RuntimeError("spglib knows no magnetic space group of these operations")
    return int(kind.uni_number)


@cache
def magnetic_group(uni: int) -> MagneticGroup:
    import spglib

    kind = spglib.get_magnetic_spacegroup_type(uni)
    return MagneticGroup(kind.bns_number, str(_iso_mag(uni)._data["bns_label"]), int(kind.type))


def _iso_mag(uni: int) -> MagneticSpaceGroup:
    import spglib
    from pymatgen.symmetry.maggroups import MagneticSpaceGroup

    number = spglib.get_magnetic_spacegroup_type(uni).bns_number
    return MagneticSpaceGroup([int(part) for part in number.split(".")])  # type: ignore[no-untyped-call]


@cache
def operations_of(uni: int) -> Operations:
    """The operations in the standard BNS setting (ISO-MAG)."""
    found = _iso_mag(uni).symmetry_ops
    ordered = sorted(found, key=lambda op: (op.time_reversal == -1, not np.allclose(op.rotation_matrix, np.eye(3)), str(op)))
    return Operations(
        np.array([np.round(op.rotation_matrix) for op in ordered], dtype=np.int64),
        np.array([op.translation_vector for op in ordered], dtype=np.float64) % 1.0,
        np.array([op.time_reversal == -1 for op in ordered]),
    )


@cache
def to_bns(uni: int) -> tuple[Floats, Floats]:
    """The matrix and the shift of x' = matrix @ x + shift from spglib's setting of a group to the BNS tables' one."""
    import spglib

    entry = spglib.get_magnetic_symmetry_from_database(uni)
    own = operations(entry["rotations"], entry["translations"], entry["time_reversals"])
    table = operations_of(uni)
    for turn in _PERMUTATIONS:
        turned = transformed(own, turn, np.zeros(3))
        if {(r.tobytes(), t) for r, t in zip(turned.rotations, turned.reversals.tolist(), strict=True)} != {
            (r.tobytes(), t) for r, t in zip(table.rotations, table.reversals.tolist(), strict=True)
        }:
            continue
        for steps in itertools.product(range(_ORIGINS), repeat=3):
            shift = np.array(steps) / _ORIGINS
            if equal(transformed(turned, np.eye(3), shift), table):
                return turn, shift
    raise RuntimeError(f"spglib and ISO-MAG disagree on magnetic space group {magnetic_group(uni)}")


def _permutations() -> list[Floats]:
    """The identity and the other five permutations of the axes, right-handed."""
    found = [np.eye(3)[list(order)] for order in itertools.permutations(range(3))]
    return [matrix * round(float(np.linalg.det(matrix))) for matrix in found]


_PERMUTATIONS = _permutations()


def transformed(given: Operations, matrix: Floats, shift: Floats) -> Operations:
    """The operations in coordinates x' = matrix @ x + shift."""
    back = np.linalg.inv(matrix)
    rotations = matrix @ given.rotations @ back
    translations = given.translations @ matrix.T + shift - rotations @ shift
    return Operations(np.round(rotations).astype(np.int64), translations % 1.0, given.reversals)


def repeated(given: Operations, translations: Floats) -> Operations:
    """Each operation followed by each of the translations (k, 3) of a centred cell."""
    k = len(translations)
    moved = (given.translations[:, None] + translations[None]).reshape(-1, 3)
    return Operations(given.rotations.repeat(k, axis=0), moved % 1.0, given.reversals.repeat(k))


def equal(one: Operations, other: Operations) -> bool:
    """The same operations, whatever their order."""
    return _keys(one) == _keys(other)


def _keys(given: Operations) -> set[tuple[bytes, bytes, bool]]:
    steps = np.round(given.translations * DENOMINATOR)
    if np.abs(given.translations * DENOMINATOR - steps).max() > DENOMINATOR * NEAR:
        return set()
    whole = steps.astype(np.int64) % DENOMINATOR
    rotations = given.rotations
    return {(r.tobytes(), s.tobytes(), t) for r, s, t in zip(rotations, whole, given.reversals.tolist(), strict=True)}
