from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from data.crystal import Crystal
from models.contract import Examples, ModelError, Prediction
from models.saved import WEIGHTS_FILE
from pipeline.features.descriptors import descriptor_names
from pipeline.uncertainty.applicability_domain import FAR, UNSEEN, Domain
from pipeline.uncertainty.conformal import Calibration
from pipeline.uncertainty.ensemble_errors import ErrorModel
from pipeline.uncertainty.probability_calibration import Platt
from tests.contract import crystals as made

ROUNDING = 1e-9  # relative
COLUMNS = len(descriptor_names())


@lru_cache(maxsize=1)
def parts() -> tuple[Examples, Examples]:
    examples = made.starter_examples()
    rows = np.random.default_rng(0).permutation(len(examples))
    return examples.take(rows[:200]), examples.take(rows[200:])


@lru_cache(maxsize=1)
def domain() -> Domain:
    return Domain.fit(*parts(), COLUMNS)


def test_one_is_where_the_validation_rows_end() -> None:
    train, validation = parts()
    seen = np.isin(np.arange(len(validation)), np.flatnonzero(domain().score(validation) != UNSEEN))
    assert (domain().score(validation)[seen] <= 1).mean() == pytest.approx(FAR, abs=0.05)
    assert np.median(domain().score(train)) < np.median(domain().score(validation))


def test_what_is_strange_is_far() -> None:
    iron = made.hand_built()["Fe"]
    usual, heavy = (
        domain().score(made.examples_of([Crystal("x", iron.lattice, iron.frac, np.full(len(iron.frac), z))])) for z in (26, 99)
    )
    assert usual[0] < 1 < UNSEEN <= heavy[0]
    stretched = made.examples_of([Crystal("x", iron.lattice * factor, iron.frac, iron.numbers) for factor in (1.0, 1.5, 2.0)])
    assert (np.diff(domain().score(stretched)) > 0).all()


def test_each_row_depends_on_its_own_crystal() -> None:
    _, validation = parts()
    together = domain().score(validation)
    rows = np.array([80, 3, 3, 41])
    np.testing.assert_allclose(domain().score(validation.take(rows)), together[rows], rtol=ROUNDING)
    assert domain().score(validation.take(np.array([], dtype=np.int64))).shape == (0,)


def test_the_interval_of_a_strange_crystal_is_wider() -> None:
    iron = made.hand_built()["Fe"]
    both = made.examples_of([Crystal("x", iron.lattice, iron.frac, np.full(len(iron.frac), z)) for z in (26, 99)])
    said = {name: Prediction(np.full(2, m), np.full(2, 0.9)) for name, m in (("a", 1.9), ("b", 2.1))}
    rng = np.random.default_rng(0)
    calibration = Calibration.fit(rng.random(200), rng.random(200), 0.1 * rng.random(200))
    predicted = ErrorModel(calibration, Platt(), None, domain()).predict(said, np.array([0.5, 0.5]), both)
    assert predicted.ood_score[1] > 1 > predicted.ood_score[0]
    with_floor = np.hypot(predicted.size, calibration.floor[-1])  # both moments are in the last bin
    assert with_floor[1] == pytest.approx(with_floor[0] * predicted.ood_score[1])
    assert predicted.high[1] - predicted.low[1] > predicted.high[0] - predicted.low[0]
    old = ErrorModel(calibration, Platt(), None, None).predict(said, np.array([0.5, 0.5]), both)
    assert np.isnan(old.ood_score).all() and old.size[0] == old.size[1]


def test_saved_and_loaded_it_says_the_same(tmp_path: Path) -> None:
    domain().save(tmp_path)
    _, validation = parts()
    np.testing.assert_array_equal(Domain.load(tmp_path).score(validation), domain().score(validation))


@pytest.mark.parametrize("damage", ["cut short", "not a number", "another shape", "no file"])
def test_a_damaged_domain_is_refused(tmp_path: Path, damage: str) -> None:
    domain().save(tmp_path)
    arrays = load_file(tmp_path / WEIGHTS_FILE)
    if damage == "cut short":
        arrays["mean"] = arrays["mean"][:-1]
    elif damage == "not a number":
        arrays["reference"][3, 0] = np.nan
    elif damage == "another shape":
        arrays["reference"] = arrays["reference"][:, :3].copy()
    save_file(arrays, tmp_path / WEIGHTS_FILE)
    if damage == "no file":
        (tmp_path / WEIGHTS_FILE).unlink()
    with pytest.raises(ModelError):
        Domain.load(tmp_path)


def test_the_score_is_the_distance_to_the_fifth_neighbour_along_ten_axes() -> None:
    """In deviations of each descriptor, six at most, over the distance below which 95 % of the validation rows lie."""
    train, validation = parts()
    rows, asked = (part.descriptors[:, :COLUMNS].astype(np.float64) for part in (train, validation))
    mean, deviation = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-9)
    here, there = (np.clip((table - mean) / deviation, -6.0, 6.0) for table in (rows, asked))
    middle = here.mean(axis=0)
    axes = np.linalg.svd(here - middle, full_matrices=False)[2][:10]
    apart = np.sort(np.linalg.norm((there @ axes.T)[:, None] - (here @ axes.T)[None], axis=2), axis=1)[:, 4]
    expected = apart / np.quantile(apart, 0.95)
    known = np.array([set(one.graphs.numbers.tolist()) <= set(train.graphs.numbers.tolist()) for one in each(validation)])
    assert known.sum() > 20
    np.testing.assert_allclose(domain().score(validation)[known], expected[known], rtol=1e-3)


def each(examples: Examples) -> list[Examples]:
    return [examples.take(np.array([k])) for k in range(len(examples))]


def test_a_cell_of_more_atoms_than_any_learned_one_is_strange_by_its_size() -> None:
    crystals = made.examples_of([made.hand_built()[name] for name in ("Fe", "MnO", "MnF2")])
    alone = replace(domain(), elements=tuple(range(1, 104)), unit=1e9)  # nothing else is strange
    for largest, expected in ((6, 0.0), (5, 6 / 5), (2, 6 / 2)):
        assert replace(alone, largest=largest).score(crystals) == pytest.approx([0.0, 0.0, expected], abs=1e-6)
