"""Kernel ridge regression against its equations, and the bits of its rows."""

from __future__ import annotations

import numpy as np
import pytest

from models.contract import ModelError
from pipeline.uncertainty.kernel_regression import KernelRegression, squared_distances


def places(rows: int, axes: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, axes)).astype(np.float16).astype(np.float32)


def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + ((a[:, None].astype(np.float64) - b[None]) ** 2).sum(axis=2))


def test_it_solves_the_equations_of_kernel_ridge_regression() -> None:
    known, asked = places(40), places(9, seed=1)
    target, noise = np.sin(known[:, 0]).astype(np.float64), np.linspace(0.1, 2.0, 40)
    found = KernelRegression.fit(known, target, noise).predict(asked)
    wanted = kernel(asked, known) @ np.linalg.solve(kernel(known, known) + np.diag(noise), target)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_without_noise_it_meets_its_rows_and_far_away_it_says_nothing() -> None:
    known = places(40)
    target = known[:, 1].astype(np.float64)
    learned = KernelRegression.fit(known, target, 1e-6)
    np.testing.assert_allclose(learned.predict(known), target, atol=1e-3)
    assert np.abs(learned.predict(known + np.float32(1e4))).max() < 1e-4


@pytest.mark.parametrize("rows", [0, 1, 63, 64, 65])
def test_a_row_has_the_same_bits_in_every_batch(rows: int) -> None:
    learned, asked = KernelRegression.fit(places(100), np.arange(100.0), 0.5), places(130, seed=2)
    np.testing.assert_array_equal(learned.predict(asked[:rows]), learned.predict(asked)[:rows])


def test_its_arrays_make_the_same_regression() -> None:
    learned, asked = KernelRegression.fit(places(30), np.arange(30.0), 0.5), places(5, seed=3)
    np.testing.assert_array_equal(KernelRegression.of(learned.arrays, 3).predict(asked), learned.predict(asked))


@pytest.mark.parametrize("damage", ["points", "coefficient", "axes", "number", "shape"])
def test_other_arrays_are_refused(damage: str) -> None:
    arrays, axes = dict(KernelRegression.fit(places(30), np.arange(30.0), 0.5).arrays), 3
    if damage in arrays:
        del arrays[damage]
    elif damage == "axes":
        axes = 4
    elif damage == "number":
        arrays["points"] = np.where(np.arange(30)[:, None] == 7, np.float16(np.nan), arrays["points"])
    else:
        arrays["coefficient"] = arrays["coefficient"][:, None]
    with pytest.raises(ModelError):
        KernelRegression.of(arrays, axes)


def test_squared_distances() -> None:
    known = places(12)
    found, wanted = squared_distances(known), ((known[:, None] - known[None]) ** 2).sum(axis=2)
    assert np.isinf(np.diag(found)).all()
    np.testing.assert_allclose(found[~np.eye(12, dtype=bool)], wanted[~np.eye(12, dtype=bool)], atol=1e-5)
