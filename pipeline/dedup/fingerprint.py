"""A fingerprint that is the same for every cell, origin, orientation and site order of a crystal."""

from __future__ import annotations

from data.symmetry import ENANTIOMORPH, SymmetricCell


def fingerprint(cell: SymmetricCell) -> str:
    """Space group, then the element and the multiplicity of each orbit of the primitive cell: "225|8:1|26:1".

    Polymorphs of another symmetry or with other decorations of the same sites have other fingerprints. Different crystals with
    the same fingerprint are distinguished by their geometry (pipeline.dedup.matching).
    """
    group = ENANTIOMORPH.get(cell.space_group, cell.space_group)  # StructureMatcher treats mirror images as equal
    elements = cell.numbers[cell.representatives].tolist()
    orbits = sorted(zip(elements, cell.multiplicities.tolist(), strict=True))
    return "|".join([str(group), *(f"{z}:{n}" for z, n in orbits)])
