"""The learned size of errors, the calibration around it, and what is kept of both."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from scipy.stats import spearmanr

from models.contract import Examples, ModelError, Prediction
from models.saved import SETTINGS_FILE, WEIGHTS_FILE
from pipeline.evaluation.metrics import coverage_by_bin, miscalibration_area
from pipeline.features.descriptors import descriptor_names
from pipeline.uncertainty.applicability_domain import Domain
from pipeline.uncertainty.ensemble_errors import ErrorModel
from pipeline.uncertainty.error_model import Difficulty
from pipeline.uncertainty.probability_calibration import Platt
from tests.contract.crystals import starter_examples

ROWS = 3000
BAND = (0.85, 0.95)  # coverage of fresh rows in bins of 150 rows and more: two standard deviations beside the 90 %
KNOWS_BETTER = 0.1  # of the rank correlation, learned size against the members' spread
WEIGHTS = np.array([0.6, 0.4])


def simulated(seed: int) -> tuple[np.ndarray, list[Prediction], Examples, list[str]]:
    """Members that err together where the first descriptor is large, which their spread does not show."""
    rng = np.random.default_rng(seed)
    truth = np.where(rng.random(ROWS) < 0.6, 0.0, rng.gamma(2.0, 0.4, ROWS))
    base = starter_examples()
    examples = base.take(rng.integers(0, len(base), ROWS))
    descriptors = examples.descriptors.copy()
    descriptors[:, 0] = rng.normal(size=ROWS)
    trouble = (0.01 + 0.1 * truth) * np.exp(descriptors[:, 0])
    shared = trouble * rng.normal(size=ROWS)
    moments = [np.abs(truth + shared + 0.3 * trouble.mean() * rng.normal(size=ROWS)) for _ in WEIGHTS]
    votes = [np.clip(1 / (1 + np.exp(-8 * (m - 0.1))), 0.01, 0.99) for m in moments]
    systems = [f"S{k // 2}" for k in range(ROWS)]
    members = [Prediction(m, p) for m, p in zip(moments, votes, strict=True)]
    return truth, members, Examples(examples.graphs, descriptors), systems


def domain(examples: Examples) -> Domain:
    return Domain.fit(examples, examples, len(descriptor_names()))


@lru_cache(maxsize=1)
def fitted() -> ErrorModel:
    truth, members, examples, systems = simulated(0)
    return ErrorModel.fit(truth, members, WEIGHTS, examples, systems, domain(examples))


def test_it_knows_more_than_the_members_say() -> None:
    truth, members, examples, _ = simulated(1)
    predicted = fitted().predict(dict(enumerate(members)), WEIGHTS, examples)  # type: ignore[arg-type]
    error, large = np.abs(predicted.moment - truth), predicted.moment > 0.05
    spread = np.abs(members[0].moment - members[1].moment)
    learned, plain = (spearmanr(s[large], error[large]).statistic for s in (predicted.std, spread))
    assert learned > plain + KNOWS_BETTER
    rows = [row for row in coverage_by_bin(truth, predicted.moment, predicted.low, predicted.high) if row["n"] >= 150]
    assert len(rows) >= 4
    for row in rows:
        assert BAND[0] <= row["coverage"] <= BAND[1], row
    area = miscalibration_area(fitted().calibration.level(truth, predicted.moment, predicted.size))
    assert area is not None and area < 0.03


def test_a_large_moment_is_a_moment() -> None:
    _, members, examples, _ = simulated(6)
    blind = [Prediction(p.moment, np.full(ROWS, 0.02)) for p in members]  # votes against moments
    said = fitted().predict(dict(zip("ab", blind, strict=True)), WEIGHTS, examples)
    assert (said.p_magnetic >= said.p_moment_above_1).all()
    assert said.p_magnetic.max() > 0.9 and np.median(said.p_magnetic) < 0.2


def test_scores_of_rows_that_taught_would_be_too_narrow() -> None:
    """The reason for cross-conformal scores."""
    truth, members, examples, _ = simulated(2)
    model = fitted()
    assert model.difficulty is not None
    seen_truth, seen_members, seen, _ = simulated(0)
    inside, outside = (
        model.predict(dict(zip("ab", said, strict=True)), WEIGHTS, rows).size
        for said, rows in ((seen_members, seen), (members, examples))
    )
    rates = []
    for y, said, size in ((seen_truth, seen_members, inside), (truth, members, outside)):
        rates.append(np.median(np.abs(WEIGHTS @ np.stack([p.moment for p in said]) - y) / size))
    assert rates[0] < rates[1]


def test_each_row_depends_on_its_own_crystal() -> None:
    _, members, examples, _ = simulated(3)
    together = fitted().predict({"a": members[0], "b": members[1]}, WEIGHTS, examples)
    rows = np.array([2999, 17, 17, 5])
    few = {name: Prediction(p.moment[rows], p.p_magnetic[rows]) for name, p in zip("ab", members, strict=True)}
    alone = fitted().predict(few, WEIGHTS, examples.take(rows))
    for name in ("moment", "low", "high", "std", "p_magnetic", "p_moment_above_1", "ood_score"):
        np.testing.assert_allclose(getattr(alone, name), getattr(together, name)[rows], rtol=0, atol=1e-12, err_msg=name)


def test_saved_and_loaded_it_says_the_same(tmp_path: Path) -> None:
    _, members, examples, _ = simulated(4)
    model, named = fitted(), {"a": members[0], "b": members[1]}
    model.save(tmp_path)
    loaded = ErrorModel.load(tmp_path, {"errors": json.loads(json.dumps(model.to_json()))})
    for name, values in vars(model.predict(named, WEIGHTS, examples)).items():
        if name != "members":
            np.testing.assert_array_equal(getattr(loaded.predict(named, WEIGHTS, examples), name), values, err_msg=name)
    other = tmp_path / "other"
    other.mkdir()
    truth, members, examples, systems = simulated(0)
    ErrorModel.fit(truth, members, WEIGHTS, examples, systems, domain(examples)).save(other)
    assert (other / "difficulty" / WEIGHTS_FILE).read_bytes() == (tmp_path / "difficulty" / WEIGHTS_FILE).read_bytes()


@pytest.mark.parametrize("damage", ["a row less", "another column", "not a number", "an endless mean", "no file", "no offset"])
def test_a_damaged_difficulty_is_refused(tmp_path: Path, damage: str) -> None:
    difficulty = fitted().difficulty
    assert difficulty is not None
    difficulty.save(tmp_path)
    arrays = load_file(tmp_path / WEIGHTS_FILE)
    if damage == "a row less":
        arrays["points"] = arrays["points"][1:]
    elif damage == "another column":
        arrays["scale"] = np.append(arrays["scale"], np.float32(1))
    elif damage == "not a number":
        arrays["coefficient"][3] = np.nan
    elif damage == "an endless mean":
        arrays["mean"][0] = np.inf
    save_file(arrays, tmp_path / WEIGHTS_FILE)
    if damage == "no file":
        (tmp_path / WEIGHTS_FILE).unlink()
    elif damage == "no offset":
        (tmp_path / SETTINGS_FILE).write_text(json.dumps({"family": "difficulty", "format": 3}))
    with pytest.raises(ModelError):
        Difficulty.load(tmp_path)


def test_difficulty_of_trees_of_older_releases_is_refused(tmp_path: Path) -> None:
    difficulty = fitted().difficulty
    assert difficulty is not None
    difficulty.save(tmp_path)
    (tmp_path / SETTINGS_FILE).write_text(json.dumps({"family": "difficulty", "format": 2, "members": 2, "descriptors": 146}))
    with pytest.raises(ModelError, match="format 2, not difficulty 3"):
        Difficulty.load(tmp_path)


def test_the_size_of_an_error_moves_little_with_the_members() -> None:
    """Decision trees moved it by a fifth."""
    _, members, examples, _ = simulated(7)
    moved = [Prediction(p.moment + 0.001, p.p_magnetic) for p in members]
    before, after = (fitted().predict(dict(zip("ab", m, strict=True)), WEIGHTS, examples).size for m in (members, moved))
    assert 1e-4 < np.abs(np.log(after / before)).max() < 0.05


def test_few_rows_fall_back_to_the_spread() -> None:
    truth, members, examples, systems = simulated(5)
    rows = np.arange(40)
    few = [Prediction(p.moment[rows], p.p_magnetic[rows]) for p in members]
    model = ErrorModel.fit(truth[rows], few, WEIGHTS, examples.take(rows), systems[:40], domain(examples))
    assert model.difficulty is None and model.to_json()["learned_difficulty"] is False
    predicted = model.predict({"a": few[0], "b": few[1]}, WEIGHTS, examples.take(rows))
    spread = np.abs(few[0].moment - few[1].moment) / 2
    inside = predicted.ood_score <= 1
    assert inside.any() and not inside.all()
    np.testing.assert_allclose(predicted.size[inside], spread[inside])
    assert (predicted.low <= predicted.moment).all() and (predicted.high >= predicted.moment).all()


@pytest.mark.parametrize("names", ["a", "aa"], ids=["one member", "members that agree"])
def test_without_a_spread_the_interval_widens_out_of_the_domain_as_well(names: str) -> None:
    """`moment_low` and `moment_high` widen in proportion to `ood_score`; a spread of nothing stays nothing, whatever it is
    multiplied with."""
    truth, members, examples, systems = simulated(8)
    rows, weights = np.arange(100), np.full(len(names), 1 / len(names))
    said = [Prediction(np.full(100, 0.7), members[0].p_magnetic[rows])] * len(names)  # in one range of moments
    model = ErrorModel.fit(truth[rows], said, weights, examples.take(rows), systems[:100], domain(examples))
    found = model.predict({f"{n}{k}": p for k, (n, p) in enumerate(zip(names, said, strict=True))}, weights, examples.take(rows))
    half = (found.high - found.moment) / np.maximum(found.ood_score, 1.0)
    assert found.ood_score.max() > 1.2 > 1.0 > found.ood_score.min()
    np.testing.assert_allclose(half, half[found.ood_score <= 1][0], rtol=1e-9)


def test_platt_mends_votes_that_are_too_sure() -> None:
    rng = np.random.default_rng(6)
    logit = rng.normal(0.5, 2.0, 20_000)
    happened = rng.random(20_000) < 1 / (1 + np.exp(-logit))
    sure = 1 / (1 + np.exp(-(3 * logit + 0.7)))
    found = Platt.fit(happened, sure)
    assert found.slope == pytest.approx(1 / 3, rel=0.05) and found.offset == pytest.approx(-0.7 / 3, abs=0.05)
    assert (np.diff(found.of(np.sort(sure))) >= 0).all(), "the order of the crystals stays"
    assert Platt.fit(~happened, sure) == Platt(), "a vote that is the wrong way round is not turned"
    assert Platt.fit(np.ones(300, bool), sure[:300]) == Platt()
    np.testing.assert_array_equal(Platt().of(sure), sure)
