"""Rules that a document of the Materials Project must keep: what must be there, and what must agree with what."""

from __future__ import annotations

import math
from typing import Any

from data.crystal import Crystal
from data.labels import MAGNETIC_THRESHOLD
from data.rejection import Reason

RELATIVE_TOLERANCE = 0.01  # between a stated normalisation and the total over the volume or the formula units
ABSOLUTE_TOLERANCE = 1e-3  # µB, of the same
SITE_SHARE = 0.5  # site moments miss what lies between the atoms, some per cent; half is another calculation
SITE_TOLERANCE = 0.3  # µB/atom below which that share says nothing
Fault = tuple[Reason, str]


def find_contradiction(
    content: dict[str, Any], crystal: Crystal, total_muB: float, moments_muB: list[float] | None
) -> Fault | None:
    """The first rule that a document breaks, with the numbers in words; None for a sound one.

    Args:
        content: the document's known fields.
        crystal: its structure.
        total_muB: the total magnetisation of the cell.
        moments_muB: one moment a site, where the document has them.
    """
    stated = content.get("nsites")
    if stated is not None and stated != crystal.n_sites:
        return Reason.CONTRADICTORY_LABEL, f"stated {stated} sites, but the structure has {crystal.n_sites}"
    return (
        _normalisations(content, crystal, total_muB)
        or _flags(content, abs(total_muB) / crystal.n_sites)
        or _sites(crystal, total_muB, moments_muB)
    )


def _normalisations(content: dict[str, Any], crystal: Crystal, total_muB: float) -> Fault | None:
    units = formula_units(crystal)
    for name, divisor, unit in (
        ("total_magnetization_normalized_vol", crystal.volume, "µB/Å³"),
        ("total_magnetization_normalized_formula_units", units, "µB per formula unit"),
    ):
        stated = content.get(name)
        if stated is None:
            continue
        if not isinstance(stated, int | float) or not math.isfinite(stated):
            return Reason.BAD_LABEL, f"{name} is {stated!r:.60}, no number"
        if abs(abs(stated) * divisor - abs(total_muB)) > ABSOLUTE_TOLERANCE + RELATIVE_TOLERANCE * abs(total_muB):
            return (
                Reason.CONTRADICTORY_LABEL,
                f"stated {stated:.4g} {unit}, but {total_muB:.4g} µB / {divisor:.4g} = {total_muB / divisor:.4g}",
            )
    return None


def _flags(content: dict[str, Any], per_atom: float) -> Fault | None:
    if per_atom <= MAGNETIC_THRESHOLD:
        return None
    for name in ("is_magnetic", "num_magnetic_sites"):
        if content.get(name) in (False, 0):
            return Reason.CONTRADICTORY_LABEL, f"{name} is {content[name]}, but the moment is {per_atom:.3g} µB/atom"
    return None


def _sites(crystal: Crystal, total_muB: float, moments_muB: list[float] | None) -> Fault | None:
    if moments_muB is None:
        return None
    summed, total = abs(sum(moments_muB)), abs(total_muB)
    gap = abs(summed - total)
    if gap > SITE_TOLERANCE * crystal.n_sites and gap > SITE_SHARE * max(summed, total):
        return Reason.CONTRADICTORY_LABEL, f"the site moments add up to {summed:.4g} µB, the total is {total:.4g} µB"
    return None


def formula_units(crystal: Crystal) -> float:
    """Formula units in the cell, as pymatgen's reduced formula counts them: one atom of oxygen is half an O2."""
    return float(crystal.to_pymatgen().composition.get_reduced_formula_and_factor()[1])
