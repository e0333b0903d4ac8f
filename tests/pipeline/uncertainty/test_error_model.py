"""What the size of an error is read from, and the regression that reads it, by their equations."""

from __future__ import annotations

import numpy as np
import pytest

from models.contract import Prediction
from pipeline.uncertainty.error_model import Difficulty, features, logarithms
from pipeline.uncertainty.kernel_regression import MOST, at_most

ROWS = 80


def test_features_by_hand() -> None:
    """Of one crystal; 0.05 µB/atom is added below each logarithm of a moment, and 0.01 below one of probabilities."""
    first, second = Prediction(np.array([1.0]), np.array([0.9])), Prediction(np.array([2.0]), np.array([0.5]))
    found = features([first, second], np.array([0.75, 0.25]))
    mean, p = 1.25, 0.8
    in_squares = np.sqrt(0.75 * (1.0 - mean) ** 2 + 0.25 * (2.0 - mean) ** 2)
    expected = [
        np.log(0.5 + 0.05), np.log(in_squares + 0.05),  # both members alike, and by their weights
        np.log(p * (1 - p) + 0.01), np.log((0.9 * 0.1 + 0.5 * 0.5) / 2 + 0.01), np.log(mean + 0.05), np.log(0.2 + 0.01),
        p, mean, np.log(1.0 + 0.05), np.log(2.0 + 0.05),
    ]  # fmt: skip
    np.testing.assert_allclose(found, [expected], rtol=1e-6)
    assert found.dtype == np.float32


def test_logarithms_of_nothing_and_less_are_finite() -> None:
    np.testing.assert_allclose(logarithms(np.array([0.0, -1.0, 1.0])), np.log([0.05, 0.05, 1.05]))


def rows(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(error, said, composition) with columns of unlike size, one that never varies and one with a value far out."""
    rng = np.random.default_rng(seed)
    said = (rng.normal(size=(ROWS, 4)) * [1.0, 10.0, 0.1, 0.0] + 3.0).astype(np.float32)
    composition = (rng.normal(size=(ROWS, 9)) * 5.0).astype(np.float32)
    said[0, 0] = 60.0
    return rng.gamma(1.0, 0.1, ROWS), said, composition


def test_it_is_kernel_ridge_regression_of_the_logarithm_of_the_error() -> None:
    """Groups of columns weigh 1 and 0.2 over the root of their number; Cauchy's kernel has a length of 3 deviations."""
    error, said, composition = rows(0)
    _, new_said, new_composition = rows(1)
    new_said[:5, 3] += 1.0
    learned = Difficulty.fit(error, said, composition)

    pairs = ((said, composition), (new_said, new_composition))
    known, asked = (np.concatenate(pair, axis=1).astype(np.float64) for pair in pairs)
    mean, deviation = known.mean(axis=0), np.maximum(known.std(axis=0), 1e-6)
    weight = np.array([1 / 2] * 4 + [0.2 / 3] * 9)
    a, b = (np.clip((table - mean) / deviation, -5.0, 5.0) * weight / 3.0 for table in (known, asked))

    def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return 1.0 / (1.0 + ((x[:, None] - y[None]) ** 2).sum(axis=2))

    target = np.log(error + 0.01)
    solved = np.linalg.solve(kernel(a, a) + 0.3 * np.eye(ROWS), target - target.mean())
    expected = np.exp(target.mean() + kernel(b, a) @ solved)
    found = learned.predict(new_said, new_composition)
    np.testing.assert_allclose(found, expected, rtol=3e-3)  # places are kept in half precision


def test_equal_errors_are_expected_everywhere() -> None:
    _, said, composition = rows(2)
    learned = Difficulty.fit(np.full(ROWS, 0.2), said, composition)
    np.testing.assert_allclose(learned.predict(said, composition), 0.2 + 0.01, rtol=1e-6)


@pytest.mark.parametrize("number", [MOST, MOST + 1])
def test_too_many_rows_are_drawn_once_each_and_in_order(number: int) -> None:
    every = np.arange(5, 5 + number)
    found = at_most(every, np.random.default_rng(0))
    assert len(found) == MOST == len(set(found.tolist())) and set(found.tolist()) <= set(every.tolist())
    assert (np.diff(found) > 0).all()
    assert number > MOST or found is every
