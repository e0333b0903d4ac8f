"""Valences of rare earths: known ones of metals, and the probability by its equation in metals and in salts."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.core import Element, Lattice

from data.symmetry import SymmetricCell
from pipeline.features.descriptors import magpie_table
from pipeline.features.neighbours import GraphSettings, build_graphs
from pipeline.magnetism.valence import CHARGE, p_larger_ion
from tests.pipeline.magnetism.test_net_moment import cell

RARE_EARTHS = (58, 62, 63, 70)


def p_larger(*cells: SymmetricCell) -> list[float]:
    """Of the rare earth of each."""
    graphs = build_graphs(list(cells), GraphSettings())[0]
    found, here = p_larger_ion(graphs), np.isin(graphs.numbers, RARE_EARTHS)
    assert here.sum() == len(cells) and (found[~here] == 1.0).all()
    return found[here].tolist()


def bcc(element: str, a: float) -> SymmetricCell:
    return cell("Im-3m", Lattice.cubic(a), [element], [[0.0] * 3])


def fcc(element: str, a: float) -> SymmetricCell:
    return cell("Fm-3m", Lattice.cubic(a), [element], [[0.0] * 3])


def gold_copper(element: str, other: str, a: float) -> SymmetricCell:
    return cell("Pm-3m", Lattice.cubic(a), [element, other], [[0.0] * 3, [0.5, 0.5, 0.0]])


def caesium_chloride(element: str, other: str, a: float) -> SymmetricCell:
    return cell("Pm-3m", Lattice.cubic(a), [element, other], [[0.0] * 3, [0.5] * 3])


def fluorite(element: str, anion: str, a: float) -> SymmetricCell:
    return cell("Fm-3m", Lattice.cubic(a), [element, anion], [[0.0] * 3, [0.25] * 3])


def laves(element: str, other: str, a: float) -> SymmetricCell:
    return cell("Fd-3m", Lattice.cubic(a), [element, other], [[0.0] * 3, [0.625] * 3])


@pytest.mark.parametrize(
    ("metal", "larger"),
    [
        (bcc("Eu", 4.58), True),  # 2+
        (fcc("Yb", 5.48), True),  # 2+
        (fcc("Ce", 5.16), True),  # gamma cerium, 3+
        (fcc("Sm", 5.09), False),  # 3+, at the volume of samarium
        (gold_copper("Eu", "Pd", 4.10), False),  # 3+
        (gold_copper("Yb", "Al", 4.20), False),  # nearly 3+
        (laves("Eu", "Al", 8.125), True),  # 2+
        (laves("Sm", "Fe", 7.42), False),  # 3+
        (laves("Ce", "Al", 8.06), True),  # 3+
    ],
)
def test_known_valences_of_metals(metal: SymmetricCell, larger: bool) -> None:
    assert (p_larger(metal)[0] > 0.5) is larger


@pytest.mark.parametrize(("element", "midpoint"), [("Ce", 24.0), ("Sm", 60.0), ("Eu", 32.0), ("Yb", 31.5)])
@pytest.mark.parametrize("odds", [1 / 3, 1.0, 5.0])
def test_in_a_metal_the_volume_decides_by_a_logistic_function(element: str, midpoint: float, odds: float) -> None:
    """Of 2 Å³, and half an Å³ more for each other atom, whose element's volume is taken off. Crystals do not see each other."""
    names, table = magpie_table()
    palladium = float(table[46, names.index("GSvolume_pa")])
    alone, one, three = (midpoint + (2.0 + 0.5 * others) * np.log(odds) + others * palladium for others in (0, 1, 3))
    cells = fcc(element, (4 * alone) ** (1 / 3)), caesium_chloride(element, "Pd", one ** (1 / 3)), gold_copper(
        element, "Pd", three ** (1 / 3)
    )  # fmt: skip
    assert p_larger(*cells) == pytest.approx([odds / (1 + odds)] * 3, abs=2e-3)


