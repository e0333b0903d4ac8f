"""What the net moment is made of: typical moments, errors, and which moments a Curie temperature or a measured order demands."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Lattice
from scipy.stats import norm

from pipeline.features.neighbours import GraphSettings, build_graphs
from pipeline.magnetism.experiment import with_experiment
from pipeline.magnetism.known_orders import nothing_known
from pipeline.magnetism.moment_constants import FITTED
from pipeline.magnetism.moment_facts import moment_facts
from tests.pipeline.magnetism.test_net_moment import KEPT, cell, laves, net, rock_salt

MOMENTS = ["moment_3d", "moment_net", "moment_net_low", "moment_net_high", "moment_if_fm_or_fim", "moment_sure"]


def said(order: str = "", **changes: object) -> pd.Series:
    """The columns of a crystal of which a calculation says 1 µB/atom; `order` was measured."""
    row = net([laves("Y")])
    row = row.drop(columns=[name for name in row if name.startswith("moment_") and name not in KEPT])
    known = nothing_known(row.index).assign(known_order=order)
    return with_experiment(row.assign(**changes), known, pd.Series(1.0, index=row.index)).iloc[0]


def test_typical_moments_are_those_of_salts_or_of_metals() -> None:
    """µB of an atom: Fe 2.1 and Co 1.2 in metals, Fe 4.0 and Cr 2.9 in salts, each over all atoms of its own crystal."""
    alloy = cell("Pm-3m", Lattice.cubic(2.87), ["Fe", "Co"], [[0.0] * 3, [0.5] * 3])
    cells = [rock_salt("Fe", "O", 4.3), alloy, rock_salt("Cr", "O", 4.2), laves("Y"), rock_salt("La", "O", 5.1)]
    found = moment_facts(build_graphs(cells, GraphSettings())[0], cells, np.ones(len(cells)))
    np.testing.assert_allclose(found["typical_d"], [2.0, (2.1 + 1.2) / 2, 2.9 / 2, 2 * 2.1 / 3, 0.0])
    assert found["salt"].tolist() == [1, 0, 1, 0, 1]


def test_vanadium_and_chromium_follow_others_in_metals_only() -> None:
    def with_iron(other: str, third: str) -> object:
        return cell("Fm-3m", Lattice.cubic(5.8), ["Fe", other, third], [[0.25] * 3, [0.0] * 3, [0.5] * 3])

    chromium = cell("Im-3m", Lattice.cubic(2.88), ["Cr"], [[0, 0, 0]])
    cells = [with_iron("V", "Al"), with_iron("Cr", "F"), chromium, with_iron("Co", "Al")]
    found = moment_facts(build_graphs(cells, GraphSettings())[0], cells, np.ones(len(cells)))
    assert found["salt"].tolist() == [0, 0, 0, 0] and found["follows"].tolist() == [1, 1, 0, 0]
    salt = cell("Pm-3m", Lattice.cubic(4.0), ["Cr", "Fe", "O"], [[0.0] * 3, [0.5] * 3, [0.5, 0.5, 0]])
    assert moment_facts(build_graphs([salt], GraphSettings())[0], [salt], np.ones(1))["follows"][0] == 0


def test_the_sublattices_of_what_is_surely_not_magnetic_are_not_looked_for() -> None:
    spinel = cell("Fd-3m", Lattice.cubic(8.39), ["Fe", "Fe", "O"], [[0.0] * 3, [0.625] * 3, [0.3799] * 3])
    found = moment_facts(build_graphs([spinel] * 2, GraphSettings())[0], [spinel] * 2, np.array([0.1, 0.09]))
    assert found["fim_share"][0] == pytest.approx(1 / 3) and np.isnan(found["fim_share"][1])
    assert found["fim_words"][1] == "" != found["fim_words"][0]


def test_the_interval_of_the_moment_is_that_of_a_normal_distribution() -> None:
    """A measured ferromagnet without 4f moments: the ends are the outermost of seven equally likely steps."""
    sure = {"p_magnetic": 1.0, "moment_low": 0.7, "moment_high": 1.3, "p_ferromagnetic": 1.0, "p_ferrimagnetic": 0.0}
    row = said("FM", **sure)
    step = FITTED.spread_metal * norm.ppf(6.5 / 7) * 0.3 / norm.ppf(0.95)
    assert [row.moment_net_low, row.moment_net_high] == pytest.approx([1 - step, 1 + step], rel=1e-3)
    assert row.moment_3d == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("order", "changes", "demand"),
    [
        ("", {}, 0.0),  # nothing says that d moments order
        ("FM", {}, 0.98),
        ("AFM", {}, 0.0),  # a measured antiferromagnet has no d moment to show
        ("", {"heavy_4f": 0.1}, 0.9 * 0.95),  # P(Tc > 300 K) times P(FM or FiM): 4f moments alone order below
        ("", {"spin_4f": 0.1, "p_tc_above_300": 0.5}, 0.5 * 0.95),
    ],
)
def test_a_lost_moment_is_demanded_by_a_measured_order_or_beside_4f_moments(
    order: str, changes: dict[str, float], demand: float
) -> None:
    """The calculation gives P(magnetic) 0.1 and no moment: four fifths of 0.8 of the typical 1.4 µB/atom, as far as demanded."""
    lost = {"p_magnetic": 0.1, "moment_muB_per_atom": 0.0, "moment_low": 0.0, "moment_high": 0.1, "p_tc_above_300": 0.9}
    row = said(order, **lost | {"p_ferromagnetic": 0.1, "p_ferrimagnetic": 0.0} | changes)
    assert row.typical_d == pytest.approx(1.4)
    assert row.moment_3d == pytest.approx(demand * 0.8 * 0.8 * 1.4, abs=1e-6)


@pytest.mark.parametrize("facts", [{"heavy_4f": 0.5}, {"follows": 1.0}])
def test_a_ferrimagnet_that_4f_moments_or_v_and_cr_explain_has_parallel_d_moments(facts: dict[str, float]) -> None:
    """Whatever DFT says of FM and FiM, their probability is 0.85 at least: not where rules oppose d sublattices."""
    ferri, as_much, more = (
        said(**facts, p_ferromagnetic=0.95 * p, p_ferrimagnetic=0.95 * (1 - p))[MOMENTS] for p in (0.1, 0.85, 1.0)
    )
    pd.testing.assert_series_equal(ferri, as_much, check_names=False)
    assert more.moment_if_fm_or_fim != pytest.approx(as_much.moment_if_fm_or_fim, rel=0.01)
    plain = said(p_ferromagnetic=0.095, p_ferrimagnetic=0.855)
    opposed = said(**facts, p_ferromagnetic=0.095, p_ferrimagnetic=0.855, fim_share=0.3)
    assert plain.moment_3d < 0.5 and opposed.moment_3d == pytest.approx(0.3 / 0.95 * 0.95, rel=0.06)


def test_the_calculation_of_a_4f_magnet_without_d_atoms_says_nothing_of_d_moments() -> None:
    """Its P(magnetic) is that of the 4f spin in the label; of crystals with d atoms it is theirs, too."""
    gadolinium = {"spin_4f": 3.5, "label_4f": 3.5, "moment_muB_per_atom": 4.5, "moment_low": 4.4, "moment_high": 4.6}
    alone, beside = said(**gadolinium, typical_d=0.0), said(**gadolinium, typical_d=1.4)
    assert alone.moment_4f == pytest.approx(3.5) and alone.moment_3d == 0.0, "by itself it is not opposed to anything"
    assert beside.moment_4f == pytest.approx(-3.5) and beside.moment_3d > 1.0
