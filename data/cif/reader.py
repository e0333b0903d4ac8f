"""CIF text to crystals, one data block at a time; each failure is a reason and never an exception for its neighbours."""

from __future__ import annotations

import re
from collections.abc import Iterator

import gemmi
import numpy as np
from numpy.typing import NDArray

from data.cif.dialects import in_core_words
from data.cif.disorder import Disorder, shared_site, take_majority
from data.cif.special_positions import Orbits, SplitSiteError
from data.cif.symmetry_choice import SymmetryError, choose_symmetry, moved_note
from data.crystal import MAX_ATOMIC_NUMBER, Crystal, CrystalError, make_crystal
from data.rejection import Reason, Rejection

MIN_DISTANCE_A = 0.5  # nearer than any bond; such pairs are split positions or typing errors
MAX_SITES = 2000  # in one unit cell
MAX_EDGE_A = 5000.0  # of a cell; longer than that of any known polytype, and symmetry searches hang on millions
MAX_NAME = 200  # characters of a block's name, a database code or a detail; tables and terminals have to show them
MAX_COORDINATE = 1000.0  # cells from the origin; far more and the digits behind the point are lost
_MOST_IMAGES = 400_000  # of listed sites under the operations, before those on special positions are merged
_ROWS_AT_ONCE = 256  # these two bound the memory of the distance check
_MAX_PAIRS = 4_000_000
_TRITIUM = re.compile(r"T\d*[+-]?")
_BLOCK_START = re.compile(r"^data_", re.IGNORECASE | re.MULTILINE)
_CODE_TAGS = ("_database_code_ICSD", "_cod_database_code", "_database_code_depnum_ccdc_archive")
_POSITIONS = ["_atom_site_fract_x", "_atom_site_fract_y", "_atom_site_fract_z"]


