"""The 4f moments of crystals as numbers: sums over atoms and valences, over the number of atoms."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Lattice

from data.elements import four_f_moment
from data.symmetry import SymmetricCell
from pipeline.features.neighbours import GraphSettings, build_graphs
from pipeline.magnetism.four_f import NUMBERS, four_f_facts
from pipeline.magnetism.moment_columns import heavy_against_d, p_4f, p_d_magnetic
from pipeline.magnetism.moment_facts import FACTS, moment_facts
from pipeline.magnetism.valence import p_larger_ion
from tests.pipeline.magnetism.test_net_moment import cell, laves, rock_salt

FREE = {"Nd": 3.27, "Tb": 9.0, "Gd": 7.0, "Sm": 0.71}  # µB of the free ions


def facts(*cells: SymmetricCell) -> pd.DataFrame:
    return pd.DataFrame(four_f_facts(build_graphs(list(cells), GraphSettings())[0]))


def hexagonal(element: str) -> SymmetricCell:
    return cell("P6_3/mmc", Lattice.hexagonal(3.6, 5.7), [element], [[1 / 3, 2 / 3, 0.25]])


def test_each_ion_counts_in_its_column_over_all_atoms() -> None:
    """RFe2 has one ion for three atoms, the metal is all ions."""
    found = facts(laves("Nd"), laves("Tb"), laves("Gd"), laves("Y"), hexagonal("Nd"), hexagonal("Tb"), hexagonal("Gd"))
    nd, tb, gd = (FREE[name] for name in ("Nd", "Tb", "Gd"))
    np.testing.assert_allclose(found["light_4f"], [nd / 3, 0, 0, 0, nd, 0, 0], atol=0.01)
    np.testing.assert_allclose(found["heavy_4f"], [0, tb / 3, 0, 0, 0, tb, 0], atol=0.01)
    np.testing.assert_allclose(found["spin_4f"], [0, 0, gd / 3, 0, 0, 0, gd], atol=0.01)
    np.testing.assert_allclose(found["label_4f"], [0, 0, 7 / 3, 0, 0, 0, 7], atol=0.01)
    assert (found["doubt_4f"] == 0).all()
    assert found["ions_4f"].tolist() == ["Nd 3+", "Tb 3+", "Gd 3+", "", "Nd 3+", "Tb 3+", "Gd 3+"]


@pytest.mark.parametrize(("metal", "number"), [("Tb", 65), ("Gd", 64)])
def test_a_metal_by_itself_has_the_facts_that_it_has_beside_another_crystal(metal: str, number: int) -> None:
    alone, beside = facts(hexagonal(metal)).iloc[0], facts(laves("Y"), hexagonal(metal)).iloc[1]
    assert alone.to_dict() == beside.to_dict() and alone["heavy_4f"] + alone["spin_4f"] == four_f_moment(number)


def test_an_ion_on_several_places_is_named_once_and_all_of_it_counts() -> None:
    found = facts(cell("Fm-3m", Lattice.cubic(7.2), ["Tb", "Tb", "Nd"], [[0.0] * 3, [0.25] * 3, [0.5] * 3])).iloc[0]
    assert found["ions_4f"] == "Nd 3+, Tb 3+", "in the order of the periodic table"
    assert found["heavy_4f"] == pytest.approx(3 * FREE["Tb"] / 4) and found["light_4f"] == pytest.approx(FREE["Nd"] / 4, abs=0.01)


@pytest.mark.parametrize(("element", "a", "larger_has_moment"), [("Sm", 5.93, False), ("Eu", 5.82, True), ("Yb", 5.55, False)])
def test_an_uncertain_valence_is_a_mean_with_a_deviation(element: str, a: float, larger_has_moment: bool) -> None:
    """Of two values, 0 with the probability 1 - p and the moment with p."""
    crystal = rock_salt(element, "S", a)
    graphs = build_graphs([crystal], GraphSettings())[0]
    larger = p_larger_ion(graphs)[graphs.numbers > 16][0]
    p = larger if larger_has_moment else 1 - larger
    assert 0.05 < p < 0.95
    found, moment = facts(crystal).iloc[0], four_f_moment(int(graphs.numbers.max())) / 2
    column = {"Sm": "light_4f", "Eu": "spin_4f", "Yb": "heavy_4f"}[element]
    assert found[column] == pytest.approx(p * moment) == pytest.approx(found[list(NUMBERS[:3])].sum())
    assert found["doubt_4f"] == pytest.approx(moment * np.sqrt(p * (1 - p)))
    assert found["label_4f"] == pytest.approx((6 + p) / 2 if element == "Eu" else 0.0), "in a calculation Eu 3+ has its spin"
    valence = {"Sm": ("2+", "3+"), "Eu": ("2+", "3+"), "Yb": ("2+", "3+")}[element][int(larger < 0.5)]
    assert found["ions_4f"] == f"{element} {valence} (p = {max(larger, 1 - larger):.2f})"


def test_cerium_has_no_moment_of_its_own() -> None:
    """DFT has its 4f electron."""
    found = facts(rock_salt("Ce", "S", 5.78)).iloc[0]
    assert (found[list(NUMBERS)] == 0).all() and found["ions_4f"].startswith("Ce 3+")


@pytest.mark.parametrize("element", ["No", "Lr"])
def test_the_heaviest_elements_have_facts(element: str) -> None:
    crystal = rock_salt(element, "O", 5.0)
    found = moment_facts(build_graphs([crystal], GraphSettings())[0], [crystal], np.ones(1))
    assert set(found) == set(FACTS) and found["typical_d"][0] == found["heavy_4f"][0] == 0.0


def test_moments_that_oppose_d_moments_and_what_a_curie_temperature_says_of_these() -> None:
    table = pd.DataFrame(
        {
            "light_4f": [1.0, 0.0, 0.0, 0.0, 0.0], "heavy_4f": [0.0, 1.0, 0.0, 1.0, 0.0], "spin_4f": [0.0, 0.0, 1.0, 0.0, 0.0],
            "typical_d": [1.0, 1.0, 1.0, 0.0, 1.0], "p_tc_above_300": [0.8, 0.8, 0.2, 0.8, 0.8],
        }
    )  # fmt: skip
    assert heavy_against_d(table).tolist() == [False, True, True, False, False]
    p_d = p_d_magnetic(table, pd.Series([0.5] * 5))
    assert p_d.tolist() == [0.8, 0.8, 0.5, 0.5, 0.5], "4f moments alone, or none of them, ask no Curie temperature"


def test_the_probability_of_4f_moments_is_that_of_all_ions_together() -> None:
    """p·S and S·sqrt(p(1 - p)) of a sum S of 2 µB/atom; less than 0.02 µB/atom is no sublattice."""
    table = pd.DataFrame(
        {
            "light_4f": [0.7, 0.0, 0.0, 0.005], "heavy_4f": [0.5, 0.0, 1.6, 0.005], "spin_4f": [0.4, 1.6, 0.0, 0.005],
            "doubt_4f": [0.8, 0.8, 0.0, 0.0],
        }
    )  # fmt: skip
    assert p_4f(table).tolist() == pytest.approx([0.8, 0.8, 1.0, 0.0])
