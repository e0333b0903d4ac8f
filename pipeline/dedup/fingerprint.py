"""A fingerprint that is the same for every cell, origin, orientation and site order of a crystal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from data.crystal import MAX_ATOMIC_NUMBER
from data.symmetry import ENANTIOMORPH, SymmetricCell

DISORDERED = "disordered"  # how fingerprints of disordered crystals begin (pipeline.disorder.averaged_cell)


def fingerprint(cell: SymmetricCell) -> str:
    """Space group, then the element and the multiplicity of each orbit of the primitive cell: "225|8:1|26:1".

    Polymorphs of another symmetry or with other decorations of the same sites have other fingerprints. Different crystals with
    the same fingerprint are distinguished by their geometry (pipeline.dedup.matching).
    """
    group = ENANTIOMORPH.get(cell.space_group, cell.space_group)  # StructureMatcher treats mirror images as equal
    elements = cell.numbers[cell.representatives].tolist()
    orbits = sorted(zip(elements, cell.multiplicities.tolist(), strict=True))
    return "|".join([str(group), *(f"{z}:{n}" for z, n in orbits)])


def site_kinds(cell: SymmetricCell, key: str) -> NDArray[np.int64]:
    """(n,) what tells the sites of a cell apart, the same in all crystals with its fingerprint: the atomic numbers.

    The cell of a disordered crystal has the main element of each place, that places of other occupants may share. There, the sets
    of occupants are numbered from 1, in the order of the fingerprint, which lists one set for each orbit.

    Args:
        cell: a symmetrised crystal.
        key: its fingerprint.
    """
    kind, _, *orbits = key.split("|")
    if kind != DISORDERED:
        return cell.numbers
    occupants = [text.rpartition(":")[0] for text in orbits]
    number = {text: k % MAX_ATOMIC_NUMBER + 1 for k, text in enumerate(dict.fromkeys(occupants))}  # they stand for elements
    return np.array([number[text] for text in occupants])[cell.orbit]
