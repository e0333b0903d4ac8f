"""Symmetry operations as CIF writes them (`-x,-2x+y,z+1/2`), and the groups that lists of them form."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

MOST_OPERATIONS = 192 * 8  # of a cubic group in a cell of eight primitive ones
DECIMAL_TOLERANCE = 6e-4  # between a decimal such as 0.333 or 0.6667 and the fraction that is meant
_LARGEST_DENOMINATOR = 12  # of a translation that is written as a decimal
_FINEST = 10_000  # common denominator of the translations of one list
_LARGEST = 16  # entry of a rotation matrix: 1 in standard settings, more in skewed cells
_EXACT = 1e-6  # rounding of products of small fractions
_TERM = re.compile(r"([+-]?)(\d+\.?\d*|\.\d+)?(?:/(\d+))?\*?([xyz]?)(?:/(\d+))?")
_WEIGHTS = np.random.default_rng(7).integers(1 << 40, 1 << 62, 12, dtype=np.int64)  # hashes a row of twelve integers


class OperationError(ValueError):
    """An operation that cannot be read, or a list that is no group."""


@dataclass(frozen=True, slots=True)
class Operation:
    """x' = rotation · x + translation, in fractions of the cell's axes; the translation modulo 1."""

    rotation: tuple[float, ...]  # nine, row by row; each the float next to a simple fraction, so that equal ones are equal
    translation: tuple[float, ...]  # three

    def after(self, first: Operation) -> Operation:
        """This operation applied to the result of another."""
        own, others = [_rational(q) for q in self.rotation], [_rational(q) for q in first.rotation]
        shift = [_rational(q) for q in first.translation]
        rows = [own[3 * i : 3 * i + 3] for i in range(3)]
        rotation = tuple(float(sum(r[k] * others[3 * k + j] for k in range(3))) for r in rows for j in range(3))
        moved = (sum(r[k] * shift[k] for k in range(3)) + _rational(t) for r, t in zip(rows, self.translation, strict=True))
        return Operation(rotation, tuple(float(t % 1) for t in moved))


@lru_cache(maxsize=4096)
def _rational(value: float) -> Fraction:
    return Fraction(value).limit_denominator(_FINEST)


IDENTITY = Operation(tuple(float(k % 4 == 0) for k in range(9)), (0.0, 0.0, 0.0))


@dataclass(frozen=True, eq=False)
class SymmetryGroup:
    """A group of operations modulo lattice translations, the identity first."""

    operations: frozenset[Operation]
    rotations: NDArray[np.float64] = field(repr=False)  # (m, 3, 3)
    translations: NDArray[np.float64] = field(repr=False)  # (m, 3)
    metric_change: NDArray[np.float64] = field(
        repr=False
    )  # (9, 9): flat metric tensor -> its mean over the operations less itself
    whole_numbers: bool = True  # each rotation is a matrix of whole numbers (others need a centred cell)
    orbit_masks: dict[bytes, NDArray[np.bool_]] = field(default_factory=dict, repr=False)  # kept by special_positions

    def __len__(self) -> int:
        return len(self.operations)


@lru_cache(maxsize=16384)
def parse_operation(text: str) -> Operation:
    """Read one operation; a fourth component (time reversal in magCIF) is left out, since it moves no atom.

    Raises:
        OperationError: with the operation as it is written.
    """
    parts = re.sub(r"\s", "", text).lower().replace("−", "-").split(",")
    if len(parts) == 4 and re.fullmatch(r"[+-]?1|m?[+-]1", parts[3]):
        parts = parts[:3]
    if len(parts) != 3:
        raise OperationError(f"the symmetry operation {text[:80]!r} cannot be read")
    try:
        rows = [_component(part) for part in parts]
    except ValueError as fault:
        raise OperationError(f"the symmetry operation {text[:80]!r} cannot be read: {fault}") from fault
    rotation = tuple(row[axis] for row in rows for axis in "xyz")
    if abs(_determinant(rotation)) != 1:
        raise OperationError(f"the symmetry operation {text[:80]!r} does not keep the volume of the cell")
    return Operation(tuple(float(q) for q in rotation), tuple(float(row[""] % 1) for row in rows))


def _component(text: str) -> dict[str, Fraction]:
    """The coefficients of x, y, z, and under "" the translation."""
    found = dict.fromkeys(("x", "y", "z", ""), Fraction())
    place = 0
    while place < len(text):
        match = _TERM.match(text, place)
        assert match is not None  # each of its parts may be empty
        sign, number, over, axis, over_after = match.groups()
        if match.end() == place or not (number or axis) or (place and not sign) or (over and not number):
            raise ValueError(f"{text[place : place + 20]!r} is no term of an operation")
        value = _fraction(number or "1") / (int(over or 1) * int(over_after or 1) or math.nan)
        if not isinstance(value, Fraction):
            raise ValueError("division by zero")
        found[axis] += -value if sign == "-" else value
        place = match.end()
    if not text:
        raise ValueError("a component is empty")
    return found


def _fraction(number: str) -> Fraction:
    exact = Fraction(number)
    near = exact.limit_denominator(_LARGEST_DENOMINATOR)
    if abs(near - exact) > DECIMAL_TOLERANCE:
        raise ValueError(f"{number} is near no simple fraction")
    return near


def _determinant(r: tuple[Fraction, ...]) -> Fraction:
    a, b, c, d, e, f, g, h, i = r
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)


@lru_cache(maxsize=4096)  # the same lists come again and again
def group_of(texts: tuple[str, ...]) -> SymmetryGroup:
    """The group that a list of operations is; a repeated operation counts once.

    Raises:
        OperationError: an operation that cannot be read, or operations that are no group.
    """
    return group_from(parse_all(texts))


def parse_all(texts: tuple[str, ...]) -> frozenset[Operation]:
    """The distinct operations of a list.

    Raises:
        OperationError: an operation that cannot be read, or more of them than any group has.
    """
    distinct = set(texts)
    if len(distinct) > 4 * MOST_OPERATIONS:  # one operation can be written in several ways
        raise OperationError(f"{len(distinct)} different symmetry operations; no group has so many")
    return frozenset(map(parse_operation, distinct))


@lru_cache(maxsize=4096)
def group_from(operations: frozenset[Operation]) -> SymmetryGroup:
    """Raises OperationError where the operations are no group modulo lattice translations."""
    if not is_group(operations):
        raise OperationError(f"the {len(operations)} symmetry operations are no group: one or more are missing or wrong")
    others = sorted(operations - {IDENTITY}, key=lambda op: (op.translation, op.rotation))
    rotations, translations = _arrays([IDENTITY, *others])
    distinct = np.unique(rotations, axis=0)
    change = np.mean([np.kron(r, r) for r in distinct], axis=0) - np.eye(9)  # row vectors: flat(Rᵀ G R) = flat(G) · (R ⊗ R)
    whole = bool((rotations == np.rint(rotations)).all())
    return SymmetryGroup(operations, rotations, translations, change, whole)


def is_group(operations: frozenset[Operation]) -> bool:
    """Whether they hold the identity and all products, modulo the translations of the lattice."""
    if IDENTITY not in operations or len(operations) > MOST_OPERATIONS:
        return False
    grain = math.lcm(*(_rational(q).denominator for q in {q for op in operations for q in (*op.rotation, *op.translation)}))
    if grain > _FINEST:
        return False
    rotations, translations = _arrays(list(operations))
    if np.abs(rotations).max() > _LARGEST:
        return False
    own = _codes(rotations, translations, grain)
    for rotation, translation in zip(rotations, translations, strict=True):
        products, shifts = rotation @ rotations, translations @ rotation.T + translation
        if not np.isin(_codes(products, shifts, grain), own).all():
            return False
    # A rotation with a fraction such as 1/2 in it is lawful where centring translations make up for it.
    steps = rotations.transpose(0, 2, 1).reshape(-1, 3)
    if (steps == np.rint(steps)).all():
        return True
    unmoved = np.broadcast_to(np.eye(3), (len(steps), 3, 3))
    return bool(np.isin(_codes(unmoved, steps, grain), own).all())


def _arrays(operations: list[Operation]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rotations = np.array([op.rotation for op in operations]).reshape(-1, 3, 3)
    return rotations, np.array([op.translation for op in operations])


def _codes(rotations: NDArray[np.float64], translations: NDArray[np.float64], grain: int) -> NDArray[np.int64]:
    """One number for each operation; a product that is off the grid of fractions gets the number of none."""
    rows = np.concatenate([rotations.reshape(-1, 9), translations], axis=1) * grain
    whole = np.rint(rows)
    off = np.abs(rows - whole).max(axis=1) > _EXACT * grain
    whole[:, 9:] %= grain
    codes: NDArray[np.int64] = whole.astype(np.int64) @ _WEIGHTS
    codes[off] = 0
    return codes
