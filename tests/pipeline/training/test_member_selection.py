from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.contract import Prediction
from pipeline.evaluation.bootstrap import cluster_bootstrap
from pipeline.training.member_selection import CONSTANT, Dummy, assess_member, select_members

RUNS = 200
SAID = 0.95  # the confidence of the interval
ALLOWED = (
    0.06  # between stated and found coverage of the interval: three binomial standard deviations and the bootstrap's own bias
)


def rows(n: int, seed: int) -> tuple[np.ndarray, list[str]]:
    """(truth, systems): mostly zero, a third magnetic, three crystals a chemical system."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random(n) < 0.67, 0.0, rng.gamma(2.0, 0.4, n)), [f"S{k // 3}" for k in range(n)]


def said(moment: np.ndarray) -> Prediction:
    return Prediction(moment, np.full(len(moment), 0.5))


def test_the_interval_covers_the_true_mean_of_clustered_rows() -> None:
    """Rows of a system share half of their value; an interval over rows alone would be too narrow."""
    covered, plain = 0, 0
    for seed in range(RUNS):
        rng = np.random.default_rng(seed)
        values = 0.3 + np.repeat(rng.normal(size=80), 5) + rng.normal(size=400)
        gain = cluster_bootstrap(values, [str(k // 5) for k in range(400)], seed)
        covered += gain.low <= 0.3 <= gain.high
        alone = cluster_bootstrap(values, [str(k) for k in range(400)], seed)
        plain += alone.low <= 0.3 <= alone.high
    assert abs(covered / RUNS - SAID) < ALLOWED
    assert plain / RUNS < SAID - ALLOWED, "the test cannot tell"


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.floats(-3, 3), min_size=1, max_size=30), st.integers(1, 5))
def test_any_values_have_an_interval(values: list[float], systems: int) -> None:
    gain = cluster_bootstrap(np.array(values), [f"S{k % systems}" for k in range(len(values))])
    assert min(values) - 1e-9 <= gain.low <= gain.high <= max(values) + 1e-9
    assert gain == cluster_bootstrap(np.array(values), [f"S{k % systems}" for k in range(len(values))])


def test_the_better_dummy() -> None:
    assert Dummy.better(np.array([0.0, 0.0, 3.0]), np.array([0.0, 0.0, 0.1])).name == "zero"
    other = Dummy.better(np.array([1.0, 1.2]), np.array([1.0, 1.1, 0.9]))
    assert other.name != "zero" and other.value == pytest.approx(1.1)


def test_who_is_let_in() -> None:
    truth, systems = rows(600, 0)
    rng = np.random.default_rng(1)
    members = {
        "good": said(np.abs(truth + 0.05 * rng.normal(size=600))),
        "noise": said(rng.gamma(2.0, 0.3, 600)),
        "constant": said(np.full(600, 0.1)),
        "diverged": said(np.where(np.arange(600) == 7, np.nan, truth)),
        "almost zero": said(1e-4 * rng.random(600)),
    }
    verdicts = select_members(truth, truth, systems, members)
    assert [name for name, verdict in verdicts.items() if verdict.admitted] == ["good"]
    assert verdicts["good"].gain is not None and verdicts["good"].gain.low > 0 and verdicts["good"].reason == ""
    assert verdicts["constant"].reason == CONSTANT
    assert "not finite" in verdicts["diverged"].reason
    assert "not better than zero" in verdicts["noise"].reason
    assert "not better than zero" in verdicts["almost zero"].reason


def test_a_lead_that_may_be_luck_does_not_count() -> None:
    """One system with twenty crystals makes the whole gain."""
    truth = np.concatenate([np.ones(20), np.zeros(80)])
    systems = ["lucky"] * 20 + [f"S{k}" for k in range(80)]
    moment = np.concatenate([np.ones(20), np.full(80, 0.05)]) + np.linspace(0, 1e-3, 100)
    verdict = assess_member(Dummy("zero", 0.0), truth, systems, said(moment))
    assert verdict.gain is not None and verdict.gain.mean > 0.1
    assert not verdict.admitted
    by_rows = assess_member(Dummy("zero", 0.0), truth, [str(k) for k in range(100)], said(moment))
    assert by_rows.admitted, "the test cannot tell"


def test_too_few_systems_prove_nothing() -> None:
    truth = np.linspace(0, 1, 30)
    verdict = assess_member(Dummy("zero", 0.0), truth, ["A", "B", "C"] * 10, said(truth))
    assert not verdict.admitted and "3 chemical systems" in verdict.reason
