"""The k-points of VASP inputs: those of the Materials Project, and denser ones where its orderings could not be compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pymatgen.core import Structure
    from pymatgen.io.vasp.inputs import Kpoints

NEARLY = 0.85  # of the finest mesh of a crystal's orderings
DENSER = 1.25  # factor of each try
TETRAHEDRA = 4  # irreducible k-points; with fewer, VASP ends: "Tetrahedron method fails for NKPT<4"


def meshes(structures: Sequence[Structure]) -> list[Kpoints]:
    """The Materials Project's mesh of a static calculation for each ordering of a crystal, or a denser one.

    That rule divides by the lengths of a cell's vectors and rounds down. Where the primitive cell of an elongated centred lattice
    has three long vectors, or a doubled cell is flat, the mesh is up to half as fine as those of other orderings. So the finest
    one is the measure of all.
    """
    found = [_of_materials_project(structure, 1.0) for structure in structures]
    periods = [shortest_period(*pair) for pair in zip(structures, found, strict=True)]
    for k, structure in enumerate(structures):
        factor = 1.0
        while shortest_period(structure, found[k]) < NEARLY * max(periods):
            factor *= DENSER
            found[k] = _of_materials_project(structure, factor)
    return found


def _of_materials_project(structure: Structure, factor: float) -> Kpoints:
    from pymatgen.io.vasp.inputs import Kpoints
    from pymatgen.io.vasp.sets import MPStaticSet

    return Kpoints.automatic_density_by_vol(structure, int(factor * MPStaticSet.reciprocal_density))


def shortest_period(structure: Structure, kpoints: Kpoints) -> float:
    """The shortest vector (Å) of the supercell that the mesh stands for: all plane waves of longer wavelengths are integrated
    exactly, in whatever cell (Moreno and Soler, Phys. Rev. B 45, 13891, 1992)."""
    from pymatgen.core import Lattice

    supercell = Lattice(np.array(kpoints.kpts[0])[:, None] * structure.lattice.matrix)
    return float(min(supercell.get_niggli_reduced_lattice().abc))


def irreducible(structure: Structure, kpoints: Kpoints) -> int:
    """How many k-points of the mesh symmetry leaves, with the signs of the moments (site property `magmom`) in it."""
    import spglib

    kinds = [(site.specie.Z, site.properties["magmom"]) for site in structure]
    numbers = [sorted(set(kinds)).index(kind) for kind in kinds]
    divisions = kpoints.kpts[0]
    shift = [int(kpoints.style.name == "Monkhorst" and n % 2 == 0) for n in divisions]
    cell = (structure.lattice.matrix, structure.frac_coords, numbers)
    found, _ = spglib.get_ir_reciprocal_mesh(divisions, cell, is_shift=shift)
    return len(np.unique(found))
