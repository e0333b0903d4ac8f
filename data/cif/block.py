"""One data block of a CIF file to its crystal, or the reason why it holds none."""

from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
from numpy.typing import NDArray

from data.checks import MAX_COORDINATE, MAX_SITES, Unsound, check_distances
from data.cif import repairs
from data.cif.disorder import FULL_OCCUPANCY, Disorder, merge_mixed_valence, shared_site, take_majority
from data.cif.disorder_sites import disordered_crystal, drop_empty_sites
from data.cif.elements_of_sites import settle_elements
from data.cif.lengths import lengths_note
from data.cif.metric import metric_note
from data.cif.not_plain import check_alternatives, check_attached_hydrogens, leave_out_dummies, modulation_note
from data.cif.site_composition import composition_of, hold_against_formula, of_numbers
from data.cif.site_loop import POSITIONS, check_coordinates, check_site_loop, lost_point
from data.cif.special_positions import Orbits, SplitSiteError
from data.cif.split_sites import check_moves, share_split_sites
from data.cif.stated_cell import content_notes, hold_against_volume, impossible_cell, multiplicity_note
from data.cif.stated_composition import Composition
from data.cif.symmetry_choice import Symmetry, SymmetryError, choose_symmetry, moved_note
from data.crystal import CrystalError, make_crystal
from data.disordered import AnyCrystal, is_ordered
from data.rejection import Reason

_MOST_IMAGES = 400_000  # of listed sites under the operations, before those on special positions are merged


def block_to_crystal(block: gemmi.cif.Block, identifier: str, disorder: Disorder = Disorder.REJECT) -> AnyCrystal:
    """The full unit cell of one block; a disordered crystal only by the policy `average`.

    Raises:
        Unsound: with the reason, where the block holds no crystal, or by the other policies no ordered one.
    """
    small, notes = _listed_sites(block)
    lattice = np.array(small.cell.orth.mat.tolist()).T
    notes.append(hold_against_volume(block, lattice))
    try:
        symmetry = choose_symmetry(block, small, _listed(small), lattice)
    except SymmetryError as fault:
        raise Unsound(Reason.UNKNOWN_SYMMETRY, str(fault)) from fault
    notes += [symmetry.note, metric_note(symmetry.group, lattice)]
    ordered = shared_site(small) is None
    composition = None if ordered else _settle_occupancies(block, small, symmetry, lattice, disorder, notes)
    orbits = _orbits(small, symmetry, lattice)
    if ordered:
        check_moves(small, orbits, lattice)
    notes.append(multiplicity_note(block, small, orbits, symmetry.group))
    notes.append(content_notes(block, composition or composition_of(small, orbits.sizes), small.cell.volume))
    numbers = np.repeat([int(site.element.atomic_number) for site in small.sites], orbits.sizes)
    notes.append(lengths_note(lattice, orbits.frac, numbers, orbits.sizes))
    if shared_site(small) is not None:
        return _disordered(block, small, orbits, identifier, lattice, notes)
    notes.append(moved_note(small, orbits.moved))
    try:
        crystal = make_crystal(identifier, lattice, orbits.frac, numbers)
    except CrystalError as fault:
        raise Unsound(fault.reason, str(fault)) from fault
    check_distances(crystal, orbits.listed, lambda k: str(small.sites[k].label))
    notes.append(hold_against_formula(block, of_numbers(numbers.tolist()), composition))
    note = "; ".join(filter(None, notes))
    return replace(crystal, note=note) if note else crystal


def _listed_sites(block: gemmi.cif.Block) -> tuple[gemmi.SmallStructure, list[str]]:
    """The cell and the listed sites of a block with their elements, and what is to be noted of them.

    Raises:
        Unsound: there are no sites or too many, or the cell, a coordinate, an occupancy or an element is absent or impossible.
    """
    if len(block.find(list(POSITIONS))) == 0:  # gemmi takes a coordinate without a column for zero
        raise Unsound(Reason.NO_SITES, "no atomic site with fractional coordinates")
    check_site_loop(block)
    notes = [modulation_note(block)]
    check_attached_hydrogens(block)
    check_alternatives(block)
    small = _small_structure(block)
    notes.append(leave_out_dummies(small, block))
    if len(small.sites) > MAX_SITES:
        raise Unsound(Reason.TOO_LARGE, f"{len(small.sites)} sites are listed; the limit is {MAX_SITES} in a cell")
    listed = _listed(small)
    if not len(listed) or not np.abs(listed).max() <= MAX_COORDINATE:
        check_coordinates(block)
        raise Unsound(Reason.NO_SITES, "no atomic site with coordinates")
    if np.abs(listed).max() >= 1 and (detail := lost_point(block)):
        raise Unsound(Reason.BAD_COORDINATES, detail)
    if detail := impossible_cell(small.cell):
        raise Unsound(Reason.NO_CELL, repairs.unreadable_cell(block) or detail)
    return small, notes + settle_elements(small, block)


