"""CIF text to crystals, one data block at a time; each failure is a reason and never an exception for its neighbours."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import gemmi
import numpy as np

from data.crystal import MAX_ATOMIC_NUMBER, Crystal, CrystalError, make_crystal
from data.rejection import Reason, Rejection

MIN_DISTANCE_A = 0.5  # nearer than any bond; such pairs are split positions or typing errors
FULL_OCCUPANCY = 1.0 - 1e-3
MAX_SITES = 2000  # in one unit cell
_BLOCK_START = re.compile(r"^data_", re.IGNORECASE | re.MULTILINE)
_CODE_TAGS = ("_database_code_ICSD", "_cod_database_code", "_database_code_depnum_ccdc_archive")
_POSITION_TAGS = ("_atom_site_fract_x", "_atom_site_fract_y", "_atom_site_fract_z")


class BlockError(Exception):
    """A data block that holds no usable crystal."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def read_cif(text: str, source_file: str, default_id: str) -> Iterator[Crystal | Rejection]:
    """All crystals of a CIF text, in order.

    A crystal's id is its database code where the block has one, else `default_id`; where several blocks hold a crystal,
    `#block` is appended. A block without atoms (a header or global block beside others) is passed over in silence.
    """
    blocks: list[tuple[str, gemmi.cif.Block | Rejection]] = list(_blocks(text, source_file, default_id))
    several = sum(not isinstance(b, Rejection) and _has_structure(b) for _, b in blocks) > 1
    if not blocks:
        yield Rejection(default_id, source_file, "", Reason.NOT_CIF, "no data block in the text")
    for name, block in blocks:
        if isinstance(block, Rejection):
            yield block
            continue
        if len(blocks) > 1 and not _has_structure(block):
            continue
        identifier = _database_code(block) or default_id
        if several:
            identifier = f"{identifier}#{name}"
        yield _read_block(block, name, identifier, source_file)


def _read_block(block: gemmi.cif.Block, name: str, identifier: str, source_file: str) -> Crystal | Rejection:
    try:
        return block_to_crystal(block, identifier)
    except BlockError as fault:
        return Rejection(identifier, source_file, name, fault.reason, fault.detail)
    except Exception as fault:  # one bad block must not stop the others, whatever it holds
        return Rejection(identifier, source_file, name, Reason.FAILED, f"{type(fault).__name__}: {fault}")


def block_to_crystal(block: gemmi.cif.Block, identifier: str) -> Crystal:
    """The full unit cell of one block.

    Raises:
        BlockError: with the reason, where the block holds no ordered crystal.
    """
    _check_coordinates(block)
    small = gemmi.make_small_structure_from_block(block)
    if not small.cell.is_crystal() or not small.cell.volume > 0:
        raise BlockError(Reason.NO_CELL, "cell parameters are missing or describe no cell")
    if not small.sites:
        raise BlockError(Reason.NO_SITES, "no atomic site with coordinates")
    if small.spacegroup is None and len(small.symops) == 0:
        raise BlockError(Reason.UNKNOWN_SYMMETRY, f"no symmetry operations, and no space group called {small.spacegroup_hm!r}")
    _check_sites(small)
    sites = small.get_all_unit_cell_sites()
    if len(sites) > MAX_SITES:
        raise BlockError(Reason.TOO_LARGE, f"{len(sites)} sites in the cell; the limit is {MAX_SITES}")
    lattice = np.array(small.cell.orth.mat.tolist()).T
    frac = np.array([site.fract.tolist() for site in sites])
    try:
        crystal = make_crystal(identifier, lattice, frac, [site.element.atomic_number for site in sites])
    except CrystalError as fault:
        raise BlockError(Reason.NO_CELL, str(fault)) from fault
    _check_distances(small, crystal)
    _check_formula(block, crystal)
    return crystal


def _check_coordinates(block: gemmi.cif.Block) -> None:
    """Gemmi reads `?` as not-a-number and drops nothing; say so before it becomes a wrong structure."""
    table = block.find(list(_POSITION_TAGS))
    if len(table) == 0:
        raise BlockError(Reason.NO_SITES, "no atomic site with fractional coordinates")
    for row in table:
        for value in row:
            if not math.isfinite(gemmi.cif.as_number(value)):
                raise BlockError(Reason.BAD_COORDINATES, f"a fractional coordinate is {value!r}")


def _check_sites(small: gemmi.SmallStructure) -> None:
    for site in small.sites:
        z = site.element.atomic_number
        if not 1 <= z <= MAX_ATOMIC_NUMBER:
            raise BlockError(Reason.UNKNOWN_ELEMENT, f"site {site.label!r} is of no element ({site.type_symbol!r})")
        if not FULL_OCCUPANCY <= site.occ <= 2.0 - FULL_OCCUPANCY:
            raise BlockError(Reason.PARTIAL_OCCUPANCY, f"site {site.label!r} has occupancy {site.occ:.4g}")


def _check_distances(small: gemmi.SmallStructure, crystal: Crystal) -> None:
    """Two atoms within 0.5 Å: the same position given twice, or a split site."""
    from pymatgen.optimization.neighbors import find_points_in_spheres

    cart = np.ascontiguousarray((crystal.frac % 1.0) @ crystal.lattice)
    pairs = find_points_in_spheres(
        cart, cart, r=MIN_DISTANCE_A, pbc=np.ones(3, dtype=np.int64), lattice=crystal.lattice, tol=1e-8
    )
    close = (pairs[3] > 1e-8) | (pairs[0] != pairs[1])
    if close.any():
        k = int(np.argmax(close))
        i, j = int(pairs[0][k]), int(pairs[1][k])
        raise BlockError(Reason.OVERLAPPING_SITES, f"sites {i + 1} and {j + 1} of the cell are {pairs[3][k]:.3f} Å apart")


def _check_formula(block: gemmi.cif.Block, crystal: Crystal) -> None:
    """Hydrogen or other atoms that the formula names but nobody located."""
    stated = block.find_value("_chemical_formula_sum")
    if not stated or stated in "?.":
        return
    named = set(re.findall(r"[A-Z][a-z]?", gemmi.cif.as_string(stated)))
    elements = {gemmi.Element(n).atomic_number for n in named if gemmi.Element(n).atomic_number > 0}
    missing = elements - set(crystal.numbers.tolist())
    if missing:
        names = ", ".join(gemmi.Element(z).name for z in sorted(missing))
        raise BlockError(Reason.MISSING_ATOMS, f"the formula names {names}, but no site holds it")


def _has_structure(block: gemmi.cif.Block) -> bool:
    return any(block.find_values(tag) for tag in _POSITION_TAGS)


def _database_code(block: gemmi.cif.Block) -> str | None:
    for tag in _CODE_TAGS:
        value = block.find_value(tag)
        if value and value not in ("?", "."):
            return gemmi.cif.as_string(value).strip() or None
    return None


def _blocks(text: str, source_file: str, default_id: str) -> Iterator[tuple[str, gemmi.cif.Block | Rejection]]:
    """Each data block; a block that breaks the syntax is cut out so that its neighbours survive."""
    try:
        for block in gemmi.cif.read_string(text):
            yield block.name, block
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
