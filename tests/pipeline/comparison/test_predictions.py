"""What is named as the change in a candidate's own prediction."""

from __future__ import annotations

import pandas as pd
import pytest

from pipeline.comparison.causes import Cause
from pipeline.comparison.predictions import prediction_changes
from pipeline.screening.profiles import PROFILES

PROFILE = PROFILES["permanent-magnet"]
ROW = {
    "score": 0.60, "saturation_T": 1.0, "saturation_T_low": 0.5, "saturation_300K_T": 0.9, "p_fm_or_fim": 0.9,
    "p_tc_above_450": 0.8, "uniaxial_possible": True, "known_order": None, "known_tc_K": float("nan"),
    "known_elsewhere": "",
}  # fmt: skip
FELL = {"score": 0.01, "p_tc_above_450": 0.01}


def changed(causes: set[Cause], same_profile: bool = True, **others: object) -> str:
    """What is said of one candidate whose earlier row is ROW."""
    old, new = pd.DataFrame([ROW]), pd.DataFrame([{**ROW, **others}])
    return prediction_changes(old, new, PROFILE, same_profile, causes)[0]


@pytest.mark.parametrize("causes", [{Cause.MODEL}, {Cause.SETTINGS}])
def test_another_curie_temperature_is_another_prediction(causes: set[Cause]) -> None:
    """The magnetisation is the same, and the score is not: a new model of experiments does that."""
    assert changed(causes, **FELL) == f"{min(causes)}: p_tc_above_450 0.80 → 0.01"


def test_what_was_measured_is_told_from_what_a_model_says() -> None:
    both = {Cause.MODEL, Cause.MEASURED}
    assert changed(both, **FELL).startswith("model: ")
    assert changed(both, **FELL, known_elsewhere="AFM (bcc)").startswith("measured values: ")
    assert changed(both, **FELL, known_order="FM or FiM", known_tc_K=210.0).startswith("measured values: ")


def test_a_larger_magnetisation_does_not_hide_what_made_a_candidate_fall() -> None:
    said = changed({Cause.MODEL}, **FELL, saturation_T_low=0.7)
    assert said == "model: at least 0.50 → 0.70 T, p_tc_above_450 0.80 → 0.01"


def test_small_scores_are_compared_by_themselves() -> None:
    assert changed({Cause.MODEL}, score=0.61) == "model: score 0.6 → 0.61"
    assert changed({Cause.MODEL}, same_profile=False, score=0.61) == ""


def test_rounding_is_no_change() -> None:
    assert changed({Cause.MODEL}, score=0.6001, saturation_T=1.004, p_fm_or_fim=0.904) == ""
