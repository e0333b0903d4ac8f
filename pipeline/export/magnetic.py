"""The magnetic space groups of a candidate's orderings, and their magnetic CIF files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.export.mcif import write_mcif
from pipeline.magnetism.competing_orderings import Ordering
from pipeline.magnetism.magnetic_group import in_bns_setting, without_spin_orbit
from pipeline.magnetism.magnetic_tables import MagneticGroup

FOLDER = "mcif"


@dataclass(frozen=True)
class MagneticSymmetry:
    """What an export says of an ordering's symmetry."""

    ordering: str
    signed: MagneticGroup  # of the moments as signed numbers: a calculation without spin-orbit coupling
    vectors: MagneticGroup  # of the moments as vectors along `axis`, as the magnetic CIF file has them
    axis: str  # in the standard setting of `vectors`: [0 0 1]

    def facts(self) -> dict[str, Any]:
        """For a summary in JSON."""
        return {
            "without_spin_orbit": {"bns_number": self.signed.number, "bns_symbol": self.signed.symbol},
            "with_moments_along_axis": {"bns_number": self.vectors.number, "bns_symbol": self.vectors.symbol, "axis": self.axis},
        }  # fmt: skip


def magnetic_symmetries(orderings: list[Ordering], folder: Path | None) -> tuple[list[MagneticSymmetry], list[str]]:
    """The groups of the orderings, and a sentence for each ordering that has none.

    Args:
        orderings: of one crystal.
        folder: where to write a magnetic CIF file for each; None: nowhere.
    """
    found, gaps = [], []
    for ordering in orderings:
        try:
            cell = in_bns_setting(ordering) if folder is None else write_mcif(ordering, folder / f"{ordering.name}.mcif")
            axis = "[" + " ".join(f"{round(x, 3) + 0.0:g}" for x in cell.axis) + "]"
            found.append(MagneticSymmetry(ordering.name, without_spin_orbit(ordering), cell.group, axis))
        except RuntimeError as fault:
            gaps.append(f"{'no magnetic space group' if folder is None else 'no mCIF'} of {ordering.name}: {fault}")
    return found, gaps
