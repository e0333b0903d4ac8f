"""The columns of magnetic order have the values that their names say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.ordering.order_classifier import CLASSES
from pipeline.screening.answer_columns import ordering_columns

ROUNDING = 1e-12


def of_magnetic(fm: float, fim: float, afm: float) -> np.ndarray:
    """(1, 3) probabilities given moments, in the order of the classes."""
    named = {"FM": fm, "FiM": fim, "AFM": afm}
    return np.array([[named[name] for name in CLASSES]])


def test_each_probability_stands_under_its_own_name() -> None:
    found = ordering_columns(np.array([0.8]), of_magnetic(0.5, 0.3, 0.2))
    assert found["p_ferromagnetic"][0] == pytest.approx(0.40)
    assert found["p_ferrimagnetic"][0] == pytest.approx(0.24)
    assert found["p_antiferromagnetic"][0] == pytest.approx(0.16)
    assert found["afm_risk"][0] == pytest.approx(0.2), "given moments, so not times P(magnetic)"
    assert found["ordering_most_likely"] == ["FM"]


@pytest.mark.parametrize(
    ("p_magnetic", "shares", "likeliest"),
    [(0.1, (0.9, 0.05, 0.05), "NM"), (0.9, (0.2, 0.6, 0.2), "FiM"), (0.9, (0.2, 0.2, 0.6), "AFM"), (1.0, (0.4, 0.3, 0.3), "FM")],
)
def test_the_likeliest_of_four(p_magnetic: float, shares: tuple[float, float, float], likeliest: str) -> None:
    assert ordering_columns(np.array([p_magnetic]), of_magnetic(*shares))["ordering_most_likely"] == [likeliest]


@given(st.floats(0, 1), st.lists(st.floats(0.01, 1), min_size=3, max_size=3))
def test_the_three_add_up_to_p_magnetic(p_magnetic: float, weights: list[float]) -> None:
    shares = np.array(weights) / sum(weights)
    found = ordering_columns(np.array([p_magnetic]), shares[None])
    total = found["p_ferromagnetic"] + found["p_ferrimagnetic"] + found["p_antiferromagnetic"]
    assert total[0] == pytest.approx(p_magnetic, abs=ROUNDING)
