"""The sites of a CIF block with their occupancies to the places of a disordered crystal."""

from __future__ import annotations

from math import isfinite

import gemmi
import numpy as np
from numpy.typing import NDArray

from data.checks import MIN_DISTANCE_A, Unsound, check_distances
from data.cif.disorder import MOST_FILLED, NOTHING, SAME_PLACE_A
from data.cif.numbers import number_of
from data.crystal import CrystalError, make_crystal
from data.disordered import DisorderedCrystal, Occupants, Species
from data.rejection import Reason

FULL_WITHIN = 0.002  # a place that is filled 0.998 times is full: three thirds are written as 3 × 0.333
LARGEST = 512  # places of a disordered cell; the pairs of more take too long


def drop_empty_sites(small: gemmi.SmallStructure) -> str:
    """Remove sites of occupancy 0, in place; returns what was done, in words.

    Raises:
        Unsound: PARTIAL_OCCUPANCY for an occupancy below 0 or far above 1.
    """
    empty = []
    for k, site in enumerate(small.sites):
        if not -NOTHING <= site.occ <= MOST_FILLED:
            raise Unsound(Reason.PARTIAL_OCCUPANCY, f"site {site.label!r} has occupancy {site.occ:.4g}")
        if site.occ <= NOTHING:
            empty.append(k)
    for k in reversed(empty):
        del small.sites[k]
    if not small.sites:
        raise Unsound(Reason.NO_SITES, "every site has occupancy 0")
    return f"{len(empty)} site{'' if len(empty) == 1 else 's'} of occupancy 0 left out" if empty else ""


def disordered_crystal(
    identifier: str, small: gemmi.SmallStructure, block: gemmi.cif.Block, frac: NDArray[np.float64],
    sizes: NDArray[np.int64], lattice: NDArray[np.float64],
) -> DisorderedCrystal:  # fmt: skip
    """The places of the cell, each with all that shares it.

    Atoms within SAME_PLACE_A of one another share one place, at their mean position, if together they fill it at most once.

    Args:
        identifier: id of the crystal.
        small: the listed sites, without empty ones.
        block: their block, for oxidation states.
        frac: (N, 3) fractional coordinates of the atoms of the cell, those of one listed site together.
        sizes: (listed sites,) atoms of each.
        lattice: (3, 3), Å, one lattice vector a row.

    Raises:
        Unsound: sites that fill a place more than once, full sites on one another, or a cell that is too large.
    """
    owner = np.repeat(np.arange(len(sizes)), sizes)
    if len(owner) > LARGEST:
        detail = f"{len(owner)} partly occupied or full sites in the cell; the limit for a disordered crystal is {LARGEST}"
        raise Unsound(Reason.TOO_LARGE, detail)
    occupancy = np.array([site.occ for site in small.sites])[owner]
    charges = _charges(small, block)
    groups = _places(frac, occupancy, lattice)
    kinds: dict[Occupants, int] = {}
    kind, places = [], []
    known: dict[tuple[int, ...], int] = {}  # kinds by the listed sites that share a place
    for group in groups:
        shares = tuple(owner[group].tolist())
        if len(group) == 1 and shares in known:
            kind.append(known[shares])
            places.append(frac[group[0]])
            continue
        sites = [small.sites[k] for k in shares]
        filled = float(occupancy[group].sum())
        if filled > MOST_FILLED:
            detail = f"sites {', '.join(sorted({s.label for s in sites})[:4])} fill one place {filled:.4g} times"
            raise Unsound(Reason.PARTIAL_OCCUPANCY, detail)
        occupants = _occupants([(s, float(occupancy[k]), charges[owner[k]]) for s, k in zip(sites, group, strict=True)], filled)
        kind.append(kinds.setdefault(occupants, len(kinds)))
        known[shares] = kind[-1]
        shift = frac[group] - frac[group[0]]
        shift -= np.rint(shift)
        places.append(frac[group[0]] + (shift * occupancy[group, None]).sum(axis=0) / filled)
    try:
        found = DisorderedCrystal(identifier, lattice, np.array(places), np.array(kind, dtype=np.int64), tuple(kinds))
    except CrystalError as fault:
        raise Unsound(Reason.NO_CELL, str(fault)) from fault
    _check_full_places(found)
    return found


def _places(frac: NDArray[np.float64], occupancy: NDArray[np.float64], lattice: NDArray[np.float64]) -> list[list[int]]:
    """Atoms by place. Sites refined a little apart share a place; where they would fill it more than once, only equal ones do."""
    apart = frac[:, None] - frac
    apart -= np.rint(apart)
    distance = np.linalg.norm(apart @ lattice, axis=-1)
    groups: list[list[int]] = []
    for group in _components(distance < SAME_PLACE_A):
        if len(group) > 1 and occupancy[group].sum() > MOST_FILLED:
            inner = _components(distance[np.ix_(group, group)] < MIN_DISTANCE_A / 50)
            groups += [[group[k] for k in part] for part in inner]
        else:
            groups.append(group)
    return sorted(groups)


def _components(near: NDArray[np.bool_]) -> list[list[int]]:
    if not np.triu(near, 1).any():
        return [[k] for k in range(len(near))]
    from scipy.sparse.csgraph import connected_components  # late: few files are disordered

    number, label = connected_components(near, directed=False)
    found: list[list[int]] = [[] for _ in range(number)]
    for k, one in enumerate(label.tolist()):
        found[one].append(k)
    return found


def _occupants(sites: list[tuple[gemmi.SmallStructure.Site, float, float | None]], filled: float) -> Occupants:
    """What shares a place; a place that is full within rounding is full."""
    scale = 1.0 / filled if filled >= 1.0 - FULL_WITHIN else 1.0
    total: dict[int, float] = {}
    charge: dict[int, float | None] = {}
    for site, occupancy, state in sites:
        z = int(site.element.atomic_number)
        total[z] = total.get(z, 0.0) + occupancy * scale
        before = charge.get(z, 0.0)
        charge[z] = None if before is None or state is None else before + occupancy * scale * state
    means = {z: None if sum_ is None else round(sum_ / total[z], 6) for z, sum_ in charge.items()}
    return tuple(Species(z, round(total[z], 9), means[z]) for z in sorted(total))


def _charges(small: gemmi.SmallStructure, block: gemmi.cif.Block) -> list[float | None]:
    """Oxidation state of each listed site, of the table of atom types or of the type symbol; None where neither states one."""
    stated = {
        gemmi.cif.as_string(row[0]): number_of(row[1])
        for row in block.find(["_atom_type_symbol", "_atom_type_oxidation_number"])
        if isfinite(number_of(row[1]))
    }
    found: list[float | None] = []
    for site in small.sites:
        signed = any(sign in site.type_symbol for sign in "+-")
        state = stated.get(site.type_symbol, float(site.charge) if signed else float("nan"))
        found.append(state if isfinite(state) else None)
    return found


def _check_full_places(crystal: DisorderedCrystal) -> None:
    """Raises Unsound where two places that are always full lie on one another."""
    full = [k for k, occupants in enumerate(crystal.kinds) if sum(s.occupancy for s in occupants) > 1.0 - FULL_WITHIN]
    here = np.isin(crystal.kind, full)
    if here.any():
        numbers = np.array([occupants[0].number for occupants in crystal.kinds])[crystal.kind[here]]
        check_distances(make_crystal(crystal.id, crystal.lattice, crystal.frac[here], numbers))
