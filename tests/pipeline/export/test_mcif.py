"""A magnetic CIF file reads as the ordering that it was made of, with pymatgen and with gemmi, and a changed one does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import spglib
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Lattice, Structure

from data.crystal import make_crystal
from data.symmetry import symmetrise
from pipeline.export.mcif import asymmetric_unit, write_mcif
from pipeline.export.mcif_check import READERS, check_mcif, difference, read_with_gemmi
from pipeline.magnetism.competing_orderings import Ordering, orderings
from pipeline.magnetism.magnetic_group import in_bns_setting
from tests.contract.crystals import hand_built

MATCH_A = 1e-3


def with_spins(structure: Structure, moments: list[float], sign: float = 1.0) -> Structure:
    """Up, down and none as species: H, He and the elements, so that a matcher of crystals compares moments, too."""
    names = [
        site.specie.symbol if abs(m) < 1e-6 else {True: "Xe", False: "Rn"}[sign * m > 0]
        for site, m in zip(structure, moments, strict=True)
    ]
    return Structure(structure.lattice, names, structure.frac_coords).get_primitive_structure()


def axis_moments(path: Path) -> tuple[Structure, list[float], np.ndarray]:
    """The crystal of a file with its moments along their common axis, and the moments as vectors."""
    read = read_with_gemmi(path)
    lattice = Lattice.from_parameters(*read.parameters)
    cartesian = read.moments @ (lattice.matrix / np.array(lattice.lengths)[:, None])
    strongest = cartesian[np.argmax(np.linalg.norm(cartesian, axis=1))]
    along = cartesian @ (strongest / np.linalg.norm(strongest))
    assert np.allclose(np.abs(along), np.linalg.norm(cartesian, axis=1), atol=1e-5), "collinear"
    return Structure(lattice, read.numbers.tolist(), read.frac), along.tolist(), cartesian


@pytest.mark.parametrize("name", sorted(hand_built()))
def test_round_trip(name: str, tmp_path: Path) -> None:
    for ordering in orderings(symmetrise(hand_built()[name])):
        path = tmp_path / f"{ordering.name}.mcif"
        cell = write_mcif(ordering, path)
        structure, moments, vectors = axis_moments(path)
        assert sorted(np.abs(moments))[-1] == pytest.approx(np.abs(ordering.moments).max())
        matcher = StructureMatcher(ltol=MATCH_A, stol=MATCH_A, angle_tol=0.01, primitive_cell=False, scale=False)
        meant = with_spins(ordering.structure, ordering.moments.tolist())
        both = [with_spins(structure, moments, sign) for sign in (1.0, -1.0)]
        assert any(matcher.fit(meant, read) for read in both), f"{ordering.name}: another crystal than the one meant"
        again = spglib.get_magnetic_symmetry_dataset(
            (structure.lattice.matrix, structure.frac_coords, [s.specie.Z for s in structure], vectors), symprec=MATCH_A
        )
        assert spglib.get_magnetic_spacegroup_type(again.uni_number).bns_number == cell.group.number


def test_a_site_near_a_third_stays_where_it_is(tmp_path: Path) -> None:
    """pymatgen takes 0.33335 for 1/3 unless it is told not to, and the ordering was lost to the export."""
    lattice = [[4.0, 0.0, 0.0], [0.1, 5.0, 0.0], [0.2, 0.3, 6.0]]
    crystal = make_crystal("x", lattice, [[0.0, 0.0, 0.0], [0.33335, 0.4, 0.45]], [26, 27])
    for ordering in orderings(symmetrise(crystal)):
        write_mcif(ordering, tmp_path / f"{ordering.name}.mcif")


CHANGES = {
    "a site moved": ("F1 F 0.695", "F1 F 0.685"),
    "another element": ("Mn1 Mn ", "Mn1 Fe "),
    "another size": ("0.0000000000 -5.0", "0.0000000000 -4.0"),
    "another direction": ("0.0000000000 -5.0", "0.5000000000 -5.0"),
    "another cell": ("_cell_length_c 3", "_cell_length_c 4"),
}


@pytest.mark.parametrize("reader", sorted(READERS))
@pytest.mark.parametrize("change", sorted(CHANGES))
def test_changed_files_are_noticed(change: str, reader: str, tmp_path: Path) -> None:
    ordering = next(o for o in orderings(symmetrise(hand_built()["MnF2"])) if o.name == "afm-gamma2")
    path = tmp_path / "a.mcif"
    cell = write_mcif(ordering, path)
    assert not difference(READERS[reader](path), cell)
    before, after = CHANGES[change]
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
    if (change, reader) != ("another direction", "gemmi"):  # a moment that its site's symmetry forbids: gemmi's reading refuses
        assert difference(READERS[reader](path), cell)
    with pytest.raises(RuntimeError, match=r"does not read as the ordering|two moments"):
        check_mcif(path, cell)


def test_operations_that_contradict_the_moments_are_noticed(tmp_path: Path) -> None:
    ordering = next(o for o in orderings(symmetrise(hand_built()["MnF2"])) if o.name == "afm-gamma2")
    path = tmp_path / "a.mcif"
    cell = write_mcif(ordering, path)
    path.write_text(path.read_text().replace(",-1\n", ",+1\n"))
    with pytest.raises(RuntimeError, match="two moments"):
        check_mcif(path, cell)


def test_each_orbit_once_and_on_its_symmetry_elements() -> None:
    ordering = next(o for o in orderings(symmetrise(hand_built()["SmCo5"])) if o.name == "fm")
    unit = asymmetric_unit(in_bns_setting(ordering))
    assert len(unit.places) == 3, "Sm, and two orbits of Co"
    assert np.abs(unit.frac * 6 - np.round(unit.frac * 6)).max() < 1e-12, "0, 1/3, 1/2 and 2/3"


def test_a_cell_that_is_no_magnetic_unit_cell_is_refused(tmp_path: Path) -> None:
    ordering = next(o for o in orderings(symmetrise(hand_built()["MnF2"])) if o.name == "fm")
    doubled = Ordering("fm", ordering.structure.copy())
    doubled.structure.make_supercell([2, 1, 1])
    with pytest.raises(RuntimeError, match="larger than its magnetic unit cell"):
        write_mcif(doubled, tmp_path / "a.mcif")