class BlockError(Exception):
    """A data block that holds no usable crystal."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def read_cif(text: str, source_file: str, default_id: str, disorder: Disorder = Disorder.REJECT) -> Iterator[Crystal | Rejection]:
    """All crystals of a CIF text, in order.

    A crystal's id is its database code where the block has one, else `default_id`; where several blocks hold a crystal,
    `#block` is appended. A block without atoms (a header or global block beside others) is passed over in silence.
    """
    blocks: list[tuple[str, gemmi.cif.Block | Rejection]] = list(_blocks(text, source_file, default_id))
    several = sum(not isinstance(b, Rejection) and _has_structure(b) for _, b in blocks) > 1
    if not blocks:
        yield Rejection(default_id, source_file, "", Reason.NOT_CIF, "no data block in the text")
    elif not any(isinstance(b, Rejection) or _has_structure(b) for _, b in blocks):
        yield Rejection(default_id, source_file, blocks[0][0], Reason.NO_SITES, "no atomic site with fractional coordinates")
    for name, block in blocks:
        if isinstance(block, Rejection):
            yield block
            continue
        if not _has_structure(block):
            continue
        identifier = _database_code(block) or default_id
        if several:
            identifier = f"{identifier}#{name}"
        yield _read_block(block, name, identifier, source_file, disorder)


def _read_block(block: gemmi.cif.Block, name: str, identifier: str, source_file: str, disorder: Disorder) -> Crystal | Rejection:
    try:
        return block_to_crystal(block, identifier, disorder)
    except BlockError as fault:
        return Rejection(identifier, source_file, name, fault.reason, fault.detail[: 2 * MAX_NAME])
    except Exception as fault:  # one bad block must not stop the others, whatever it holds
        return Rejection(identifier, source_file, name, Reason.FAILED, f"{type(fault).__name__}: {fault}"[: 2 * MAX_NAME])


def block_to_crystal(block: gemmi.cif.Block, identifier: str, disorder: Disorder = Disorder.REJECT) -> Crystal:
    """The full unit cell of one block.

    Raises:
        BlockError: with the reason, where the block holds no ordered crystal.
    """
    if len(block.find(_POSITIONS)) == 0:  # gemmi takes a coordinate without a column for zero
        raise BlockError(Reason.NO_SITES, "no atomic site with fractional coordinates")
    try:
        small = gemmi.make_small_structure_from_block(block)
    except (ValueError, RuntimeError) as fault:  # a word where a number must stand
        _check_coordinates(block)
        raise BlockError(Reason.NOT_CIF, _first_line(fault)) from fault
    if len(small.sites) > MAX_SITES:
        raise BlockError(Reason.TOO_LARGE, f"{len(small.sites)} sites are listed; the limit is {MAX_SITES} in a cell")
    listed = np.array([site.fract.tolist() for site in small.sites]).reshape(-1, 3)
    if not len(listed) or not np.abs(listed).max() <= MAX_COORDINATE:
        _check_coordinates(block)
        raise BlockError(Reason.NO_SITES, "no atomic site with coordinates")
    if not small.cell.is_crystal() or not small.cell.volume > 0:
        raise BlockError(Reason.NO_CELL, "cell parameters are missing or describe no cell")
    for edge in (small.cell.a, small.cell.b, small.cell.c):  # two negative ones make a positive volume
        if not 0 < edge <= MAX_EDGE_A:
            raise BlockError(Reason.NO_CELL, f"a cell edge of {edge:.4g} Å; the limit is {MAX_EDGE_A:g}")
    lattice = np.array(small.cell.orth.mat.tolist()).T
    try:
        symmetry = choose_symmetry(block, small, listed, lattice)
    except SymmetryError as fault:
        raise BlockError(Reason.UNKNOWN_SYMMETRY, str(fault)) from fault
    elements = _elements(small)
    note = _settle_disorder(small, disorder)
    if note:
        listed = np.array([site.fract.tolist() for site in small.sites])
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
    listed_numbers = [site.element.atomic_number or 1 for site in small.sites]  # what is no element to gemmi is tritium by now
    numbers = np.repeat(listed_numbers, orbits.sizes)
    note = "; ".join(filter(None, (note, symmetry.sources.note, moved_note(small, orbits.moved))))
    try:
        crystal = make_crystal(identifier, lattice, orbits.frac, numbers, note)
    except CrystalError as fault:
        raise BlockError(Reason.NO_CELL, str(fault)) from fault
    _check_distances(small, orbits.listed, crystal)
    _check_formula(block, elements)
    return crystal


def _check_coordinates(block: gemmi.cif.Block) -> None:
    """Gemmi reads `?` as not-a-number and drops nothing; say so before it becomes a wrong structure."""
    for row in block.find(_POSITIONS):
        for value in row:
            if not abs(gemmi.cif.as_number(value)) <= MAX_COORDINATE:
                raise BlockError(Reason.BAD_COORDINATES, f"a fractional coordinate is {value!r}")


def _elements(small: gemmi.SmallStructure) -> set[int]:
    """The atomic numbers of the listed sites. Deuterium and tritium are hydrogen (gemmi knows D itself)."""
    found = {int(site.element.atomic_number) for site in small.sites}
    if 0 in found or max(found) > MAX_ATOMIC_NUMBER:
        for site in small.sites:
            z = int(site.element.atomic_number)
            if z > MAX_ATOMIC_NUMBER or (z == 0 and not _TRITIUM.fullmatch(site.type_symbol or site.label)):
                raise BlockError(Reason.UNKNOWN_ELEMENT, f"site {site.label!r} is of no element ({site.type_symbol!r})")
        found = (found - {0}) | {1}
    return found


def _settle_disorder(small: gemmi.SmallStructure, disorder: Disorder) -> str:
    """What was changed, in words; empty for an ordered crystal."""
    shared = shared_site(small)
    if shared is None:
        return ""
    if disorder is Disorder.REJECT:
        raise BlockError(Reason.PARTIAL_OCCUPANCY, shared)
    try:
        return take_majority(small)
    except ValueError as fault:
        raise BlockError(Reason.PARTIAL_OCCUPANCY, str(fault)) from fault


def _check_distances(small: gemmi.SmallStructure, listed: NDArray[np.float64], crystal: Crystal) -> None:
    """Two atoms within 0.5 Å: the same position given twice, or a split site. Listed sites stand for their copies."""
    planes = 1.0 / np.linalg.norm(small.cell.frac.mat.tolist(), axis=1)
    for first in range(0, len(listed), _ROWS_AT_ONCE):
        squared = _squared_distances(crystal, listed[first : first + _ROWS_AT_ONCE], planes)
        close = squared < MIN_DISTANCE_A**2
        if np.count_nonzero(close) > len(squared):  # each is close to itself
            row = int(np.argmax(close.sum(axis=1)))
            distance = float(np.sqrt(np.partition(squared[row], 1)[1]))
            label = small.sites[first + row].label
            raise BlockError(Reason.OVERLAPPING_SITES, f"site {label!r} has another atom at {distance:.3f} Å")


def _squared_distances(crystal: Crystal, places: NDArray[np.float64], planes: NDArray[np.float64]) -> NDArray[np.float64]:
    """(places, atoms) squared distances in Å² from each place to the atoms, right wherever they are below 0.5 Å.

    A difference vector that short has fractional components below one half as long as lattice planes are more than 1 Å
    apart, and rounding then finds the nearest image; very oblique cells try the neighbouring images too.

    Args:
        planes: (3,) distances of the lattice planes, Å.
    """
    difference = places[:, None, :] - crystal.frac
    difference -= np.rint(difference)
    reach = np.floor(MIN_DISTANCE_A / planes + 0.5).astype(int)  # 0 for all but oblique cells
    if reach.any():
        if np.prod(2 * reach + 1) * crystal.n_sites * len(places) > _MAX_PAIRS:
            raise BlockError(Reason.NO_CELL, f"lattice planes only {planes.min():.3g} Å apart")
        steps = np.stack(np.meshgrid(*(np.arange(-r, r + 1) for r in reach), indexing="ij"), axis=-1).reshape(-1, 3)
        difference = (difference[:, :, None, :] + steps).reshape(len(places), -1, 3)
    apart = difference.reshape(-1, 3) @ crystal.lattice  # one product of matrices, not one a place
    squared: NDArray[np.float64] = np.einsum("pi,pi->p", apart, apart)
    return squared.reshape(len(places), -1)


def _check_formula(block: gemmi.cif.Block, listed: set[int]) -> None:
    """Hydrogen or other atoms that the formula names but nobody located."""
    stated = block.find_value("_chemical_formula_sum")
    if not stated or stated in "?.":
        return
    named = set(re.findall(r"[A-Z][a-z]?", gemmi.cif.as_string(stated)))
    elements = {gemmi.Element(n).atomic_number for n in named if gemmi.Element(n).atomic_number > 0}
    missing = elements - listed
    if missing:
        names = ", ".join(gemmi.Element(z).name for z in sorted(missing))
        raise BlockError(Reason.MISSING_ATOMS, f"the formula names {names}, but no site holds it")


def _has_structure(block: gemmi.cif.Block) -> bool:
    return any(block.find_values(tag) for tag in _POSITIONS)


def _database_code(block: gemmi.cif.Block) -> str | None:
    for tag in _CODE_TAGS:
        value = block.find_value(tag)
        if value and value not in ("?", "."):
            return gemmi.cif.as_string(value).strip()[:MAX_NAME] or None
    return None


def _blocks(text: str, source_file: str, default_id: str) -> Iterator[tuple[str, gemmi.cif.Block | Rejection]]:
    """Each data block; a block that breaks the syntax is cut out so that its neighbours survive."""
    text = in_core_words(text)
    try:
        for block in gemmi.cif.read_string(text):
            yield block.name[:MAX_NAME], block
        return
    except (RuntimeError, ValueError) as fault:
        whole = _first_line(fault)
    starts = [m.start() for m in _BLOCK_START.finditer(text)]
    if len(starts) < 2:
        yield "", Rejection(default_id, source_file, "", Reason.NOT_CIF, whole)
        return
    for begin, end in zip(starts, [*starts[1:], len(text)], strict=True):
        name = text[begin + 5 : begin + 85].split(maxsplit=1)[0] if text[begin + 5 : begin + 6].strip() else ""
        try:
            yield name, gemmi.cif.read_string(text[begin:end]).sole_block()
        except (RuntimeError, ValueError) as fault:
            identifier = f"{default_id}#{name}"
            yield name, Rejection(identifier, source_file, name, Reason.NOT_CIF, _first_line(fault))


def _first_line(fault: Exception) -> str:
    return (str(fault).splitlines() or ["unreadable"])[0][:300]
