"""Read a magnetic CIF file again, with pymatgen and with gemmi, and hold it against the ordering that it was made of."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.magnetism.magnetic_group import BnsCell

CELL_TOLERANCE = 1e-6  # Å and degrees
SITE_TOLERANCE = 1e-5  # fractional
MOMENT_TOLERANCE = 1e-5  # µB, each component
_SAME_SITE = 1e-4  # fractional; images of one site

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class ReadCell:
    """What a reader makes of a magnetic CIF file."""

    parameters: Floats  # (6,) Å and degrees
    frac: Floats  # (n, 3)
    numbers: Ints  # (n,)
    moments: Floats  # (n, 3) µB along the unit vectors of the axes


def check_mcif(path: Path, cell: BnsCell) -> None:
    """Make sure that both readers find the cell, the sites and the moments that were meant.

    Raises:
        RuntimeError: what differs, and for which reader.
    """
    for name, read in READERS.items():
        if why := difference(read(path), cell):
            raise RuntimeError(f"{path.name} does not read as the ordering with {name}: {why}")


def difference(read: ReadCell, cell: BnsCell) -> str:
    """The first thing in which the two differ by more than the tolerances; empty where nothing does."""
    if not np.allclose(read.parameters, cell_parameters(cell.lattice @ cell.lattice.T), rtol=0, atol=CELL_TOLERANCE):
        return "another cell"
    if len(read.numbers) != len(cell.numbers):
        return f"{len(read.numbers)} sites, not {len(cell.numbers)}"
    apart = read.frac[:, None] - cell.frac[None]
    near = (np.abs(apart - np.round(apart)) < SITE_TOLERANCE).all(axis=-1)
    if not ((near.sum(axis=0) == 1).all() and (near.sum(axis=1) == 1).all()):
        return "other sites"
    partner = near.argmax(axis=1)
    if not np.array_equal(read.numbers, cell.numbers[partner]):
        return "other elements"
    if not np.allclose(read.moments, cell.crystal_axis_moments[partner], rtol=0, atol=MOMENT_TOLERANCE):
        return "other moments"
    return ""


def cell_parameters(metric: Floats) -> Floats:
    """(6,) lengths and angles (degrees) from a metric tensor (3, 3)."""
    lengths = np.sqrt(np.diag(metric))
    cosines = [metric[i, j] / (lengths[i] * lengths[j]) for i, j in ((1, 2), (0, 2), (0, 1))]
    return np.array([*lengths, *np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0)))])


def read_with_pymatgen(path: Path) -> ReadCell:
    """pymatgen's own reading, operations and all, but without its rounding of 0.33335 to 1/3, which moves sites by up to 1e-4."""
    from pymatgen.io.cif import CifParser

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (structure,) = CifParser(path, frac_tolerance=0.0).parse_structures(primitive=False, on_error="raise")
    unit = structure.lattice.matrix / np.array(structure.lattice.lengths)[:, None]
    cartesian = np.array([np.asarray(m.global_moment, dtype=np.float64) for m in structure.site_properties["magmom"]])
    return ReadCell(
        np.array(structure.lattice.parameters), structure.frac_coords,
        np.array([site.specie.Z for site in structure], dtype=np.int64), cartesian @ np.linalg.inv(unit),
    )  # fmt: skip


def read_with_gemmi(path: Path) -> ReadCell:
    """gemmi reads the text, the cell and the operations; sites and moments are then made by each operation in turn.

    Raises:
        RuntimeError: the operations contradict the moments (pymatgen does not look).
    """
    import gemmi

    block = gemmi.cif.read(str(path)).sole_block()
    small = gemmi.make_small_structure_from_block(block)
    lengths = np.array([small.cell.a, small.cell.b, small.cell.c])
    tags = [f"_atom_site_moment.{tag}" for tag in ("label", "crystalaxis_x", "crystalaxis_y", "crystalaxis_z")]
    moment = {row.str(0): np.array([gemmi.cif.as_number(row[k]) for k in (1, 2, 3)]) for row in block.find(tags)}
    operations = [_operation(row.str(0)) for row in block.find(["_space_group_symop_magn_operation.xyz"])]
    frac: list[Floats] = []
    numbers: list[int] = []
    moments: list[Floats] = []
    for site in small.sites:
        images = _images(np.array(site.fract.tolist()), moment.get(site.label, np.zeros(3)) / lengths, operations)
        frac += [image for image, _ in images]
        moments += [lengths * vector for _, vector in images]
        numbers += [site.element.atomic_number] * len(images)
    parameters = np.array([*lengths, small.cell.alpha, small.cell.beta, small.cell.gamma])
    return ReadCell(parameters, np.array(frac), np.array(numbers, dtype=np.int64), np.array(moments))


def _images(frac: Floats, vector: Floats, operations: list[tuple[Any, int]]) -> list[tuple[Floats, Floats]]:
    """The sites that all operations make of one, each once, with its moment in lattice coordinates.

    Raises:
        RuntimeError: two operations give one site different moments.
    """
    found: list[tuple[Floats, Floats]] = []
    for op, reversal in operations:
        image, rotation = np.array(op.apply_to_xyz(frac.tolist())), np.array(op.rot) / op.DEN
        turned = reversal * round(float(np.linalg.det(rotation))) * (rotation @ vector)
        for other, moment in found:
            if (np.abs(image - other - np.round(image - other)) < _SAME_SITE).all():
                if not np.allclose(turned, moment, rtol=0, atol=MOMENT_TOLERANCE):
                    raise RuntimeError("the operations give one site two moments")
                break
        else:
            found.append((image, turned))
    return found


def _operation(text: str) -> tuple[Any, int]:
    """`-x,y,z,-1`: the operation, and what it does to time."""
    import gemmi

    triplet, reversal = text.rsplit(",", 1)
    return gemmi.Op(triplet), int(reversal)


READERS: dict[str, Callable[[Path], ReadCell]] = {"pymatgen": read_with_pymatgen, "gemmi": read_with_gemmi}
