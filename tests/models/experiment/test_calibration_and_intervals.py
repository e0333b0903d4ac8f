"""Probabilities and intervals that hold what they say, on rows that they were not fitted to."""

from __future__ import annotations

import numpy as np
import pytest

from models.experiment.calibration import Calibration
from models.experiment.intervals import BinnedResiduals

ROWS = 6000
OFF = 0.03  # of a probability or a coverage from so many rows


def temperatures(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truths that scatter by a tenth of the prediction and the spread, with a long tail upwards."""
    rng = np.random.default_rng(seed)
    predicted, spread = rng.uniform(2, 1000, ROWS), rng.uniform(1, 40, ROWS)
    noise = rng.gamma(2.0, 0.7, ROWS) - 1.0
    return np.maximum(predicted + noise * (0.1 * predicted + spread), 0.0), predicted, spread


def test_every_bin_is_covered() -> None:
    fitted = BinnedResiduals.fit(*temperatures(0))
    truth, predicted, spread = temperatures(1)
    low, high = fitted.interval(predicted, spread)
    inside = (truth >= low) & (truth <= high)
    for a, b in ((0, 100), (100, 300), (300, 600), (600, 1000)):
        here = (predicted >= a) & (predicted < b)
        assert inside[here].mean() == pytest.approx(0.90, abs=OFF)


def test_probabilities_of_a_threshold_hold() -> None:
    fitted = BinnedResiduals.fit(*temperatures(0))
    truth, predicted, spread = temperatures(1)
    said = fitted.p_above(450.0, predicted, spread)
    for a, b in ((0.1, 0.4), (0.4, 0.6), (0.6, 0.9)):
        here = (said >= a) & (said < b)
        assert (truth[here] > 450).mean() == pytest.approx(said[here].mean(), abs=3 * OFF)
    assert ((said > 0) & (said < 1)).all()


def test_quantiles_rise_and_temperatures_are_never_negative() -> None:
    fitted = BinnedResiduals.fit(*temperatures(0))
    _, predicted, spread = temperatures(2)
    at = [fitted.quantile(level, predicted, spread) for level in (0.05, 0.5, 0.95)]
    assert (at[0] <= at[1]).all() and (at[1] <= at[2]).all() and (at[0] >= 0).all()


def test_written_and_read() -> None:
    fitted = BinnedResiduals.fit(*temperatures(0))
    assert BinnedResiduals.from_json(fitted.to_json()) == fitted


@pytest.mark.parametrize("spoilt", [{}, {"quantiles": [[0.0]], "rows": [1]}, {"rows": [0] * 7, "quantiles": [[0.0] * 201] * 7}])
def test_anything_else_is_refused(spoilt: dict[str, object]) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        BinnedResiduals.from_json(spoilt)


def test_a_wrong_logit_becomes_a_right_probability() -> None:
    rng = np.random.default_rng(0)
    logit = rng.normal(0, 3, 2 * ROWS)
    truth = (rng.random(2 * ROWS) < 1 / (1 + np.exp(-(0.4 * logit + 0.5)))).astype(float)  # the logit is far too sure
    fitted = Calibration.fit(logit[:ROWS], truth[:ROWS])
    said, rest = fitted.predict(logit[ROWS:]), truth[ROWS:]
    for k in range(10):
        here = (said >= k / 10) & (said < (k + 1) / 10)
        if here.sum() > 200:
            assert rest[here].mean() == pytest.approx(said[here].mean(), abs=2 * OFF)
    assert Calibration.from_json(fitted.to_json()) == fitted


@pytest.mark.parametrize(("x", "y"), [([0, 1], [0.5, 0.4]), ([1, 0], [0.1, 0.2]), ([0], [1.5]), ([], []), ([0, 1], [0.5])])
def test_no_curve(x: list[float], y: list[float]) -> None:
    with pytest.raises(ValueError, match="calibration"):
        Calibration.from_json({"logit": x, "probability": y})