def test_elements_of_open_structures_are_smaller_in_metals() -> None:
    """Silicon has 13 Å³, not the 20 of its own structure."""
    cells = (caesium_chloride("Yb", "Si", (31.5 + 13.0) ** (1 / 3)), caesium_chloride("Yb", "Ge", (31.5 + 15.5) ** (1 / 3)))
    assert p_larger(*cells) == pytest.approx([0.5, 0.5], abs=1e-3)


@pytest.mark.parametrize(("element", "six", "eight"), [
    ("Ce", (1.010 + 0.870) / 2, (1.143 + 0.970) / 2), ("Sm", (1.17 + 0.958) / 2, (1.27 + 1.079) / 2),
    ("Eu", (1.17 + 0.947) / 2, (1.25 + 1.066) / 2), ("Yb", (1.02 + 0.868) / 2, (1.14 + 0.985) / 2),
])  # fmt: skip
def test_in_a_salt_the_radius_is_compared_with_those_of_shannon(element: str, six: float, eight: float) -> None:
    """Half way between both ions nothing is decided: for six neighbours and for eight, Shannon 1976."""
    rock_salt = cell("Fm-3m", Lattice.cubic(2 * (six + 1.96)), [element, "Br"], [[0.0] * 3, [0.5] * 3])
    eightfold = fluorite(element, "S", (eight + 1.84) * 4 / np.sqrt(3))
    found = p_larger(rock_salt, eightfold)
    assert found[0] == pytest.approx(0.5, abs=1e-3)
    assert found[1] == pytest.approx(0.5, abs=0.15), "the growth from six to eight is rounded to a few thousandths of an Å"
    larger = cell("Fm-3m", Lattice.cubic(2 * (six + 0.025 * np.log(3) + 1.96)), [element, "Br"], [[0.0] * 3, [0.5] * 3])
    assert p_larger(larger)[0] == pytest.approx(0.75, abs=1e-3)
    fluoride = perovskite("Mn", element, "F", 2 * (six + 0.025 * np.log(3) + 1.33))
    assert p_larger(fluoride)[0] == pytest.approx(0.75, abs=1e-3), "manganese has several charges, so that none is left"


def perovskite(corner: str, centre: str, anion: str, a: float) -> SymmetricCell:
    return cell("Pm-3m", Lattice.cubic(a), [corner, centre, anion], [[0.0] * 3, [0.5] * 3, [0.5, 0.5, 0.0]])


@pytest.mark.parametrize(("salt", "larger"), [
    (perovskite("Eu", "Ti", "O", 3.905), True), (perovskite("Ce", "Al", "O", 3.77), True),
    (perovskite("Ba", "Ce", "O", 4.41), False), (fluorite("Ce", "O", 5.411), False), (fluorite("Eu", "F", 5.842), True),
    (fluorite("Ce", "H", 5.581), True), (fluorite("Sm", "H", 5.376), False),
])  # fmt: skip
def test_known_valences_of_salts(salt: SymmetricCell, larger: bool) -> None:
    """Of twelve, of eight and of six neighbours: Eu 2+, Ce 3+, Ce 4+, Ce 4+, Eu 2+, Ce 3+ and Sm 3+."""
    assert (p_larger(salt)[0] > 0.5) is larger


@pytest.mark.parametrize(("element", "anion", "a", "larger"), [
    ("Sm", "N", 5.05, False), ("Ce", "P", 5.90, True), ("Yb", "P", 5.54, False), ("Ce", "As", 6.06, True),
    ("Yb", "As", 5.70, False), ("Ce", "S", 5.78, True), ("Eu", "S", 5.97, True), ("Yb", "Se", 5.93, True),
    ("Ce", "Se", 5.99, True), ("Sm", "Sb", 6.27, False), ("Ce", "Sb", 6.41, True),
    ("Sm", "Te", 6.60, True), ("Yb", "O", 4.87, True),
])  # fmt: skip
def test_known_valences_in_the_rock_salt_structure(element: str, anion: str, a: float, larger: bool) -> None:
    """The pnictides have 3+ ions, the chalcogenides of Sm, Eu and Yb 2+ ions, and those of cerium 3+ ions."""
    salt = cell("Fm-3m", Lattice.cubic(a), [element, anion], [[0.0] * 3, [0.5] * 3])
    assert (p_larger(salt)[0] > 0.5) is larger


