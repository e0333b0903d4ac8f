"""K-points of VASP inputs: orderings of one crystal can be compared, and VASP can have its tetrahedra."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pymatgen.core import Lattice, Structure
from pymatgen.io.vasp.inputs import Incar, Kpoints, Poscar

from data.crystal import Crystal
from data.symmetry import symmetrise
from pipeline.export.vasp import write_vasp
from pipeline.magnetism.competing_orderings import Ordering, orderings


def written(structure: Structure, folder: Path) -> dict[str, tuple[Structure, Kpoints, Incar]]:
    competing = orderings(symmetrise(Crystal.from_pymatgen(structure, "x")))
    write_vasp(competing, folder)
    return {one.name: inputs(folder / one.name) for one in competing}


def inputs(folder: Path) -> tuple[Structure, Kpoints, Incar]:
    structure = Poscar.from_file(folder / "POSCAR", check_for_potcar=False).structure
    return structure, Kpoints.from_file(folder / "KPOINTS"), Incar.from_file(folder / "INCAR")


def shortest_A(structure: Structure, kpoints: Kpoints) -> float:
    """Of the supercell that a mesh stands for, by trying all combinations of up to four vectors of each kind."""
    steps = np.stack(np.meshgrid(*[np.arange(-4, 5)] * 3), axis=-1).reshape(-1, 3)
    vectors = (steps * np.array(kpoints.kpts[0])) @ structure.lattice.matrix
    return float(np.linalg.norm(vectors[(steps != 0).any(axis=1)], axis=1).min())


def layered() -> Structure:
    """Body-centred tetragonal and long, as a stack of rock-salt slabs: the primitive cell has three vectors of 14.6 Å."""
    sites = {"Mn": [0, 0, 0.05], "Bi": [0, 0, 0.15]}
    return Structure.from_spacegroup("I4/mmm", Lattice.tetragonal(4.11, 28.56), [*sites], [*sites.values()])


def test_an_elongated_primitive_cell_is_sampled_as_densely_as_the_enlarged_ones(tmp_path: Path) -> None:
    made = written(layered(), tmp_path)
    periods = {name: shortest_A(structure, kpoints) for name, (structure, kpoints, _) in made.items()}
    assert len({len(structure) for structure, _, _ in made.values()}) > 1, "cells of two sizes"
    assert min(periods.values()) > 0.84 * max(periods.values()), "4.11 Å × 4 against 4.11 Å × 7 otherwise"


def test_what_is_fine_enough_has_the_mesh_of_the_materials_project(tmp_path: Path) -> None:
    cobalt = Structure.from_spacegroup("Fm-3m", Lattice.cubic(3.6), ["Co"], [[0, 0, 0]])
    structure, kpoints, incar = written(cobalt, tmp_path)["fm"]
    assert str(kpoints) == str(Kpoints.automatic_density_by_vol(structure, 100)) and incar["ISMEAR"] == -5


def test_one_mesh_without_tetrahedra_decides_for_all(tmp_path: Path) -> None:
    """12.5 Å: 2 × 2 × 2 points, of which symmetry leaves one; VASP ends with fewer than four."""
    small = Structure(Lattice.cubic(3.0), ["Fe"], [[0, 0, 0]], site_properties={"magmom": [5.0]})
    large = Structure(Lattice.cubic(12.5), ["Fe"], [[0, 0, 0]], site_properties={"magmom": [5.0]})
    write_vasp([Ordering("fm", small)], tmp_path / "alone")
    write_vasp([Ordering("fm", small), Ordering("afm", large)], tmp_path / "both")
    assert inputs(tmp_path / "alone" / "fm")[2]["ISMEAR"] == -5
    assert [inputs(tmp_path / "both" / name)[2]["ISMEAR"] for name in ("fm", "afm")] == [0, 0]
