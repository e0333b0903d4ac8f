"""The label: a crystal's magnetic moment from DFT, its conversion of units, and the checks that find wrong labels."""

from __future__ import annotations

import math
from dataclasses import dataclass

from data.rejection import Reason

TESLA_PER_MUB_PER_A3 = 11.654  # µ0·µB/Å³ in tesla
MAGNETIC_THRESHOLD = 0.05  # µB/atom; below it a crystal counts as non-magnetic (DFT noise ends near 1e-3)
MAX_MUB_PER_ATOM = 10.0  # no element carries more
MAX_MUB_PER_SITE = 12.0  # of a single site, projections of a calculation included
IDENTITY_TOLERANCE = 1e-3  # µB/atom between a stated and a recomputed normalisation
ORDERINGS = ("FM", "FiM", "AFM", "NM")
AFM_TOLERANCE = 0.1  # µB/atom; largest total moment of a crystal that is labelled AFM


@dataclass(frozen=True, slots=True)
class Label:
    """A moment as a source states it. The sign of a total moment is a convention; the conversions return its size."""

    moment_muB_per_cell: float
    moment_muB_per_atom: float | None = None  # stated by the source, checked against the total
    ordering: str | None = None  # FM, FiM, AFM, NM, where the source gives one
    provenance: str = ""  # which calculation or database the number comes from
    site_moments_muB: tuple[float, ...] | None = None  # signed, in the order of the crystal's sites

    def per_atom(self, n_sites: int) -> float:
        """|M| in µB per atom of a cell with `n_sites` atoms."""
        return abs(self.moment_muB_per_cell) / n_sites

    def per_A3(self, volume_A3: float) -> float:
        """|M| in µB per Å³ of a cell with the volume `volume_A3` (Å³)."""
        return abs(self.moment_muB_per_cell) / volume_A3


def saturation_T(moment_muB_per_atom: float, volume_A3_per_atom: float) -> float:
    """µ0·Ms in tesla; bcc Fe (2.2 µB, 11.8 Å³) gives 2.17 T."""
    return TESLA_PER_MUB_PER_A3 * moment_muB_per_atom / volume_A3_per_atom


def find_fault(label: Label, n_sites: int) -> tuple[Reason, str] | None:
    """The first check that a label fails.

    Args:
        label: the label.
        n_sites: atoms in the cell that the total moment belongs to.

    Returns:
        The reason and the numbers behind it; None for a label that passes every check.
    """
    total = label.moment_muB_per_cell
    if not math.isfinite(total):
        return Reason.BAD_LABEL, f"the moment is {total}"
    per_atom = label.per_atom(n_sites)
    if per_atom > MAX_MUB_PER_ATOM:
        return Reason.BAD_LABEL, f"{per_atom:.3g} µB/atom is more than any element carries"
    stated = label.moment_muB_per_atom
    if stated is not None and not abs(abs(stated) - per_atom) <= IDENTITY_TOLERANCE:
        return Reason.CONTRADICTORY_LABEL, f"stated {stated:.4g} µB/atom, but {total:.4g} µB / {n_sites} sites = {per_atom:.4g}"
    if label.site_moments_muB is not None and (wrong := _site_fault(label.site_moments_muB, n_sites)):
        return Reason.BAD_LABEL, wrong
    if label.ordering is not None and label.ordering not in ORDERINGS:
        return Reason.BAD_LABEL, f"the ordering {label.ordering[:20]!r} is none of {', '.join(ORDERINGS)}"
    if label.ordering == "NM" and per_atom > MAGNETIC_THRESHOLD:
        return Reason.CONTRADICTORY_LABEL, f"called non-magnetic with {per_atom:.3g} µB/atom"
    if label.ordering == "AFM" and per_atom > AFM_TOLERANCE:
        return Reason.CONTRADICTORY_LABEL, f"called antiferromagnetic with a net {per_atom:.3g} µB/atom"
    return None


def _site_fault(moments: tuple[float, ...], n_sites: int) -> str:
    """What is wrong with signed site moments; empty where nothing is."""
    if len(moments) != n_sites:
        return f"{len(moments)} site moments for {n_sites} sites"
    wrong = next((moment for moment in moments if not abs(moment) <= MAX_MUB_PER_SITE), None)
    return "" if wrong is None else f"a site moment of {wrong:.3g} µB; the limit is {MAX_MUB_PER_SITE:g}"
