"""What a file says of its cell beside edges and angles: volume, Z, density and the multiplicity of each site."""

from __future__ import annotations

import gemmi
import numpy as np
from numpy.typing import NDArray

from data.checks import MAX_EDGE_A, Unsound
from data.cif.formula_evidence import cell_density
from data.cif.numbers import number_of
from data.cif.operations import SymmetryGroup
from data.cif.site_composition import WHOLE
from data.cif.special_positions import Orbits
from data.cif.stated_composition import Composition, formula_readings, stated_formula, stated_units
from data.rejection import Reason

VOLUME_NOTED, VOLUME_CONTRADICTS = 0.01, 0.1  # relative; edges of 0.3 % and 3 %
DENSITY_NOTED = 0.1  # relative
UNITS_NOTED = 0.1  # relative; refined occupancies
_OTHER_CELLS = (2, 3, 4)  # times the volume of the primitive cell: a statement about another cell of the same crystal
_MULTIPLICITIES = ("_atom_site_symmetry_multiplicity", "_atom_site_site_symmetry_multiplicity")
_LABELS = 4  # of sites in a note


def impossible_cell(cell: gemmi.UnitCell) -> str:
    """Why edges and angles describe no cell, in words; empty where they do."""
    if not cell.is_crystal() or not cell.volume > 0:
        return "cell parameters describe no cell"
    for edge in (cell.a, cell.b, cell.c):  # two negative ones make a positive volume
        if not 0 < edge <= MAX_EDGE_A:
            return f"a cell edge of {edge:.4g} Å; the limit is {MAX_EDGE_A:g}"
    for angle in (cell.alpha, cell.beta, cell.gamma):  # 270 and -90 have the cosine and the volume of 90
        if not 0 < angle < 180:
            return f"a cell angle of {angle:.4g}°"
    return ""


def hold_against_volume(block: gemmi.cif.Block, lattice: NDArray[np.float64]) -> str:
    """Compare the volume of the cell with the stated one; a note where they differ.

    Raises:
        Unsound: NO_CELL where they differ so far that an edge or angle is likely wrong.
    """
    stated = number_of(block.find_value("_cell_volume"))
    if not 0 < stated < float("inf"):
        return ""
    volume = float(abs(np.linalg.det(lattice)))
    ratio = volume / stated
    if abs(ratio - 1) <= VOLUME_NOTED:
        return ""
    words = f"the cell has {volume:.6g} Å³, but _cell_volume is {stated:g}"
    of_another = any(abs(r - n) <= VOLUME_NOTED * n for r in (ratio, 1 / ratio) for n in _OTHER_CELLS)
    if abs(ratio - 1) > VOLUME_CONTRADICTS and not of_another:
        raise Unsound(Reason.NO_CELL, words)
    return words


def content_notes(block: gemmi.cif.Block, atoms: Composition, volume: float) -> str:
    """Which of stated Z and stated calculated density the content of the cell contradicts, in words; empty for most crystals.

    Args:
        block: the CIF block.
        atoms: in the cell, by atomic number.
        volume: of the cell, Å³.
    """
    return "; ".join(filter(None, (_units_note(block, atoms), _density_note(block, atoms, volume))))


def _units_note(block: gemmi.cif.Block, atoms: Composition) -> str:
    """Some programs write the formula of the whole cell, with the Z of its smallest whole numbers. Hydrogen is not counted."""
    units = stated_units(block)
    text = stated_formula(block)
    readings = formula_readings(text) if units else ()
    heavy = sum(n for z, n in atoms.items() if z != 1)
    found = []
    for stated in readings:
        count = sum(n for z, n in stated.items() if z != 1)
        if count and heavy:
            found.append(heavy / count)
            if units and (_near(found[-1], units) or (_near(found[-1], 1.0) and _has_units(stated, units))):
                return ""
    return f"the cell holds {found[0]:.4g} × {text}, but Z is {units:g}" if found else ""


def _has_units(stated: Composition, units: float) -> bool:
    """Whether a formula is that many times one of whole numbers."""
    return all(abs(n / units - round(n / units)) < WHOLE for n in stated.values())


def _density_note(block: gemmi.cif.Block, atoms: Composition, volume: float) -> str:
    stated = number_of(block.find_value("_exptl_crystal_density_diffrn"))
    if not 0 < stated < float("inf"):
        return ""
    found = cell_density(atoms, volume)
    if abs(found / stated - 1) <= DENSITY_NOTED:
        return ""
    return f"the cell has {found:.4g} g/cm³, but _exptl_crystal_density_diffrn is {stated:g}"


def multiplicity_note(block: gemmi.cif.Block, small: gemmi.SmallStructure, orbits: Orbits, group: SymmetryGroup) -> str:
    """Sites whose stated multiplicity is not the number of their atoms in the cell, in words; empty for most crystals.

    Some programs write the order of the site's symmetry instead, and files in another cell a multiple for every site.
    """
    stated = next((column for tag in _MULTIPLICITIES if (column := block.find_values(tag))), None)
    labels = block.find_values("_atom_site_label")
    if stated is None or len(stated) != len(labels):
        return ""
    known = dict(zip(map(gemmi.cif.as_string, labels), map(number_of, stated), strict=True))
    sizes = orbits.sizes.astype(float)
    claimed = np.array([known.get(site.label, float("nan")) for site in small.sites])
    given = np.isfinite(claimed) & (claimed > 0)
    ratios = (claimed / sizes)[given]
    if not given.any() or ((ratios == ratios[0]).all() and len(ratios) > 1):
        return ""
    wrong = np.flatnonzero(given & (claimed != sizes) & (claimed != len(group) / sizes)).tolist()
    words = ", ".join(f"{small.sites[k].label} {claimed[k]:g} (here {orbits.sizes[k]})" for k in wrong[:_LABELS])
    return f"stated multiplicities differ: {words}" if wrong else ""


def _near(found: float, stated: float) -> bool:
    return abs(found - stated) <= UNITS_NOTED * stated
