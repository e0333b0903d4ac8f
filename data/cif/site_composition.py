"""The composition of the sites, and whether it is the stated one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import gcd

import gemmi
import numpy as np
from numpy.typing import NDArray

from data.checks import Unsound
from data.cif.stated_composition import OTHER_FORMULAS, Composition, formula_readings, stated_formula, written
from data.rejection import Reason

EXACT = 2e-3  # share of the atoms by which two compositions may differ and be the same, rounded
SLIGHT = 0.02  # share of the atoms by which a formula may be off (a dopant, one hydrogen of many) and get a note
WHOLE = 1e-6  # within which a number of atoms is whole
ROUNDED = 0.1  # of one element, relative, where the formula itself is not of whole numbers


def composition_of(small: gemmi.SmallStructure, sizes: NDArray[np.int64]) -> Composition:
    """Atoms in the unit cell by atomic number, weighted by their occupancies; `sizes` are the atoms of each listed site."""
    return _added_up(zip(small.sites, sizes.tolist(), strict=True))


def gemmi_composition(small: gemmi.SmallStructure) -> Composition:
    """The same with the symmetry as gemmi reads it, for when the symmetry is not settled yet."""
    return _added_up((site, 1) for site in small.get_all_unit_cell_sites())


def _added_up(sites: Iterable[tuple[gemmi.SmallStructure.Site, int]]) -> Composition:
    """Atoms by atomic number, of sites and how many atoms each stands for."""
    total: Composition = {}
    for site, atoms in sites:
        z = int(site.element.atomic_number)
        total[z] = total.get(z, 0.0) + float(site.occ) * atoms
    return total


def of_numbers(numbers: Sequence[int]) -> Composition:
    """The composition of a list of atoms."""
    return {z: float(n) for z, n in Counter(numbers).items()}


def fits(sites: Composition, stated: Composition) -> bool:
    """Whether one is a multiple of the other, but for rounding."""
    return sites.keys() == stated.keys() and _difference(sites, stated)[0] <= EXACT


def hold_against_formula(block: gemmi.cif.Block, atoms: Composition, shared: Composition | None = None) -> str:
    """Compare what the sites add up to with the stated formula.

    Args:
        block: the CIF block.
        atoms: in the cell.
        shared: the same with the occupancies of a disordered crystal, of which `atoms` is the majority; a formula states either.

    Returns:
        A note where the formula is slightly off or the stated Z does not agree; empty where all agrees or nothing is stated.

    Raises:
        Unsound: MISSING_ATOMS where they contradict each other.
    """
    text = stated_formula(block)
    readings = formula_readings(text)
    if not readings:
        return _weaker_formulas(block, atoms if shared is None else shared)
    sites = atoms if shared is None or any(fits(atoms, stated) for stated in readings) else shared
    best = min(readings, key=lambda stated: (sites.keys() != stated.keys(), _difference(sites, stated)[0]))
    missing, extra = best.keys() - sites.keys(), sites.keys() - best.keys()
    both = f"stated {text!r}, the sites make {written(_reduced(sites, best))!r}"
    if missing:
        raise Unsound(Reason.MISSING_ATOMS, f"the formula names {_symbols(missing)}, but no site holds it ({both})")
    if extra:
        raise Unsound(Reason.MISSING_ATOMS, f"the sites hold {_symbols(extra)}, which the formula lacks ({both})")
    share, scale = _difference(sites, best)
    if share > EXACT:
        whole = all(abs(n - round(n)) < WHOLE for n in best.values())
        excess = sites[1] - scale * best.get(1, 0.0) if 1 in sites else 0.0
        if 0 < excess <= ROUNDED * sites[1] and abs(excess - share * sum(sites.values())) < WHOLE:
            return f"more hydrogen than the formula states: {both}"
        near = all(abs(sites[z] - scale * n) <= ROUNDED * max(sites[z], scale * n) for z, n in best.items())
        if share > SLIGHT and (whole or not near):
            raise Unsound(Reason.MISSING_ATOMS, f"the sites do not add up to the formula: {both}")
        return f"the formula is slightly off: {both}"
    return ""


def _weaker_formulas(block: gemmi.cif.Block, sites: Composition) -> str:
    """A note where no sum formula can be read and another formula, which often leaves something out, disagrees."""
    for tag in OTHER_FORMULAS:
        text = stated_formula(block, tag)
        readings = formula_readings(text)
        if readings:
            agrees = any(fits(sites, stated) for stated in readings)
            return "" if agrees else f"{tag} is {text!r}, the sites make {written(_reduced(sites, readings[0]))!r}"
    return ""


def _difference(sites: Composition, stated: Composition) -> tuple[float, float]:
    """(share of the atoms that differ, formula units in the cell) for the number of units that makes them differ least."""
    atoms = sum(sites.values())
    found = []
    for scale in {sites[z] / n for z, n in stated.items() if z in sites} or {atoms / sum(stated.values())}:
        gap = sum(abs(sites.get(z, 0.0) - scale * stated.get(z, 0.0)) for z in sites.keys() | stated.keys())
        found.append((gap / atoms, scale))
    return min(found)


def _reduced(sites: Composition, stated: Composition) -> Composition:
    """The sites' composition in smallest whole numbers, or where it has none, per formula unit."""
    whole = {z: round(n) for z, n in sites.items()}
    divisor = gcd(*whole.values())
    if divisor and all(abs(n - whole[z]) < WHOLE for z, n in sites.items()):
        return {z: n / divisor for z, n in whole.items()}
    _, scale = _difference(sites, stated)
    return {z: n / scale for z, n in sites.items()}


def _symbols(numbers: set[int]) -> str:
    return ", ".join(gemmi.Element(z).name for z in sorted(numbers))
