"""Magnetic CIF files: an ordering in the standard setting of its magnetic space group, with that group's operations.

The standard setting is the one that all programs read the same way. pymatgen, for one, turns moments as if symmetry mixed axes
of equal length only, which holds there, and not in the reduced cells that calculations are made in. The file gives each orbit
once, as programs for symmetry want it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.crystal import symbol
from data.store.artifact import make_folder, write_bytes
from pipeline.export.mcif_check import cell_parameters, check_mcif
from pipeline.magnetism.competing_orderings import Ordering
from pipeline.magnetism.magnetic_group import BnsCell, in_bns_setting

DIGITS = 10
_SAME_SITE = 1e-4  # fractional; atoms of one crystal are never this near, and rounding is far below

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class AsymmetricUnit:
    """One site of each orbit, exactly on its symmetry elements."""

    places: list[int]  # in the cell that it was made of
    frac: Floats  # (m, 3)
    moments: Floats  # (m, 3) µB along the unit vectors of the axes


def write_mcif(ordering: Ordering, path: Path) -> BnsCell:
    """Write the ordering, read the file again with pymatgen and with gemmi, and compare both with the ordering.

    Returns:
        The cell that was written.

    Raises:
        RuntimeError: the ordering has no group that spglib knows, or the file does not read as the ordering.
    """
    cell = in_bns_setting(ordering)
    make_folder(path.parent)
    write_bytes(path, mcif_text(ordering.name, cell).encode())
    check_mcif(path, cell)
    return cell


def mcif_text(name: str, cell: BnsCell) -> str:
    """The file's text.

    Args:
        name: of the data block; letters, digits and hyphens.
        cell: the ordering in the standard setting.
    """
    import gemmi

    document = gemmi.cif.Document()
    block = document.add_new_block(name)
    block.set_pair("_space_group_magn.number_BNS", gemmi.cif.quote(cell.group.number))
    block.set_pair("_space_group_magn.name_BNS", gemmi.cif.quote(cell.group.symbol))
    block.set_pair("_space_group_magn.transform_BNS_Pp_abc", gemmi.cif.quote("a,b,c;0,0,0"))
    for item, value in zip(_CELL, cell_parameters(_exact_metric(cell)), strict=True):
        block.set_pair(item, f"{value:.{DIGITS}f}")
    operations = block.init_loop("_space_group_symop_magn_operation.", ["id", "xyz"])
    for k, text in enumerate(_triplets(cell), start=1):
        operations.add_row([str(k), gemmi.cif.quote(text)])
    unit = asymmetric_unit(cell)
    labels = _labels([int(cell.numbers[place]) for place in unit.places])
    sites = block.init_loop("_atom_site_", ["label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy"])
    for label, place, frac in zip(labels, unit.places, unit.frac, strict=True):
        sites.add_row([label, symbol(int(cell.numbers[place])), *map(_number, np.round(frac, DIGITS) % 1.0), "1"])
    moments = block.init_loop("_atom_site_moment.", ["label", "crystalaxis_x", "crystalaxis_y", "crystalaxis_z"])
    for label, moment in zip(labels, unit.moments, strict=True):
        if np.any(np.round(moment, DIGITS)):
            moments.add_row([label, *map(_number, moment)])
    return f"{_HEAD}{document.as_string()}"


def asymmetric_unit(cell: BnsCell) -> AsymmetricUnit:
    """The first site of each orbit; coordinates and moments are means over the operations that leave the site in place."""
    operations, given = cell.operations, cell.crystal_axis_moments
    lengths = np.linalg.norm(cell.lattice, axis=1)
    rotations = operations.rotations.astype(np.float64)
    signs = np.round(np.linalg.det(rotations)) * np.where(operations.reversals, -1, 1)
    left, places, frac, moments = np.ones(len(cell.numbers), dtype=bool), [], [], []
    for place in range(len(cell.numbers)):
        if not left[place]:
            continue
        images = rotations @ cell.frac[place] + operations.translations
        apart = images[:, None] - cell.frac[None]
        near = (np.abs(apart - np.round(apart)) < _SAME_SITE).all(axis=-1)
        left &= ~near.any(axis=0)
        stays = near[:, place]
        back = images[stays] - np.round(images[stays] - cell.frac[place])
        vectors = signs[stays, None] * (rotations[stays] @ (given[place] / lengths)) * lengths
        places.append(place)
        frac.append(back.mean(axis=0))
        moments.append(vectors.mean(axis=0))
    return AsymmetricUnit(places, np.array(frac), np.array(moments))


def _exact_metric(cell: BnsCell) -> Floats:
    """(3, 3) the metric tensor, the mean over the rotations, so that equal axes are written equal."""
    metric, rotations = cell.lattice @ cell.lattice.T, cell.operations.rotations
    return np.asarray(np.einsum("oji,jk,okl->il", rotations, metric, rotations) / len(rotations))


def _triplets(cell: BnsCell) -> list[str]:
    """`-x+1/2,y,z,-1`: the operations as magnetic CIF files have them."""
    operations = cell.operations
    found = []
    for rotation, translation, reversal in zip(
        operations.rotations.tolist(), operations.translations.tolist(), operations.reversals.tolist(), strict=True
    ):
        parts = []
        for row, shift in zip(rotation, translation, strict=True):
            text = "".join(f"{'-' if factor < 0 else '+'}{axis}" for factor, axis in zip(row, "xyz", strict=True) if factor)
            fraction = Fraction(shift).limit_denominator(24)
            parts.append(text.removeprefix("+") + (f"+{fraction}" if fraction else ""))
        found.append(",".join([*parts, "-1" if reversal else "+1"]))
    return found


def _labels(numbers: list[int]) -> list[str]:
    """Fe1, Fe2, O1: one a site."""
    counts: dict[int, int] = {}
    found = []
    for number in numbers:
        counts[number] = counts.get(number, 0) + 1
        found.append(f"{symbol(number)}{counts[number]}")
    return found


def _number(value: float) -> str:
    return f"{value + 0.0:.{DIGITS}f}" if round(value, DIGITS) else f"{0:.{DIGITS}f}"


_CELL = (
    "_cell_length_a", "_cell_length_b", "_cell_length_c", "_cell_angle_alpha", "_cell_angle_beta", "_cell_angle_gamma",
)  # fmt: skip
_HEAD = """\
# A proposed collinear ordering: the moments are those that a calculation starts from, not measured or calculated ones.
# Which moments are parallel is proposed. The axis that they lie along is a convention (the crystal's rotation axis that keeps
# most symmetry): a calculation without spin-orbit coupling does not depend on it.
"""
