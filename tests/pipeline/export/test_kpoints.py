"""K-points of VASP inputs: orderings of one crystal can be compared, and VASP can have its tetrahedra."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.io.vasp.inputs import Incar, Kpoints, Poscar

from data.crystal import Crystal
from data.symmetry import symmetrise
from pipeline.export.kpoints import irreducible, shortest_period
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


def with_moments(lattice: Lattice, sites: dict[tuple[float, float, float], float]) -> Structure:
    return Structure(lattice, ["Fe"] * len(sites), [*sites], site_properties={"magmom": [*sites.values()]})


def gamma(*divisions: int) -> Kpoints:
    return Kpoints.gamma_automatic(divisions)


def test_symmetry_leaves_the_k_points_that_one_counts_by_hand() -> None:
    """In a cube |k| along each axis is 0 or 1/3 (Γ-centred, three points), 1/8 or 3/8 (four points beside Γ), in any order: four
    triples of two values. Without symmetry only k and -k are one: (27 + 1) / 2, and 8 / 2 beside Γ."""
    cube = with_moments(Lattice.cubic(3.0), {(0.0, 0.0, 0.0): 5.0})
    assert irreducible(cube, gamma(3, 3, 3)) == 4
    assert irreducible(cube, Kpoints.monkhorst_automatic((4, 4, 4))) == 4
    assert irreducible(cube, gamma(4, 4, 4)) == 10, "0, 1/4 and 1/2: ten triples of three values"
    assert irreducible(cube, Kpoints.monkhorst_automatic((2, 2, 2))) == 1 and irreducible(cube, gamma(2, 2, 2)) == 4
    skew = with_moments(Lattice.from_parameters(3.0, 3.4, 3.9, 81, 77, 99), {(0.0, 0.0, 0.0): 5.0, (0.4, 0.3, 0.45): 2.0})
    assert irreducible(skew, gamma(3, 3, 3)) == 14 and irreducible(skew, Kpoints.monkhorst_automatic((2, 2, 2))) == 4


def test_the_signs_of_moments_take_symmetry_away() -> None:
    """Four atoms on the axes x and y of a square cell: a fourfold axis exchanges them, so that (1/3, 0) and (0, 1/3) are one
    point if all moments are up, and two if those on y are down."""
    for on_y, points in ((5.0, 3), (-5.0, 4)):
        sites = {(0.3, 0.0, 0.0): 5.0, (-0.3, 0.0, 0.0): 5.0, (0.0, 0.3, 0.0): on_y, (0.0, -0.3, 0.0): on_y}
        assert irreducible(with_moments(Lattice.tetragonal(8.0, 7.0), sites), gamma(3, 3, 1)) == points


def test_the_shortest_period_of_a_mesh_is_that_of_its_supercell() -> None:
    """Face-centred, edge 4 Å: primitive vectors of 2.83 Å, and n times these; 2, 2 and 4 of them have 5.66 Å, which 1, 1 and 5
    of them cannot exceed."""
    primitive = Structure(Lattice([[0, 2, 2], [2, 0, 2], [2, 2, 0]]), ["Fe"], [[0, 0, 0]])
    assert shortest_period(primitive, gamma(2, 2, 2)) == pytest.approx(2 * 8**0.5)
    assert shortest_period(primitive, gamma(1, 1, 5)) == pytest.approx(8**0.5)
    skew = Structure(Lattice([[3, 0, 0], [9, 1, 0], [0, 0, 8]]), ["Fe"], [[0, 0, 0]])
    assert shortest_period(skew, gamma(1, 1, 1)) == pytest.approx(1.0), "of a long vector less three short ones"
    assert shortest_period(skew, gamma(2, 1, 1)) == pytest.approx(2.0), "twice (9, 1, 0) less three times (6, 0, 0)"
