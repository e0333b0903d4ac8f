"""The fingerprint that two descriptions of one crystal share whatever their cell, origin, orientation and site order."""

from __future__ import annotations

from data.symmetry import SymmetricCell

# The eleven pairs of space groups that are mirror images of each other (International Tables A, 2016, table 2.1.3.1). A crystal
# and its mirror image have the same moment, and StructureMatcher takes them for one.
_LEFT = {
    78: 76, 95: 91, 96: 92, 145: 144, 153: 151, 154: 152, 170: 169, 172: 171, 179: 178, 181: 180, 213: 212,
}  # fmt: skip


def fingerprint(cell: SymmetricCell) -> str:
    """Space group, and for each orbit of the primitive cell its element and how many sites it has: "225|8:1|26:1".

    Polymorphs with other symmetry and other decorations of the same sites get other fingerprints; those that still share one
    are told apart by their geometry (pipeline.dedup.matching).
    """
    elements = cell.numbers[cell.representatives].tolist()
    orbits = sorted(zip(elements, cell.multiplicities.tolist(), strict=True))
    return "|".join([str(_LEFT.get(cell.space_group, cell.space_group)), *(f"{z}:{n}" for z, n in orbits)])
