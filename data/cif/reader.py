"""CIF text to crystals, one data block at a time; each failure is a reason and never an exception for its neighbours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import gemmi
import numpy as np
from numpy.typing import NDArray

from data.checks import MAX_COORDINATE, MAX_SITES, Unsound, check_distances
from data.cif import repairs
from data.cif.dialects import in_core_syntax, in_core_words
from data.cif.disorder import FULL_OCCUPANCY, Disorder, merge_mixed_valence, shared_site, take_majority
from data.cif.disorder_sites import disordered_crystal, drop_empty_sites
from data.cif.elements_of_sites import settle_elements
from data.cif.kept_texts import KeptText
from data.cif.lengths import lengths_note
from data.cif.metric import metric_note
from data.cif.not_plain import check_alternatives, check_attached_hydrogens, leave_out_dummies, modulation_note
from data.cif.site_composition import composition_of, hold_against_formula, of_numbers
from data.cif.site_loop import POSITIONS, check_coordinates, check_site_loop, lost_point
from data.cif.special_positions import Orbits, SplitSiteError
from data.cif.split_sites import check_moves, share_split_sites
from data.cif.stated_cell import content_notes, hold_against_volume, impossible_cell, multiplicity_note
from data.cif.symmetry_choice import Symmetry, SymmetryError, choose_symmetry, moved_note
from data.crystal import Crystal, CrystalError, make_crystal
from data.disordered import AnyCrystal, is_ordered
from data.rejection import Reason, Rejection

MAX_NAME = 200  # characters of a block's name, a database code or a detail; tables and terminals have to show them
_MOST_IMAGES = 400_000  # of listed sites under the operations, before those on special positions are merged
_BLOCK_START = re.compile(r"^data_", re.IGNORECASE | re.MULTILINE)
_CODE_TAGS = ("_database_code_ICSD", "_cod_database_code", "_database_code_depnum_ccdc_archive")


class BlockError(Unsound):
    """A data block that holds no usable crystal."""


def read_cif(
    text: str, source_file: str, default_id: str, disorder: Disorder = Disorder.REJECT
) -> Iterator[AnyCrystal | Rejection]:
    """All crystals of a CIF text, in order.

    A crystal's id is its database code where the block has one, else `default_id`; where several blocks hold a crystal,
    `#block` is appended. A block without atoms (a header or global block beside others) is passed over in silence.
    Within `kept_texts` a text that was read before is not read again.
    """
    place = KeptText(text, default_id, disorder)
    known = place.find()
    if known is not None:
        yield known
        return
    found: list[AnyCrystal | Rejection] = []
    for item in _read(text, source_file, default_id, disorder):
        found = [*found[:1], item]
        yield item
    if len(found) == 1 and isinstance(found[0], Crystal):
        place.keep(found[0])


def _read(text: str, source_file: str, default_id: str, disorder: Disorder) -> Iterator[AnyCrystal | Rejection]:
    blocks: list[tuple[str, gemmi.cif.Block | Rejection, str]] = list(_blocks(text, source_file, default_id))
    several = sum(not isinstance(b, Rejection) and _has_structure(b) for _, b, _ in blocks) > 1
    if not blocks:
        yield Rejection(default_id, source_file, "", Reason.NOT_CIF, "no data block in the text")
    elif not any(isinstance(b, Rejection) or _has_structure(b) for _, b, _ in blocks):
        yield Rejection(default_id, source_file, blocks[0][0], Reason.NO_SITES, "no atomic site with fractional coordinates")
    for name, block, left_out in blocks:
        if isinstance(block, Rejection):
            yield block
            continue
        if not _has_structure(block):
            continue
        identifier = _database_code(block) or default_id
        if several:
            identifier = f"{identifier}#{name}"
        found = _read_block(block, name, identifier, source_file, disorder)
        if left_out and not isinstance(found, Rejection):
            found = replace(found, note="; ".join(filter(None, (left_out, found.note))))
        yield found


def _read_block(
    block: gemmi.cif.Block, name: str, identifier: str, source_file: str, disorder: Disorder
) -> AnyCrystal | Rejection:
    try:
        return block_to_crystal(block, identifier, disorder)
    except Unsound as fault:
        return Rejection(identifier, source_file, name, fault.reason, fault.detail[: 2 * MAX_NAME])
    except Exception as fault:  # one bad block must not stop the others, whatever it holds
        return Rejection(identifier, source_file, name, Reason.FAILED, f"{type(fault).__name__}: {fault}"[: 2 * MAX_NAME])


def block_to_crystal(block: gemmi.cif.Block, identifier: str, disorder: Disorder = Disorder.REJECT) -> AnyCrystal:
    """The full unit cell of one block; a disordered crystal only by the policy `average`.

    Raises:
        Unsound: with the reason, where the block holds no crystal, or by the other policies no ordered one.
    """
    if len(block.find(list(POSITIONS))) == 0:  # gemmi takes a coordinate without a column for zero
        raise BlockError(Reason.NO_SITES, "no atomic site with fractional coordinates")
    check_site_loop(block)
    notes = [modulation_note(block)]
    check_attached_hydrogens(block)
    check_alternatives(block)
    small = _small_structure(block)
    notes.append(leave_out_dummies(small, block))
    if len(small.sites) > MAX_SITES:
        raise BlockError(Reason.TOO_LARGE, f"{len(small.sites)} sites are listed; the limit is {MAX_SITES} in a cell")
    listed = _listed(small)
    if not len(listed) or not np.abs(listed).max() <= MAX_COORDINATE:
        check_coordinates(block)
        raise BlockError(Reason.NO_SITES, "no atomic site with coordinates")
    if np.abs(listed).max() >= 1 and (detail := lost_point(block)):
        raise BlockError(Reason.BAD_COORDINATES, detail)
    if detail := impossible_cell(small.cell):
        raise BlockError(Reason.NO_CELL, repairs.unreadable_cell(block) or detail)
    notes += settle_elements(small, block)
    lattice = np.array(small.cell.orth.mat.tolist()).T
    notes.append(hold_against_volume(block, lattice))
    try:
        symmetry = choose_symmetry(block, small, listed, lattice)
    except SymmetryError as fault:
        raise BlockError(Reason.UNKNOWN_SYMMETRY, str(fault)) from fault
    notes += [symmetry.note, metric_note(symmetry.group, lattice)]
    composition = None
    ordered = shared_site(small) is None
    if not ordered and disorder is not Disorder.REJECT:
        orbits = _orbits(small, symmetry, lattice, listed)
        check_moves(small, orbits, lattice)
        notes.append(share_split_sites(block, small, orbits, listed, lattice))
    if disorder is Disorder.MAJORITY and any(site.occ < FULL_OCCUPANCY for site in small.sites):
        composition = composition_of(small, _orbits(small, symmetry, lattice, listed).sizes)
    shared = shared_site(small) is not None
    if shared:
        notes.append(_settle_disorder(small, disorder))
        listed, shared = _listed(small), shared_site(small) is not None
    orbits = _orbits(small, symmetry, lattice, listed)
    if ordered:
        check_moves(small, orbits, lattice)
    notes.append(multiplicity_note(block, small, orbits, symmetry.group))
    notes.append(content_notes(block, composition or composition_of(small, orbits.sizes), small.cell.volume))
    numbers = np.repeat([int(site.element.atomic_number) for site in small.sites], orbits.sizes)
    notes.append(lengths_note(lattice, orbits.frac, numbers, orbits.sizes))
    if shared:
        return _disordered(block, small, orbits, identifier, lattice, notes)
    notes.append(moved_note(small, orbits.moved))
    try:
        crystal = make_crystal(identifier, lattice, orbits.frac, numbers)
    except CrystalError as fault:
        raise BlockError(fault.reason, str(fault)) from fault
    check_distances(crystal, orbits.listed, lambda k: str(small.sites[k].label))
    notes.append(hold_against_formula(block, of_numbers(numbers.tolist()), composition))
    note = "; ".join(filter(None, notes))
    return replace(crystal, note=note) if note else crystal


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


def _orbits(
    small: gemmi.SmallStructure, symmetry: Symmetry, lattice: NDArray[np.float64], listed: NDArray[np.float64]
) -> Orbits:
    """All atoms of the cell, from the (n, 3) coordinates of the listed sites.

    Raises:
        BlockError: they are too many, or a site lies beside a special position.
    """
    if len(listed) * len(symmetry.group) > _MOST_IMAGES:
        raise BlockError(
            Reason.TOO_LARGE, f"{len(listed)} sites and {len(symmetry.group)} operations; the limit is {MAX_SITES} sites"
        )
    try:
        orbits = Orbits(symmetry.group, listed, lattice)
    except SplitSiteError as fault:
        raise BlockError(Reason.OVERLAPPING_SITES, f"site {small.sites[fault.site].label!r} lies {fault}") from fault
    if len(orbits.frac) > MAX_SITES:
        raise BlockError(Reason.TOO_LARGE, f"{len(orbits.frac)} sites in the cell; the limit is {MAX_SITES}")
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
        raise BlockError(Reason.PARTIAL_OCCUPANCY, occupancy)
    return small


def _by_gemmi(block: gemmi.cif.Block) -> gemmi.SmallStructure:
    try:
        return gemmi.make_small_structure_from_block(block)
    except (ValueError, RuntimeError) as fault:  # a word where a number must stand
        check_coordinates(block)
        words = _first_line(fault)
        raise BlockError(Reason.NO_CELL if words.startswith("Impossible angle") else Reason.NOT_CIF, words) from fault


def _settle_disorder(small: gemmi.SmallStructure, disorder: Disorder) -> str:
    """What was changed of a crystal with shared sites, in words. By the policy `average` they stay."""
    merged = merge_mixed_valence(small)
    shared = shared_site(small)
    if shared is None:
        return merged
    if disorder is Disorder.REJECT:
        raise BlockError(Reason.PARTIAL_OCCUPANCY, shared)
    if disorder is Disorder.AVERAGE:
        return "; ".join(filter(None, (merged, drop_empty_sites(small))))
    try:
        return "; ".join(filter(None, (merged, take_majority(small))))
    except ValueError as fault:
        raise BlockError(Reason.PARTIAL_OCCUPANCY, str(fault)) from fault


def _has_structure(block: gemmi.cif.Block) -> bool:
    return any(block.find_values(tag) for tag in POSITIONS)


def _database_code(block: gemmi.cif.Block) -> str | None:
    for tag in _CODE_TAGS:
        value = block.find_value(tag)
        if value and value not in ("?", "."):
            return gemmi.cif.as_string(value).strip()[:MAX_NAME] or None
    return None


def _blocks(text: str, source_file: str, default_id: str) -> Iterator[tuple[str, gemmi.cif.Block | Rejection, str]]:
    """Name, block and what was left out of it; a block that cannot be parsed is cut out so that its neighbours survive."""
    text = in_core_syntax(text)
    text = in_core_words(text if text.isascii() else repairs.in_plain_characters(text))
    try:
        for block in gemmi.cif.read_string(text):
            yield block.name[:MAX_NAME], block, ""
        return
    except (RuntimeError, ValueError) as fault:
        whole = _first_line(fault)
    text = repairs.in_plain_characters(text)  # marks such as ^Z, which are ASCII
    starts = [m.start() for m in _BLOCK_START.finditer(text)]
    if not starts:
        yield "", Rejection(default_id, source_file, "", Reason.NOT_CIF, whole), ""
        return
    for begin, end in zip(starts, [*starts[1:], len(text)], strict=True):
        name = text[begin + 5 : begin + 85].split(maxsplit=1)[0] if text[begin + 5 : begin + 6].strip() else ""
        try:
            block, note = _parsed(text[begin:end])
            yield name, block, note
        except (RuntimeError, ValueError) as fault:
            identifier = default_id if len(starts) == 1 else f"{default_id}#{name}"
            detail = whole if len(starts) == 1 else _first_line(fault)
            block_name = "" if len(starts) == 1 else name
            yield block_name, Rejection(identifier, source_file, block_name, Reason.NOT_CIF, detail), ""


def _parsed(text: str) -> tuple[gemmi.cif.Block, str]:
    """One block, and what had to be left out. Raises RuntimeError or ValueError."""
    try:
        return gemmi.cif.read_string(text).sole_block(), ""
    except (RuntimeError, ValueError) as fault:
        repaired, gone = repairs.without_broken_items(text, str(fault))
        block = gemmi.cif.read_string(repaired).sole_block()
        if not _has_structure(block):
            raise
        return block, f"not CIF 1.1, left out: {', '.join(gone)}"  # broken syntax, or lists and tables of CIF 2


def _first_line(fault: Exception) -> str:
    return (str(fault).splitlines() or ["unreadable"])[0][:300]
