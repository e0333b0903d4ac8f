"""The rule that joins DFT and experiment, and the columns that follow from it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.magnetism.experiment import SURE, with_experiment
from pipeline.magnetism.known_orders import known_from_experiment

ORDERS = ["p_ferromagnetic", "p_ferrimagnetic", "p_antiferromagnetic"]


def table(**changes: object) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "formula": ["Fe7Co3N", "MnPt", "NiO", "Fe", "YCo5"], "space_group": [166, 123, 225, 229, 191],
            "p_magnetic": 0.9, "p_ferromagnetic": 0.5, "p_ferrimagnetic": 0.3, "p_fm_or_fim_predicted": 0.6,
            "moment_muB_per_atom": 2.0, "moment_low": 1.8, "moment_high": 2.2, "tc_K": 500.0, "tc_low_K": 300.0,
            "tc_high_K": 700.0, "p_tc_above_300": 0.95, "p_tc_above_450": 0.7, "p_tc_above_600": 0.2, "p_tc_260_to_340": 0.1,
        }
    )  # fmt: skip
    return frame.assign(**changes)


def joined(frame: pd.DataFrame) -> pd.DataFrame:
    known = known_from_experiment(frame["formula"], frame["space_group"], None)
    return with_experiment(frame, known, pd.Series(1.0, index=frame.index))


def test_the_rule() -> None:
    first = joined(table()).iloc[0]
    assert first["order_basis"] == "predicted" and first["p_antiferromagnetic"] == pytest.approx(0.9 * 0.4)
    assert first["p_ferromagnetic"] == pytest.approx(0.9 * 0.6 * 5 / 8)
    assert first["p_ferrimagnetic"] == pytest.approx(0.9 * 0.6 * 3 / 8)
    assert first["p_fm_or_fim"] == pytest.approx(0.9 * 0.6) and first["afm_risk"] == pytest.approx(0.4)


@pytest.mark.parametrize("p_magnetic", [0.0, 0.4, 1.0])
def test_probabilities_sum_to_one(p_magnetic: float) -> None:
    found = joined(table(p_magnetic=p_magnetic, p_ferromagnetic=0.0, p_ferrimagnetic=0.0))
    magnetic = found[ORDERS].sum(axis=1)
    assert magnetic[0] == pytest.approx(p_magnetic)
    assert ((found[ORDERS] >= 0) & (found[ORDERS] <= 1)).all(axis=None)


def test_what_is_measured_beats_what_is_predicted() -> None:
    found = joined(table())
    assert found["order_basis"].tolist() == ["predicted", *["measured"] * 4]
    assert found["ordering_most_likely"].tolist() == ["AFM", "AFM", "AFM", "FM", "FM"]
    assert found["tc_K"].tolist() == [500, 500, 500, 1044, 980]
    assert found["tc_basis"].tolist() == ["predicted", "predicted", "predicted", "measured", "measured"]
    assert found["p_tc_above_600"][3] > 0.999 and found["tc_low_K"][3] > 950
    assert found["p_fm_or_fim"][1] <= (1 - SURE) and found["p_fm_or_fim"][4] >= SURE**2


def test_a_measured_order_makes_a_crystal_magnetic_that_dft_calls_none() -> None:
    found = joined(table(p_magnetic=0.05))
    assert found["p_fm_or_fim"][3] > 0.9 and found["p_antiferromagnetic"][2] > 0.9 and found["p_fm_or_fim"][0] < 0.05


def test_what_was_measured_to_have_no_order_is_no_magnet() -> None:
    """YCo2, which DFT calls a ferromagnet; Fe7Co3N keeps its own numbers."""
    found = joined(table(formula=["Fe7Co3N", "YCo2", "LaNi5", "FeSe", "FeAl"], space_group=[166, 227, 191, 129, 221]))
    assert found["order_basis"].tolist() == ["predicted", *["measured"] * 4]
    assert found["ordering_most_likely"].tolist() == ["AFM", *["NM"] * 4]
    assert (found["p_magnetic"][1:] <= 1 - SURE).all() and (found["p_fm_or_fim"][1:] <= 1 - SURE).all()
    assert (found["moment_net"][1:] < 0.1).all() and found["moment_net"][0] > 0.5
    assert found["tc_basis"].tolist() == ["predicted"] * 5


def test_working_magnetisation() -> None:
    found = joined(table())
    assert (found["saturation_300K_T_low"] <= found["saturation_300K_T"]).all()
    assert (found["saturation_300K_T"] <= found["saturation_300K_T_high"]).all()
    assert found["saturation_300K_T"][3] == pytest.approx(2.0 / 0.9 * SURE * 0.96, abs=0.1), "iron keeps most of it at 300 K"
    np.testing.assert_allclose(found["bh_max_MGOe"], found["bh_max_kJ_m3"] / 7.9577)
    assert found["uniaxial_possible"].tolist() == [True, True, False, False, True]


def test_a_wrong_reference_does_not_widen_what_a_handbook_says() -> None:
    frame = table()
    known = known_from_experiment(frame["formula"], frame["space_group"], None).assign(known_spread_K=1000.0)
    alone = known.assign(known_dois="10.1/one; 10.1/other")
    own = pd.Series(1.0, index=frame.index)
    handbook, others = with_experiment(frame, known, own), with_experiment(frame, alone, own)
    assert handbook["tc_low_K"][3] > 950 and handbook["tc_high_K"][3] < 1140
    assert others["tc_low_K"][3] < 700  # where no handbook decides, the range of the values counts
