"""M(T), its interval, and the columns of experiments by numbers that were written out."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from models.experiment.intervals import BinnedResiduals
from models.experiment.model import ExperimentPrediction, Transition
from pipeline.features.magnetic_composition import formula_mix
from pipeline.magnetism.experiment import order_columns, predicted_columns, prediction_columns, with_experiment
from pipeline.magnetism.known_orders import MIXED, is_contradictory, known_from_experiment, nothing_known
from pipeline.magnetism.working_temperature import (
    SHAPE_RANGE,
    anisotropy_needed,
    kuzmin,
    largest_energy_product,
    magnetisation_at,
)
from pipeline.registry.experiment_model import PublishedExperimentModel
from pipeline.registry.order_models import load_experiment
from pipeline.registry.shipped import shipped_of
from tests.pipeline.magnetism.test_experiment import table
from tests.pipeline.magnetism.test_working_temperature import of

QUANTILES = 0.02  # relative; of 512 draws against the distribution
NO_END = 1e12  # K: a Curie temperature that no magnet reaches
ONE_SIGMA = 1.6449  # half widths of a 90 % interval


def test_half_way_to_the_curie_temperature() -> None:
    """(1 - s/2^1.5 - (1 - s)/2^2.5)^(1/3); the shape is 0.6 where none is named."""
    assert kuzmin(of(0.5))[0] == pytest.approx((1 - 0.6 / 2**1.5 - 0.4 / 2**2.5) ** (1 / 3), rel=1e-12)
    assert kuzmin(of(0.5), 0.1)[0] == pytest.approx((1 - 0.1 / 2**1.5 - 0.9 / 2**2.5) ** (1 / 3), rel=1e-12)


def test_without_a_curie_temperature_the_interval_is_that_of_the_moment() -> None:
    far = of(NO_END)
    found = magnetisation_at(300.0, of(1.5), of(1.0), of(3.5), far, far, far)
    assert found.value[0] == pytest.approx(1.5, rel=1e-9)
    assert (found.low[0], found.high[0]) == (pytest.approx(1.0, rel=QUANTILES), pytest.approx(3.5, rel=QUANTILES))


def test_of_a_sure_magnet_the_interval_is_that_of_the_shape() -> None:
    """Shapes are even from 0.1 to 1.1: 0.15 and 1.05 hold 90 %."""
    found = magnetisation_at(300.0, of(1.0), of(1.0), of(1.0), of(600.0), of(600.0), of(600.0))
    assert found.value[0] == pytest.approx(kuzmin(of(0.5))[0])
    assert found.low[0] == pytest.approx(kuzmin(of(0.5), 1.05)[0], rel=QUANTILES / 4)
    assert found.high[0] == pytest.approx(kuzmin(of(0.5), 0.15)[0], rel=QUANTILES / 4)


def test_a_curie_temperature_below_zero_is_none() -> None:
    found = magnetisation_at(300.0, of(1.0), of(0.0), of(2.0), of(0.0), of(0.0), of(0.0))
    assert (found.value[0], found.low[0], found.high[0]) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("moment", "curie"),
    [((1.0, 0.7, 1.3), (400.0, 330.0, 480.0)), ((1.0, 1.0, 1.0), (400.0, 330.0, 480.0)), ((1.0, 0.7, 1.3), (330.0,) * 3)],
)
def test_the_interval_is_that_of_independent_errors(moment: tuple[float, ...], curie: tuple[float, ...]) -> None:
    """Against 200,000 independent draws of moment, Curie temperature and shape; 512 draws are good to 0.02."""
    rng = np.random.default_rng(0)

    def drawn(value: float, low: float, high: float) -> np.ndarray:
        step = rng.normal(size=200_000) / 1.6449
        return value + np.where(step > 0, high - value, value - low) * step

    m, tc, shape = drawn(*moment), drawn(*curie), rng.uniform(*SHAPE_RANGE, size=200_000)
    low, high = np.quantile(m * kuzmin(300.0 / tc, shape), [0.05, 0.95])
    found = magnetisation_at(300.0, *(np.array([one]) for one in (*moment, *curie)))
    assert found.low[0] == pytest.approx(low, abs=0.02) and found.high[0] == pytest.approx(high, abs=0.02)


def test_a_curie_temperature_of_zero_divides_by_nothing() -> None:
    zero, one = np.zeros(1), np.ones(1)
    with np.errstate(all="raise"):
        found = magnetisation_at(300.0, one, one, one, zero, zero, zero)
    assert found.value == found.low == found.high == 0.0


def test_ends_on_the_wrong_side_widen_nothing() -> None:
    """A low end above the value, or a high end below it, counts as the value."""
    far = of(NO_END)
    found = magnetisation_at(300.0, of(2.0), of(2.5), of(1.5), far, far, far)
    assert (found.low[0], found.high[0]) == (pytest.approx(2.0), pytest.approx(2.0))


def test_both_ends_of_what_follows() -> None:
    energy, mgoe = largest_energy_product(of(0.0, 2.0))
    np.testing.assert_allclose(energy, [0.0, 4.0 / (4 * 4e-7 * math.pi) / 1e3])
    np.testing.assert_allclose(mgoe, energy / 7.9577)
    np.testing.assert_allclose(anisotropy_needed(of(2.0)), 4.0 / (4e-7 * math.pi) / 1e6)
    with pytest.raises(dataclasses.FrozenInstanceError):
        magnetisation_at(1.0, *(of(1.0),) * 6).low = of(1.0)  # type: ignore[misc]


def measured(order: str, tc: float, spread: float = math.nan) -> pd.Series:
    """The first row of the table with an order and a Curie temperature measured."""
    row = table().iloc[[0]]
    known = nothing_known(row.index).assign(known_order=order, known_tc_K=tc, known_references=1, known_spread_K=spread)
    return with_experiment(row, known, pd.Series([1.0])).iloc[0]


@pytest.mark.parametrize(
    ("tc", "spread", "half"),
    [
        (1000.0, math.nan, 50.0),  # 5 % where references agree
        (60.0, math.nan, 5.0),  # at least 5 K
        (400.0, 100.0, 50.0),  # half of the spread
        (400.0, 900.0, 200.0),  # at most half of the value
        (4.0, math.nan, 5.0),
    ],
)
def test_a_measured_temperature_and_its_interval(tc: float, spread: float, half: float) -> None:
    found = measured("FM", tc, spread)
    assert (found["tc_K"], found["tc_basis"]) == (tc, "measured")
    assert found["tc_low_K"] == pytest.approx(max(tc - half, 0.0)) and found["tc_high_K"] == pytest.approx(tc + half)
    for limit in (300, 450, 600):
        assert found[f"p_tc_above_{limit}"] == pytest.approx(norm.cdf((tc - limit) / (half / ONE_SIGMA)))
    inside = norm.cdf((340.0 - tc) / (half / ONE_SIGMA)) - norm.cdf((260.0 - tc) / (half / ONE_SIGMA))
    assert found["p_tc_260_to_340"] == pytest.approx(inside)


def test_a_measured_order_without_a_temperature_keeps_the_predicted_one() -> None:
    found = measured("FiM", math.nan)
    assert (found["tc_K"], found["tc_low_K"], found["tc_high_K"], found["tc_basis"]) == (500.0, 300.0, 700.0, "predicted")
    assert found["p_tc_above_450"] == 0.7 and found["order_basis"] == "measured"


def test_an_antiferromagnet_has_no_measured_curie_temperature() -> None:
    found = measured("AFM", 900.0)
    assert found["tc_K"] == 500.0 and found["afm_risk"] == pytest.approx(0.98)
    assert found["p_magnetic"] == pytest.approx(0.98)


def test_contradictory_references_decide_nothing() -> None:
    found = measured("contradictory", 900.0)
    assert found["order_basis"] == "contradictory references" and found["tc_K"] == 500.0
    assert found["afm_risk"] == pytest.approx(0.4) and found["p_magnetic"] == pytest.approx(0.9)
    assert is_contradictory(pd.Series(["contradictory", "FM"])).tolist() == [True, False]


@pytest.mark.parametrize(
    ("order", "tc", "e"), [("FM", 1000.0, 0.77), ("FiM", 800.0, 0.77), ("AFM", math.nan, 0.40), (MIXED, 1044.0, 0.58)]
)
def test_another_structure_decides_with_little_confidence(order: str, tc: float, e: float) -> None:
    known = nothing_known(pd.RangeIndex(1)).assign(known_elsewhere="said", other_order=order, other_tc_K=tc)
    found = with_experiment(table().iloc[[0]], known, pd.Series([1.0])).iloc[0]
    assert (found["order_basis"], found["tc_basis"]) == ("another structure measured", "predicted")
    assert found["afm_risk"] == pytest.approx(1 - e) and found["p_magnetic"] == pytest.approx(0.9)
    expected = (
        (500.0, 300.0, 700.0, 0.7) if math.isnan(tc) else (tc, 0.5 * tc, 1.5 * tc, norm.cdf((tc - 450) / (0.5 * tc / ONE_SIGMA)))
    )
    assert tuple(found[["tc_K", "tc_low_K", "tc_high_K", "p_tc_above_450"]]) == pytest.approx(expected)
    assert not {"other_order", "other_tc_K"} & set(found.index)


def test_a_measurement_of_this_structure_counts_before_that_of_another() -> None:
    row = table().iloc[[0]]
    known = nothing_known(pd.RangeIndex(1)).assign(
        known_order="AFM", known_tn_K=90.0, known_elsewhere="said", other_order="FM", other_tc_K=900.0
    )
    found = with_experiment(row, known, pd.Series([1.0])).iloc[0]
    assert found["order_basis"] == "measured" and found["afm_risk"] == pytest.approx(0.98) and found["tc_low_K"] == 300.0


def test_the_rule_in_numbers() -> None:
    """P(AFM) is not P(FiM), and the risk is given that the crystal is magnetic."""
    one = (pd.Series([0.8]), pd.Series([0.7]), pd.Series([0.6]), pd.Series([0.2]))
    found = {name: next(iter(values)) for name, values in order_columns(*one, pd.Series([""])).items()}
    assert found["p_ferromagnetic"] == pytest.approx(0.8 * 0.7 * 0.75)
    assert found["p_ferrimagnetic"] == pytest.approx(0.8 * 0.7 * 0.25)
    assert found["p_antiferromagnetic"] == pytest.approx(0.8 * 0.3)
    assert found["afm_risk"] == pytest.approx(0.3) and found["p_fm_or_fim"] == pytest.approx(0.56)
    assert found["ordering_most_likely"] == "FM"
    ferri = order_columns(*one, pd.Series(["FiM"]))
    assert ferri["p_ferrimagnetic"][0] == pytest.approx(0.56 * 0.98) and ferri["ordering_most_likely"][0] == "FiM"
    ferro = order_columns(*one, pd.Series(["FM"]))
    assert ferro["p_ferromagnetic"][0] == pytest.approx(0.56 * 0.98)


@pytest.mark.parametrize(("magnetic", "e", "likely"), [(0.52, 1.0, "FM"), (0.48, 1.0, "NM"), (0.8, 0.3, "AFM")])
def test_the_likeliest_order_is_the_one_of_the_largest_probability(magnetic: float, e: float, likely: str) -> None:
    one = (pd.Series([magnetic]), pd.Series([e]), pd.Series([0.3]), pd.Series([0.0]))
    assert order_columns(*one, pd.Series([""]))["ordering_most_likely"].tolist() == [likely]


def test_a_handbook_row_with_a_space_group_counts_for_that_structure_only() -> None:
    formulas = pd.Series(["MnS", "MnS", "MnS"], dtype=object)
    found = known_from_experiment(formulas, pd.Series([225, 216, 1]), None)
    assert found["known_order"].tolist()[2] == "" and found["known_references"].tolist()[2] == 0
    assert found["known_tc_K"].isna().all() and found["known_spread_K"].isna().all()
    assert found["known_dois"].tolist()[2] == "" and "AFM" in found["known_order"].tolist()[:2]


FACTS = {
    "light_4f": 0.0, "heavy_4f": 0.0, "spin_4f": 0.0, "label_4f": 0.0, "doubt_4f": 0.0, "orbits_4f": 1.0,
    "ions_4f": "Dy 3+", "typical_d": 1.0, "follows": 0.0, "fim_share": np.nan, "fim_words": "",
}  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "p_magnetic", "share"),
    [
        ({"heavy_4f": 1.0}, 0.98, 0.95 * 0.02 + 0.05 * 0.98),  # P(Tc > 300 K) 0.95 is above P(magnetic) 0.9
        ({"light_4f": 1.0}, 0.98, 0.95 * 0.625 + 0.05 * 0.98),
        ({"light_4f": 1.0, "typical_d": 0.0}, 0.98, 0.9 * 0.625 + 0.1 * 0.98),
        ({}, 0.9, 0.625),
    ],
)
def test_4f_moments_in_the_probabilities_of_order(facts: dict[str, float], p_magnetic: float, share: float) -> None:
    frame = table().assign(**{**FACTS, **facts}).iloc[[0]]
    found = with_experiment(frame, known_from_experiment(frame["formula"], frame["space_group"], None), pd.Series([1.0])).iloc[0]
    assert found["p_magnetic"] == pytest.approx(p_magnetic)
    assert found["p_ferromagnetic"] == pytest.approx(p_magnetic * 0.6 * share)
    assert found["p_ferrimagnetic"] == pytest.approx(p_magnetic * 0.6 * (1 - share))


def test_what_dft_does_not_know_is_shared_evenly() -> None:
    nothing = pd.Series([0.0])
    found = order_columns(pd.Series([0.8]), pd.Series([0.5]), nothing, nothing, pd.Series([""]))
    assert found["p_ferromagnetic"][0] == pytest.approx(0.2) and found["p_ferrimagnetic"][0] == pytest.approx(0.2)
    frame = table(p_ferromagnetic=0.0, p_ferrimagnetic=0.0).iloc[[0]]
    joined = with_experiment(frame, known_from_experiment(frame["formula"], frame["space_group"], None), pd.Series([1.0])).iloc[0]
    assert joined["p_ferromagnetic"] == pytest.approx(0.9 * 0.6 * 0.5)


def test_the_columns_of_a_prediction() -> None:
    rng = np.random.default_rng(0)
    truth = rng.uniform(50, 900, 400)
    residuals = BinnedResiduals.fit(truth, truth + rng.normal(0, 60, 400), np.full(400, 30.0))
    tc, tn = (Transition(np.array([value]), np.array([30.0]), residuals) for value in (310.0, 80.0))
    found = prediction_columns(ExperimentPrediction(np.array([0.7]), tc, tn))
    assert found["p_fm_or_fim_predicted"] == [0.7] and found["tc_K"] == [310.0] and found["tn_K"] == [80.0]
    assert found["tc_low_K"] < 310.0 < found["tc_high_K"] and found["tn_high_K"] < found["tc_low_K"] + 200
    assert found["p_tc_260_to_340"] == pytest.approx(tc.p_above(260.0) - tc.p_above(340.0)) and found["p_tc_260_to_340"] > 0.1
    assert found["p_tc_above_450"] == pytest.approx(tc.p_above(450.0))


def test_shares_of_fm_and_fim() -> None:
    """All of it to the one that DFT calls possible; a reference that does not tell which keeps them."""
    one = (pd.Series([1.0]), pd.Series([1.0]), pd.Series([0.0]), pd.Series([0.3]))
    assert order_columns(*one, pd.Series([""]))["p_ferrimagnetic"][0] == 1.0
    assert order_columns(*one, pd.Series(["FM or FiM"]))["p_ferrimagnetic"][0] == 1.0


def test_each_composition_is_asked_once_and_answers_for_all_its_crystals() -> None:
    model = load_experiment(shipped_of(PublishedExperimentModel).folder).model  # type: ignore[union-attr]
    iron, alloy, oxide = {26: 2.0}, {26: 1.0, 27: 3.0}, {8: 4.0, 26: 3.0}
    found = predicted_columns(model, formula_mix([oxide, iron, alloy, oxide]))
    assert set(found) > {"p_fm_or_fim_predicted", "experiment_ood_score", "tc_K", "tn_K"}
    for k, alone in enumerate((oxide, iron, alloy, oxide)):
        for name, values in predicted_columns(model, formula_mix([alone])).items():
            assert found[name][k] == pytest.approx(values[0], rel=1e-5, abs=1e-6)


def test_room_temperature() -> None:
    frame = table()
    known = known_from_experiment(frame["formula"], frame["space_group"], None)
    first = with_experiment(frame, known, pd.Series([0.5] * 5)).iloc[0]
    expected = 0.5 * first["moment_if_fm_or_fim"] * kuzmin(np.array([300.0 / 500.0]))[0]
    assert first["saturation_300K_T"] == pytest.approx(expected, rel=1e-9)
