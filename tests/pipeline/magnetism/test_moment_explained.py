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


def sentence(p_magnetic: float = 0.95, **facts: object) -> pd.Series:
    """What is said of a crystal with these facts; the calculation gives it 1 µB/atom."""
    row = net([laves("Y")], p_magnetic=p_magnetic, moment_muB_per_atom=p_magnetic, moment_low=0.9 * p_magnetic)
    row = row.drop(columns=[name for name in row if name.startswith("moment_") and name not in KEPT]).assign(**facts)
    return with_experiment(row, nothing_known(row.index), pd.Series(1.0, index=row.index)).iloc[0]


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({}, "d 1.00 µB/atom ferromagnetic = 1.00; "),
        ({"light_4f": 0.5, "ions_4f": "Nd 3+"}, "d 1.00 µB/atom ferromagnetic, plus 4f 0.25 (Nd 3+, parallel) = 1.25; "),
        ({"heavy_4f": 0.5, "ions_4f": "Tb 3+"}, "d 1.00 µB/atom ferromagnetic, minus 4f 0.45 (Tb 3+, antiparallel) = 0.55; "),
        ({"heavy_4f": 3.0, "ions_4f": "Tb 3+"}, "d 1.00 µB/atom ferromagnetic, minus 4f 2.70 (Tb 3+, antiparallel) = 1.70; "),
        ({"spin_4f": 0.5, "ions_4f": "Gd 3+"}, "d 1.00 µB/atom ferromagnetic, minus 4f 0.50 (Gd 3+, antiparallel) = 0.50; "),
        ({"ions_4f": "Eu 3+"}, "d 1.00 µB/atom ferromagnetic, no 4f moment (Eu 3+) = 1.00; "),
        ({"heavy_4f": 3.0, "ions_4f": "Tb 3+", "typical_d": 0.0, "label_4f": 0.5}, "4f 2.28 µB/atom (Tb 3+) = 2.28; "),
        ({"light_4f": 1.0, "ions_4f": "Nd 3+", "typical_d": 0.0, "label_4f": 0.5}, "4f 0.69 µB/atom (Nd 3+) = 0.69; "),
    ],
)
def test_each_part_is_named_with_its_sign_and_the_parts_add_up(facts: dict[str, object], said: str) -> None:
    """Beside d moments, 0.5 of light moments and 0.9 of heavy ones are left, without them 0.69 and 0.76 (FITTED)."""
    row = sentence(**facts)
    assert row.moment_explained.startswith(said)
    ending = f"expected over all orders {row.moment_net:.2f}, P(net moment) "
    assert row.moment_explained.removeprefix(said).startswith(ending)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({}, "if FM or FiM: d 1.00 µB/atom ferromagnetic = 1.00; "),
        (
            {"heavy_4f": 3.0, "ions_4f": "Tb 3+", "typical_d": 0.0, "label_4f": 0.5},
            "aligned by a field: 4f 2.28 µB/atom (Tb 3+) = 2.28; ",
        ),
    ],
)  # fmt: skip
def test_a_moment_that_the_likeliest_order_does_not_have_is_conditional(facts: dict[str, object], said: str) -> None:
    row = sentence(p_fm_or_fim_predicted=0.1, **facts)
    assert row.ordering_most_likely == "AFM" and row.moment_explained.startswith(said)


@pytest.mark.parametrize("dft", [0.0003, 0.005])
def test_what_dft_leaves_to_a_rare_earth_is_no_d_sublattice(dft: float) -> None:
    """Dysprosium and holmium: a little µB/atom over a small P(magnetic). Their 4f moments are antiparallel to nothing."""
    row = net([laves("Y")], p_magnetic=0.03, moment_muB_per_atom=dft, moment_low=0.0, moment_high=0.01)
    row = row.drop(columns=[name for name in row if name.startswith("moment_") and name not in KEPT])
    row = row.assign(heavy_4f=10.0, ions_4f="Dy 3+", typical_d=0.0, orbits_4f=1.0)
    known = nothing_known(row.index).assign(known_order="FM")
    said = with_experiment(row, known, pd.Series(1.0, index=row.index)).iloc[0]
    assert said.moment_explained.startswith("4f 9.00 µB/atom (Dy 3+) = 9.00; ")


def test_without_any_moment_the_ions_are_named() -> None:
    nothing = net([laves("Y")], p_magnetic=0.01, moment_muB_per_atom=0.0, moment_low=0.0, moment_high=0.01)
    nothing = nothing.drop(columns=[name for name in nothing if name.startswith("moment_") and name not in KEPT])
    nothing = nothing.assign(ions_4f="Yb 2+ (p = 0.97)", typical_d=0.0)
    said = with_experiment(nothing, nothing_known(nothing.index), pd.Series(1.0, index=nothing.index)).iloc[0]
    assert said.moment_explained.startswith("no net moment (Yb 2+ (p = 0.97)); expected over all orders 0.00, ")


@pytest.mark.parametrize(
    ("share", "words", "said"),
    [
        (0.3, WORDS, f"d 0.30 µB/atom ferrimagnetic ({WORDS}: 0.30 of the sum) = 0.30; "),
        (float("nan"), "", "d 0.42 µB/atom ferrimagnetic (0.42 of the sum, no rule for its sublattices) = 0.42; "),
    ],
)
def test_what_is_left_of_a_ferrimagnet_is_said_with_and_without_a_rule(share: float, words: str, said: str) -> None:
    """Without a rule it is the mean of what ferrimagnets keep, (0.05 + 0.13 + 0.33 + 0.65 + 0.93) / 5."""
    row = sentence(fim_share=share, fim_words=words, p_ferromagnetic=0.1, p_ferrimagnetic=0.8)
    assert row.moment_explained.startswith(said)
