"""The out-of-domain score of compositions: low among what was learned, high elsewhere, and never the rows themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.experiment.domain import FAR, UNSEEN, CompositionDomain
from models.experiment.model import Formulas
from pipeline.features.formulas import described_formulas


def formulas(seed: int, metals: tuple[int, ...], n: int = 200) -> Formulas:
    rng = np.random.default_rng(seed)
    return described_formulas(
        [{int(rng.choice(metals)): float(rng.uniform(1, 4)), int(rng.choice([8, 13, 14])): 1.0} for _ in range(n)]
    )


def score(domain: CompositionDomain, given: Formulas) -> np.ndarray:
    return domain.score(given.columns, given.numbers, given.start)


@pytest.fixture(scope="module")
def domain() -> CompositionDomain:
    learned, held_out = formulas(0, (25, 26, 27)), formulas(1, (25, 26, 27))
    fitted = CompositionDomain.fit(learned.columns, learned.numbers)
    return fitted.scaled_to(score(fitted, held_out))


def test_one_is_where_held_out_rows_end(domain: CompositionDomain) -> None:
    assert (score(domain, formulas(1, (25, 26, 27))) <= 1).mean() == pytest.approx(FAR, abs=0.01)


def test_other_chemistry_lies_outside(domain: CompositionDomain) -> None:
    assert (score(domain, formulas(2, (58, 64, 92))) >= UNSEEN).all()
    seen_elements = described_formulas([{25: 1.0, 26: 1.0, 27: 1.0, 8: 1.0, 13: 1.0, 14: 1.0}])
    assert score(domain, seen_elements)[0] > 1


def test_no_centre_is_a_row(domain: CompositionDomain) -> None:
    learned = formulas(0, (25, 26, 27))
    place = np.clip((learned.columns - domain.mean) / domain.deviation, -6, 6) @ domain.axes.T
    apart = np.linalg.norm(place[:, None] - domain.centres[None], axis=-1).min(axis=0)
    assert (apart > 1e-4).all(), "a centre is the mean of two different rows at least"


def test_a_row_stands_for_itself_and_none_is_none(domain: CompositionDomain) -> None:
    given = formulas(3, (25, 26))
    np.testing.assert_allclose(score(domain, given.take(np.array([5, 9]))), score(domain, given)[[5, 9]], rtol=1e-4)
    assert score(domain, given.take(np.zeros(0, dtype=np.int64))).shape == (0,)


def test_arrays_that_cannot_be(domain: CompositionDomain) -> None:
    again = CompositionDomain.from_arrays(domain.arrays(), domain.unit)
    given = formulas(4, (25, 26))
    np.testing.assert_array_equal(score(again, given), score(domain, given))
    for damaged in (replace(domain, centres=domain.centres[:, 1:]), replace(domain, deviation=-domain.deviation)):
        with pytest.raises(ValueError, match="no domain"):
            CompositionDomain.from_arrays(damaged.arrays(), domain.unit)
    for unit in (float("nan"), float("inf"), 0.0):
        with pytest.raises(ValueError, match="no domain"):
            CompositionDomain.from_arrays(domain.arrays(), unit)
    for name in ("mean", "axes", "centres"):
        damaged_array = domain.arrays()[name].copy()
        damaged_array.flat[3] = np.nan
        with pytest.raises(ValueError, match="no domain"):
            CompositionDomain.from_arrays(domain.arrays() | {name: damaged_array}, domain.unit)


def test_neither_the_unit_nor_the_zero_of_a_column_matters() -> None:
    """Each column is measured in its own deviation from its own mean; one that never varies says nothing."""
    rng = np.random.default_rng(5)
    learned, asked = rng.normal(size=(200, 6)).astype(np.float32), rng.normal(size=(20, 6)).astype(np.float32)
    learned[:, 5] = 1.0
    numbers, start = np.full(20, 26), np.arange(20)
    plain = CompositionDomain.fit(learned, numbers).score(asked, numbers, start)
    scale, shift = np.array([1, 16, 0.25, 2, 64, 1], np.float32), np.array([0, 8, -4, 2, 0, 0], np.float32)
    other = CompositionDomain.fit(learned * scale + shift, numbers).score(asked * scale + shift, numbers, start)
    np.testing.assert_allclose(other, plain, rtol=1e-3)
    asked[:, 5] = 9.0
    np.testing.assert_allclose(CompositionDomain.fit(learned, numbers).score(asked, numbers, start), plain)
    assert plain.min() > 0 and CompositionDomain.fit(learned, numbers).score(50 * asked, numbers, start).min() > plain.max()
