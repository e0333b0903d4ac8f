"""The sentence that says how a net moment comes about: a ferrimagnet whose sublattices leave nothing is one nevertheless."""

from __future__ import annotations

import pandas as pd
import pytest
from pymatgen.core import Lattice

from pipeline.magnetism.experiment import with_experiment
from pipeline.magnetism.known_orders import nothing_known
from tests.pipeline.magnetism.test_net_moment import KEPT, cell, laves, net

WORDS = "Fe on 4-fold sites against Fe on 6-fold sites"


@pytest.mark.parametrize(
    ("order", "p_magnetic", "beginning"),
    [
        ("", 0.95, f"d 0.00 µB/atom ferrimagnetic ({WORDS}: 0.00 of the sum) = 0.00; "),
        ("AFM", 0.95, "no net moment; "),
        ("", 0.05, "no net moment; "),
    ],
)
def test_sublattices_that_leave_nothing(order: str, p_magnetic: float, beginning: str) -> None:
    """They are named where the crystal probably orders as a ferrimagnet."""
    row = net([laves("Y")])
    row = row.drop(columns=[name for name in row if name.startswith("moment_") and name not in KEPT])
    row = row.assign(fim_share=0.0, fim_words=WORDS, p_ferromagnetic=0.1, p_ferrimagnetic=0.8, p_magnetic=p_magnetic)
    known = nothing_known(row.index).assign(known_order=order)
    said = with_experiment(row, known, pd.Series(1.0, index=row.index)).iloc[0]
    assert said.moment_explained.startswith(beginning)
    assert said.moment_3d == 0.0


def test_what_v_and_cr_take_is_in_the_calculation_already() -> None:
    """Ferrimagnetic by the order model: beside Fe, the total of the calculation stays; without Cr, it is compensated."""
    likely = {"p_ferromagnetic": 0.1, "p_ferrimagnetic": 0.85, "p_fm_or_fim_predicted": 0.95}
    lattice, sites = Lattice.cubic(2.87), [[0.0] * 3, [0.5] * 3]
    mixed, other = (net([cell("Pm-3m", lattice, ["Fe", symbol], sites)], **likely).iloc[0] for symbol in ("Cr", "Co"))
    assert mixed.follows == 1.0 and other.follows == 0.0
    assert mixed.moment_3d == pytest.approx(1 / 0.95, rel=0.01) and "with V and Cr as calculated" in mixed.moment_explained
    assert other.moment_if_fm_or_fim < 0.6 < 0.9 < mixed.moment_if_fm_or_fim
    assert mixed.p_ferrimagnetic == pytest.approx(other.p_ferrimagnetic), "the order itself is as predicted"


@pytest.mark.parametrize(("rare_earth", "p_magnetic"), [("Ce", 0.03), ("Yb", 0.6), ("Y", 0.5), ("Tb", 0.5)])
def test_the_probability_of_the_sentence_is_that_of_the_row(rare_earth: str, p_magnetic: float) -> None:
    """CeNi2 without a moment: the ion that is named is not one that orders."""
    row = net([laves(rare_earth, "Ni", 7.2)], p_magnetic=p_magnetic).iloc[0]
    assert row.moment_explained.endswith(f"P(net moment) {row.p_fm_or_fim:.2f}")
