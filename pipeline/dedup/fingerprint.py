"""A fingerprint that is the same for every cell, origin, orientation and site order of a crystal."""

from __future__ import annotations

from data.symmetry import SymmetricCell

# The eleven pairs of space groups that are mirror images of each other (International Tables A, 2016, table 2.1.3.1). A crystal
# and its mirror image have the same moment, and StructureMatcher treats them as equal.
_LEFT = {
    78: 76, 95: 91, 96: 92, 145: 144, 153: 151, 154: 152, 170: 169, 172: 171, 179: 178, 181: 180, 213: 212,
}  # fmt: skip


def fingerprint(cell: SymmetricCell) -> str:
    """Space group, then the element and the multiplicity of each orbit of the primitive cell: "225|8:1|26:1".

    Polymorphs of another symmetry or with other decorations of the same sites have other fingerprints. Different crystals with
    the same fingerprint are distinguished by their geometry (pipeline.dedup.matching).
    """
    elements = cell.numbers[cell.representatives].tolist()
    orbits = sorted(zip(elements, cell.multiplicities.tolist(), strict=True))
    return "|".join([str(_LEFT.get(cell.space_group, cell.space_group)), *(f"{z}:{n}" for z, n in orbits)])