def _settle_occupancies(
    block: gemmi.cif.Block, small: gemmi.SmallStructure, symmetry: Symmetry, lattice: NDArray[np.float64], disorder: Disorder,
    notes: list[str],
) -> Composition | None:  # fmt: skip
    """Change the sites of a disordered crystal as the policy wants, in place, and add what was done to `notes`.

    Returns:
        The composition before sites were given to their majority, by which the stated formula is judged; None by other policies.
    """
    composition = None
    if disorder is not Disorder.REJECT:
        orbits = _orbits(small, symmetry, lattice)
        check_moves(small, orbits, lattice)
        notes.append(share_split_sites(block, small, orbits, _listed(small), lattice))
        if disorder is Disorder.MAJORITY and any(site.occ < FULL_OCCUPANCY for site in small.sites):
            composition = composition_of(small, orbits.sizes)
    if shared_site(small) is not None:
        notes.append(_settle_disorder(small, disorder))
    return composition


def _disordered(
    block: gemmi.cif.Block, small: gemmi.SmallStructure, orbits: Orbits, identifier: str, lattice: NDArray[np.float64],
    notes: list[str],
) -> AnyCrystal:  # fmt: skip
    """The crystal with its occupancies, whose composition is held against the formula; an ordered one if each place is full."""
    notes = [*notes, moved_note(small, orbits.moved)]
    found = disordered_crystal(identifier, small, block, orbits.frac, orbits.sizes, lattice)
    crystal: AnyCrystal = found
    if all(map(is_ordered, found.kinds)):  # occupancies such as 1.01 and 0.998
        crystal = make_crystal(identifier, lattice, found.frac, np.array([kind[0].number for kind in found.kinds])[found.kind])
        check_distances(crystal)
    notes.append(hold_against_formula(block, composition_of(small, orbits.sizes)))
    return replace(crystal, note="; ".join(filter(None, notes)))


def _listed(small: gemmi.SmallStructure) -> NDArray[np.float64]:
    """(n, 3) fractional coordinates of the listed sites."""
    return np.array([site.fract.tolist() for site in small.sites]).reshape(-1, 3)


def _orbits(small: gemmi.SmallStructure, symmetry: Symmetry, lattice: NDArray[np.float64]) -> Orbits:
    """All atoms of the cell, from the listed sites.

    Raises:
        Unsound: they are too many, or a site lies beside a special position.
    """
    listed = _listed(small)
    if len(listed) * len(symmetry.group) > _MOST_IMAGES:
        raise Unsound(
            Reason.TOO_LARGE, f"{len(listed)} sites and {len(symmetry.group)} operations; the limit is {MAX_SITES} sites"
        )
    try:
        orbits = Orbits(symmetry.group, listed, lattice)
    except SplitSiteError as fault:
        raise Unsound(Reason.OVERLAPPING_SITES, f"site {small.sites[fault.site].label!r} lies {fault}") from fault
    if len(orbits.frac) > MAX_SITES:
        raise Unsound(Reason.TOO_LARGE, f"{len(orbits.frac)} sites in the cell; the limit is {MAX_SITES}")
    return orbits


def _small_structure(block: gemmi.cif.Block) -> gemmi.SmallStructure:
    """What gemmi reads; numbers whose uncertainty is not closed are closed and read again."""
    repairs.plain_group_numbers(block)
    small = _by_gemmi(block)
    cell = small.cell
    numbers = [cell.a, cell.b, cell.c, cell.alpha, cell.beta, cell.gamma]
    for site in small.sites:
        numbers.extend((site.fract.x, site.fract.y, site.fract.z, site.occ))
    occupancy = repairs.unreadable_occupancy(block)
    readable = bool(np.isfinite(numbers).all()) and cell.is_crystal() and not occupancy
    if not readable and repairs.plain_numbers(block):
        small, occupancy = _by_gemmi(block), repairs.unreadable_occupancy(block)
    if occupancy:  # gemmi takes it for 1
        raise Unsound(Reason.PARTIAL_OCCUPANCY, occupancy)
    return small


def _by_gemmi(block: gemmi.cif.Block) -> gemmi.SmallStructure:
    try:
        return gemmi.make_small_structure_from_block(block)
    except (ValueError, RuntimeError) as fault:  # a word where a number must stand
        check_coordinates(block)
        words = first_line(fault)
        raise Unsound(Reason.NO_CELL if words.startswith("Impossible angle") else Reason.NOT_CIF, words) from fault


def _settle_disorder(small: gemmi.SmallStructure, disorder: Disorder) -> str:
    """What was changed of a crystal with shared sites, in words. By the policy `average` they stay."""
    merged = merge_mixed_valence(small)
    shared = shared_site(small)
    if shared is None:
        return merged
    if disorder is Disorder.REJECT:
        raise Unsound(Reason.PARTIAL_OCCUPANCY, shared)
    if disorder is Disorder.AVERAGE:
        return "; ".join(filter(None, (merged, drop_empty_sites(small))))
    try:
        return "; ".join(filter(None, (merged, take_majority(small))))
    except ValueError as fault:
        raise Unsound(Reason.PARTIAL_OCCUPANCY, str(fault)) from fault


def first_line(fault: Exception) -> str:
    """The first line of an error's message, at most 300 characters."""
    return (str(fault).splitlines() or ["unreadable"])[0][:300]
