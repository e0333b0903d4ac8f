"""Lengths in Bohr radii make a crystal without bonds: its note says so."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest

from data.cif.disorder import Disorder
from data.cif.lengths import lengths_note
from data.disordered import DisorderedCrystal
from data.sources.formats import Format, read_text
from data.sources.starter import StarterSource
from tests.data.cif_texts import CELL, cell_text, cif_text, crystal_of, named

BOHR_IN_A = 0.529177
CUBES = [("I m -3 m", 2.866, "Fe1 Fe 0 0 0 1\n"), ("F m -3 m", 4.445, "Mn1 Mn 0 0 0 1\nO1 O .5 .5 .5 1\n")]
CUBES += [("I m -3 m", 6.14, "Cs1 Cs 0 0 0 1\n"), ("F d -3 m :1", 3.567, "C1 C 0 0 0 1\n")]


@pytest.mark.parametrize(("group", "edge", "sites"), CUBES)
def test_a_crystal_in_bohr_radii_has_a_note(group: str, edge: float, sites: str) -> None:
    in_A = crystal_of(cif_text(cell=cell_text(edge, edge, edge), symmetry=named(group), sites=sites))
    assert "bonded" not in in_A.note
    in_bohr = crystal_of(cif_text(cell=cell_text(*3 * (edge / BOHR_IN_A,)), symmetry=named(group), sites=sites))
    assert "no atoms are bonded" in in_bohr.note and in_bohr.note.endswith("Are the lengths in Å?")


def test_the_note_names_the_nearest_atoms_by_their_radii() -> None:
    found = crystal_of(cif_text(cell=CELL.replace("4.445(2)", "8.4"))).note
    pairs = [(8.4, "Mn", "Mn"), (8.4, "O", "O"), (8.4 * 3**0.5 / 2, "Mn", "O")]
    ratio, wanted = min((apart / sum(gemmi.Element(e).covalent_r for e in pair), apart) for apart, *pair in pairs)
    assert f"the nearest are {ratio:.1f} times the sum of their covalent radii ({wanted:.2f} Å) apart" in found


def test_a_disordered_crystal_has_it_too() -> None:
    sites = "Fe1 Fe 0 0 0 .5\nCo1 Co 0 0 0 .5\nFe2 Fe .5 .5 .5 .5\nCo2 Co .5 .5 .5 .5\n"
    for edge, noted in ((2.86, False), (5.4, True)):
        found = crystal_of(cif_text(cell=cell_text(edge, edge, edge), sites=sites))
        assert isinstance(found, DisorderedCrystal) and ("bonded" in found.note) == noted


@pytest.mark.parametrize("elements", ["Fe Co", "Fe Co Ni", "Cr Mn Fe Co Ni"])
def test_an_alloy_of_many_elements_has_it_too(elements: str) -> None:
    """All elements of one position together are not nearer to those of the next one."""
    names = elements.split()
    sites = "".join(f"{e}1 {e} 0 0 0 {1 / len(names):.6f}\n" for e in names)
    for edge, noted in ((3.58, False), (3.58 / BOHR_IN_A, True)):
        found = crystal_of(cif_text(cell=cell_text(edge, edge, edge), symmetry=named("F m -3 m"), sites=sites))
        assert isinstance(found, DisorderedCrystal) and ("bonded" in found.note) == noted


def test_a_poscar_has_it_too() -> None:
    text = "{title}\n{scale}\n2.87 0 0\n0 2.87 0\n0 0 2.87\nFe Co\n1 1\nDirect\n0 0 0\n.5 .5 .5\n"
    for scale, noted in (("1.0", False), ("1.88973", True)):
        (found,) = read_text(Format.POSCAR, text.format(title="x", scale=scale), "f", "f", Disorder.REJECT)
        assert ("bonded" in found.note) == noted  # type: ignore[union-attr]


@pytest.mark.parametrize(("element", "edge"), [("Ne", 4.46), ("Ar", 5.31), ("Kr", 5.65), ("Xe", 6.13)])
def test_solid_noble_gases_are_not_bonded(element: str, edge: float) -> None:
    """Nor is helium in its hexagonal solid, nor a mixture of two."""
    cubic = {"cell": cell_text(edge, edge, edge), "symmetry": named("F m -3 m")}
    assert not crystal_of(cif_text(**cubic, sites=f"X1 {element} 0 0 0 1\n")).note
    assert "bonded" not in crystal_of(cif_text(**cubic, sites=f"X1 {element} 0 0 0 .5\nX2 Ar 0 0 0 .5\n")).note
    helium = cell_text(3.53, 3.53, 5.69, gamma=120)
    assert not crystal_of(cif_text(cell=helium, symmetry=named("P 63/m m c"), sites="X1 He .333333 .666667 .25 1\n")).note


def test_in_an_oblique_cell_the_nearest_atom_may_lie_along_a_difference_of_two_vectors() -> None:
    found = crystal_of(cif_text(cell=cell_text(7, 7, 9, gamma=50), sites="Fe1 Fe 0 0 0 1\n")).note
    assert f"({2 * 7 * np.sin(np.pi * 25 / 180):.2f} Å) apart" in found


def test_molecules_are_bonded() -> None:
    sites = "N1 N 0 0 0 1\nN2 N 0.055 0 0 1\n"
    assert not crystal_of(cif_text(cell=cell_text(20, 20, 20), sites=sites)).note


def test_oblique_cells_and_the_starter_set_have_none() -> None:
    source = StarterSource()
    for shard in source.shards():
        for item in source.read(shard):
            crystal = item.crystal  # type: ignore[union-attr]
            oblique = np.array([[1, 0, 0], [2, 1, 0], [-1, 1, 1]])
            frac = crystal.frac @ np.linalg.inv(oblique)
            for lattice, places in ((crystal.lattice, crystal.frac), (oblique @ crystal.lattice, frac)):
                note = lengths_note(lattice, places, crystal.numbers, np.ones(crystal.n_sites, dtype=np.int64))
                assert not note, crystal.id