def test_twelve_neighbours_are_farther_than_six() -> None:
    """Shannon's radii of Ce 3+ and Ce 4+ with twelve neighbours are 1.34 and 1.14 Å: half way nothing is decided."""
    assert p_larger(perovskite("Ce", "Ti", "O", (1.24 + 1.40) * np.sqrt(2)))[0] == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("a", [5.70, 5.78, 5.86])
def test_hydrogen_beside_sulphur_belongs_to_the_sulphur(a: float) -> None:
    """In holes of the sulphide it is nearer than the sulphur, and changes no valence, as that of water does not."""
    plain = cell("Fm-3m", Lattice.cubic(a), ["Eu", "S"], [[0.0] * 3, [0.5] * 3])
    filled = cell("Fm-3m", Lattice.cubic(a), ["Eu", "S", "H"], [[0.0] * 3, [0.5] * 3, [0.25] * 3])
    found = p_larger(plain, filled)
    assert found[0] == pytest.approx(found[1], abs=1e-6) and 0.01 < found[0] < 0.99


@pytest.mark.parametrize(("salt", "larger"), [
    (perovskite("Cs", "Eu", "Cl", 5.627), True), (perovskite("Cs", "Yb", "Cl", 5.443), True),
    (perovskite("Cs", "Yb", "F", 4.61), True), (fluorite("Yb", "F", 5.55), True), (perovskite("Eu", "Al", "O", 3.90), False),
    (perovskite("Sr", "Ce", "O", 4.29), False), (perovskite("Ce", "Al", "O", 3.70), True),
])  # fmt: skip
def test_an_oxide_or_halide_is_neutral(salt: SymmetricCell, larger: bool) -> None:
    """Caesium halides of divalent ions have shorter bonds than Shannon's radii say. Lattice constants beyond those of the real
    crystals (EuAlO3, CeAlO3) leave the charges as they are."""
    (p,) = p_larger(salt)
    assert (p if larger else 1.0 - p) >= 0.98


def test_without_a_charge_of_every_element_the_distances_decide() -> None:
    """Of two anions sulphur has several charges (CeS2 is Ce 3+); two rare earths share what is left; 2.5 is no valence."""
    small = (fluorite("Ce", "S", 6.8), perovskite("Cs", "Eu", "S", 5.4))
    assert [p > 0.5 for p in p_larger(*small)] == [True, False]
    graphs = build_graphs([perovskite("Eu", "Yb", "F", 4.4), perovskite("Eu", "Yb", "S", 4.4)], GraphSettings())[0]
    assert not np.isclose(p_larger_ion(graphs)[np.isin(graphs.numbers, RARE_EARTHS)], 0.98).any()
    between = cell("Fm-3m", Lattice.cubic(8.9), ["Na", "Eu", "Cl"], [[0.0] * 3, [0.25] * 3, [0.25, 0.0, 0.0]])  # NaEu2Cl6
    assert 0.1 < p_larger(between)[0] < 0.9


def test_the_charges_are_usual_ones_and_heavier_elements_have_no_valence_of_their_own() -> None:
    assert all(charge in Element.from_Z(z).common_oxidation_states for z, charge in CHARGE.items())
    assert len(CHARGE) == 32 and not {16, 22, 26, 1, *RARE_EARTHS} & set(CHARGE)
    assert len(p_larger(caesium_chloride("Ce", "Au", 3.6), caesium_chloride("Eu", "Au", 3.6))) == 2
