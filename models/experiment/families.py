"""The order of related formulas: what is known of a family, such as RCo2Si2 of all rare earths or GdCo2X2 of the carbon group.

A family is a formula in which the elements of one class are left open. Its evidence is the share of ferro- or ferrimagnets among
its members less that of all rows, drawn towards zero where there are few members. Forests split on descriptors that mix all
elements, and seldom find such relatives. A family of a single row is not kept, so that a file of them holds no row of the data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Keys = NDArray[np.uint64]
CLASSES = (  # of elements that take each other's place; all others stand alone
    (3, 11, 19, 37, 55, 87), (4, 12, 20, 38, 56, 88), (21, 39, *range(57, 72)), tuple(range(89, 104)), tuple(range(22, 29)),
    (40, 72), (41, 73), (42, 74), (43, 75), (44, 76), (45, 77), (46, 78), (47, 79), (30, 48, 80), (5, 13, 31, 49, 81),
    (6, 14, 32, 50, 82), (7, 15, 33, 51, 83), (8, 16, 34, 52, 84), (9, 17, 35, 53, 85),
)  # fmt: skip
STEPS = 100  # fractions are compared in steps of 1 / STEPS
TIE = 1e-6  # added, so that a fraction between two steps goes up whatever its last bits
PRIOR = 2.0  # members' worth of the share of all rows
FEWEST = 2  # members of a family
LARGEST_Z = 118
LOGITS = 2.0  # that an evidence of one is worth; from 1.5 to 3 nothing changes on chemical systems that none had seen
PARTS = ("family", "evidence", "weight")


@dataclass(frozen=True, eq=False)
class Families:
    """One row a family."""

    family: NDArray[np.int64]  # (families,) ascending bits of their keys
    evidence: NDArray[np.float32]  # (families,) share of ferro- or ferrimagnets less that of all rows, drawn towards 0
    weight: NDArray[np.float32]  # (families,) 0 to 1, by the number of members

    @classmethod
    def none(cls) -> Self:
        """Of no rows."""
        return cls(np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros(0, np.float32))

    @classmethod
    def fit(cls, numbers: NDArray[np.int64], fractions: Floats, start: NDArray[np.int64], truth: Floats) -> Self:
        """From packed compositions and (formulas,) 1 for a ferro- or ferrimagnet, 0 for an antiferromagnet."""
        if not len(truth):
            return cls.none()
        owner, key = family_keys(numbers, fractions, start)
        found, place = np.unique(key, return_inverse=True)
        members = np.bincount(place, minlength=len(found)).astype(np.float64)
        total = np.bincount(place, weights=(truth - truth.mean())[owner], minlength=len(found))
        kept = members >= FEWEST
        weight = members[kept] / (members[kept] + PRIOR)
        evidence = total[kept] / (members[kept] + PRIOR)
        return cls(found[kept], evidence.astype(np.float32), weight.astype(np.float32))

    def score(self, numbers: NDArray[np.int64], fractions: Floats, start: NDArray[np.int64]) -> Floats:
        """(formulas,) logits, from the mean evidence of a formula's families by weight; 0 where none is known."""
        owner, key = family_keys(numbers, fractions, start)
        if not len(self.family) or not len(owner):
            return np.zeros(len(start))
        place = np.minimum(np.searchsorted(self.family, key), len(self.family) - 1)
        known = self.family[place] == key
        weight = np.where(known, self.weight[place], 0.0)
        total = np.bincount(owner, weights=weight, minlength=len(start))
        summed = np.bincount(owner, weights=weight * self.evidence[place], minlength=len(start))
        logits: Floats = LOGITS * summed / np.where(total > 0, total, 1.0)
        return logits

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What a file holds of it."""
        return {name: getattr(self, name) for name in PARTS}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """Raises ValueError or KeyError for arrays that describe no families."""
        found = cls(**{name: arrays[name] for name in PARTS})
        kinds = {"family": np.int64, "evidence": np.float32, "weight": np.float32}
        typed = all(getattr(found, name).dtype == kind for name, kind in kinds.items())
        shaped = found.family.ndim == 1 and found.family.shape == found.evidence.shape == found.weight.shape
        if not (typed and shaped) or (found.family[1:] <= found.family[:-1]).any():  # a difference could overflow
            raise ValueError("the arrays describe no families of formulas")
        if not (np.abs(found.evidence) <= 1).all() or not ((found.weight > 0) & (found.weight <= 1)).all():
            raise ValueError("the evidence of families is out of range")
        return found


def family_keys(
    numbers: NDArray[np.int64], fractions: Floats, start: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(memberships,) row of a formula, and the key of one of its families: one for each class among its elements.

    A key is the sum of the keys of its parts, so that the order of elements does not matter.
    """
    if not len(start):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    row = np.repeat(np.arange(len(start)), np.diff(np.append(start, len(numbers))))
    share = np.rint(fractions * STEPS + TIE).astype(np.uint64)
    group = _classes()[numbers]
    of_element, of_class = _mixed(numbers, share), _mixed(group, share)
    whole = np.add.reduceat(of_element, start)
    open_class, place = np.unique(row * (2 * LARGEST_Z) + group, return_inverse=True)
    change = np.zeros(len(open_class), dtype=np.uint64)
    np.add.at(change, place, of_class - of_element)
    owner = open_class // (2 * LARGEST_Z)
    return owner, (whole[owner] + change).view(np.int64)


def _classes() -> NDArray[np.int64]:
    """(LARGEST_Z + 1,) class of each atomic number, above LARGEST_Z where it stands for several elements."""
    out = np.arange(LARGEST_Z + 1)
    for k, members in enumerate(CLASSES):
        out[list(members)] = LARGEST_Z + 1 + k
    return out


def _mixed(name: NDArray[np.int64], share: Keys) -> Keys:
    """(entries,) well-mixed 64-bit numbers of names and shares (finaliser of SplitMix64; Steele et al., OOPSLA 2014)."""
    z = (name.astype(np.uint64) * np.uint64(1009) + share + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
