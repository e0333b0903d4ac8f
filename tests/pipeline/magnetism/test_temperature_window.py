"""The probability of a window of temperatures, against draws from the distribution that it stands for."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from pipeline.magnetism.temperature_window import probability_between
from pipeline.magnetism.working_temperature import SIGMAS_OF_90

DRAWN = 0.004  # what 200,000 draws leave


@pytest.mark.parametrize("window", [(260.0, 340.0), (0.0, 80.0), (10.0, 30.0), (700.0, 1500.0)])
@pytest.mark.parametrize(("value", "low", "high"), [(300.0, 200.0, 600.0), (60.0, 0.0, 150.0), (1000.0, 950.0, 1050.0)])
def test_it_is_the_share_of_draws(window: tuple[float, float], value: float, low: float, high: float) -> None:
    step = np.random.default_rng(0).normal(size=200_000) / SIGMAS_OF_90
    drawn = np.maximum(value + step * np.where(step > 0, high - value, value - low), 0.0)
    share = np.mean((drawn >= window[0]) & (drawn < window[1]))
    found = probability_between(window, *(np.array([x]) for x in (value, low, high)))
    assert found[0] == pytest.approx(share, abs=DRAWN)


def test_everything_is_somewhere_and_what_is_unknown_stays_so() -> None:
    value, low, high = np.array([300.0, 300.0, np.nan]), np.array([100.0, 300.0, 0.0]), np.array([500.0, 300.0, 1.0])
    whole = probability_between((0.0, 1e6), value, low, high)
    assert whole[:2] == pytest.approx(1.0) and np.isnan(whole[2])
    assert probability_between((250.0, 350.0), value, low, high)[1] == pytest.approx(1.0), "an interval without width"


def test_temperatures_of_a_few_kelvins_and_a_value_on_the_edge() -> None:
    """2 K with an interval from 1 to 10 K: 1.6449 half kelvins below the median for 1.5 K, and 1.6449 eighths of 2 K above it for
    4 K. A value without an interval is as often above itself as below."""
    value, low, high = np.array([2.0]), np.array([1.0]), np.array([10.0])
    below, above = NormalDist().cdf(-0.5 * 1.6449), NormalDist().cdf(2.0 / 8.0 * 1.6449)
    assert probability_between((0.0, 1.5), value, low, high) == pytest.approx(below)
    assert probability_between((0.0, 4.0), value, low, high) == pytest.approx(above)
    assert probability_between((0.5, 4.0), value, low, high) == pytest.approx(above - NormalDist().cdf(-1.5 * 1.6449))
    assert probability_between((0.0, 300.0), *3 * [np.array([300.0])]) == pytest.approx(0.5)
    assert probability_between((299.0, 301.0), *3 * [np.array([300.0])]) == pytest.approx(0.9, abs=1e-5), "1 K to either side"
