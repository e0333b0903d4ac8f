"""The net moment's interval of crystals that are unlike the learned ones, or have elements that were never seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.magnetism.experiment import with_experiment
from pipeline.magnetism.known_orders import known_from_experiment

INTERVALS = ("moment_net", "moment_if_fm_or_fim", "moment_3d")


def said(scores: Sequence[float] | None, **changes: object) -> pd.DataFrame:
    """The columns of crystals of which a network says nothing: no moment, but an interval up to 4 µB/atom."""
    n = 1 if scores is None else len(scores)
    frame = pd.DataFrame(
        {
            "formula": ["CmN"] * n, "space_group": 225, "p_magnetic": 0.15, "p_ferromagnetic": 0.05, "p_ferrimagnetic": 0.05,
            "p_fm_or_fim_predicted": 0.3, "moment_muB_per_atom": 0.001, "moment_low": 0.0, "moment_high": 4.0, "tc_K": 100.0,
            "tc_low_K": 50.0, "tc_high_K": 400.0, "p_tc_above_300": 0.05, "p_tc_above_450": 0.01, "p_tc_above_600": 0.0,
            "p_tc_260_to_340": 0.05,
        }
    ).assign(**changes)  # fmt: skip
    frame = frame if scores is None else frame.assign(ood_score=scores)
    known = known_from_experiment(frame["formula"], frame["space_group"], None)
    return with_experiment(frame, known, pd.Series(1.0, index=frame.index))


def test_what_an_unseen_element_may_add_reaches_the_net_moment() -> None:
    """Below a probability of 5 % of being a ferromagnet, too: that probability is the network's."""
    near, far = (row for _, row in said([0.9, 2.0]).iterrows())
    assert all(near[f"{name}_high"] < 0.1 for name in INTERVALS)
    assert all(far[f"{name}_high"] >= far["moment_high"] for name in INTERVALS)
    assert far["moment_net_high"] < 1.1 * far["moment_high"] and far["moment_net_low"] == 0.0
    assert far["saturation_300K_T_high"] > near["saturation_300K_T_high"]


def test_not_knowing_moves_no_value() -> None:
    near, far = (row for _, row in said([0.9, 2.0]).iterrows())
    for name in ("moment_net", "moment_if_fm_or_fim", "moment_3d", "saturation_300K_T", "moment_explained", "p_fm_or_fim"):
        assert near[name] == far[name]
    assert far["moment_sure"] <= near["moment_sure"]


@pytest.mark.parametrize("score", [0.3, 1.0, np.nan])
def test_crystals_like_the_learned_ones_keep_their_numbers(score: float) -> None:
    """NaN is the score of models without a domain. A far crystal in the same table changes nothing either."""
    without = said(None).iloc[0]
    beside_a_far_one = said([score, 3.0]).iloc[0]
    pd.testing.assert_series_equal(beside_a_far_one.drop("ood_score"), without, check_exact=True)


@settings(deadline=None, max_examples=30)
@given(score=st.floats(1.0, 2.0), high=st.floats(0.05, 5.0), moment=st.floats(0.0, 3.0))
def test_the_interval_grows_with_the_score_without_a_jump(score: float, high: float, moment: float) -> None:
    values = {"moment_muB_per_atom": moment, "moment_high": moment + high, "p_magnetic": 0.9, "p_fm_or_fim_predicted": 0.6}
    rows = said([1.0, score, min(score + 1e-6, 2.0), 2.0], **values)
    for name in INTERVALS:
        ends = rows[f"{name}_high"].to_numpy()
        assert (np.diff(ends) >= -1e-12).all() and ends[2] - ends[1] < 1e-4
        assert ends[3] >= moment + high - 1e-9


def test_a_measured_antiferromagnet_stays_one() -> None:
    row = said([2.5], formula="NiO", moment_muB_per_atom=0.8, moment_high=2.0, p_magnetic=0.95).iloc[0]
    assert row["order_basis"] == "measured" and row["moment_net_high"] < 0.1
