"""Residuals of training rows, carried over to similar crystals."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from models.contract import Examples, ModelError, Prediction
from models.members import predict_members
from models.networks.mpnn import MPNN
from models.saved import WEIGHTS_FILE
from pipeline.features.descriptors import descriptor_names
from pipeline.registry.member_combination import Rule, combine
from pipeline.uncertainty.applicability_domain import Domain
from pipeline.uncertainty.ensemble_errors import RESIDUALS_FOLDER, ErrorModel
from pipeline.uncertainty.kernel_regression import MOST
from pipeline.uncertainty.training_residuals import AXES, FEWEST, LARGEST, TrainingResiduals
from tests.contract.crystals import starter_examples
from tests.contract.models import hand_built_examples

ROWS = FEWEST + 500
WEIGHTS = np.array([0.5, 0.5])
WAVE = 0.1  # µB/atom, size of what the members leave


def rows(seed: int, count: int = ROWS) -> tuple[Examples, list[Prediction]]:
    """Crystals whose labels are the members' moment and a wave over the second member's features."""
    rng = np.random.default_rng(seed)
    base = starter_examples()
    features = rng.normal(size=(count, 5)).astype(np.float32)
    said = rng.uniform(0.5, 2.0, count)
    examples = replace(base.take(rng.integers(0, len(base), count)), moment=said + WAVE * np.sin(2.0 * features[:, 0]))
    sure = np.full(count, 0.95)
    return examples, [Prediction(said, sure), Prediction(said, sure, features)]


@lru_cache(maxsize=1)
def fitted() -> TrainingResiduals:
    found = TrainingResiduals.fit(*rows(0), WEIGHTS, Rule.MEAN)
    assert found is not None
    return found


def corrected(residuals: TrainingResiduals, predictions: list[Prediction]) -> np.ndarray:
    said = combine(predictions, WEIGHTS)
    return np.asarray(said.moment + residuals.correction(said, predictions))


def test_new_rows_are_predicted_better() -> None:
    learned, known = rows(1)
    error = np.abs(corrected(fitted(), known) - learned.targets()).mean()
    assert error < 0.5 * np.abs(known[0].moment - learned.targets()).mean()


def test_it_is_kernel_ridge_regression_of_residuals_on_features() -> None:
    """Cauchy's kernel over 1.5 median distances of nearest rows, a ridge of 0.5 over a label's weight, residuals up to 0.2 µB."""
    (learned, known), (_, asked) = rows(0), rows(1, 50)
    for members in (known, asked):  # no feature has its zero in the middle
        assert members[1].features is not None
        members[1] = replace(members[1], features=members[1].features + np.float32(1.5))
    weight, moment = np.where(np.arange(ROWS) % 2, 1.0, 0.25), learned.targets().copy()
    moment[:100] += 3.0
    made = TrainingResiduals.fit(replace(learned, moment=moment, weight=weight), known, WEIGHTS, Rule.MEAN)
    assert made is not None and known[1].features is not None and asked[1].features is not None
    features, new = (one[1].features.astype(np.float64) for one in (known, asked))
    a, b = ((table - features.mean(axis=0)) / features.std(axis=0) for table in (features, new))

    def squares(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (x**2).sum(axis=1)[:, None] + (y**2).sum(axis=1) - 2 * x @ y.T

    apart = squares(a, a)
    np.fill_diagonal(apart, np.inf)
    unit = 1.5**2 * np.median(apart.min(axis=1))
    np.fill_diagonal(apart, 0.0)
    residual = np.clip(moment - known[0].moment, -0.2, 0.2)
    solved = np.linalg.solve(1 / (1 + apart / unit) + np.diag(0.5 / weight), residual)
    expected = 0.95 * (1 / (1 + squares(b, a) / unit)) @ solved
    assert np.abs(expected).max() > 0.03
    np.testing.assert_allclose(made.correction(combine(asked, WEIGHTS), asked), expected, atol=5e-4)  # half precision


def test_of_many_features_the_directions_in_which_crystals_differ_most_are_kept() -> None:
    """Of forty features twenty are one and the same but for noise: a direction of twenty times the variance of the others."""
    learned, known = rows(0)
    rng = np.random.default_rng(3)
    features = rng.normal(size=(ROWS, 40))
    features[:, :20] = features[:, :1] + 0.01 * features[:, :20]
    made = TrainingResiduals.fit(learned, [known[0], replace(known[1], features=features.astype(np.float32))], WEIGHTS, Rule.MEAN)
    assert made is not None and made.axes.shape == (40, AXES) == (40, 32)
    variance = ((features - made.mean) @ made.axes).var(axis=0)
    assert (np.diff(variance) <= 1e-6 * variance[0]).all()
    assert variance[0] == pytest.approx(20 * variance[1], rel=0.2) and variance[20] > 0.5 * variance[1] > 100 * variance[31]


def test_rows_that_are_surely_not_magnetic_are_left_alone() -> None:
    _, known = rows(1, 70)
    quiet = [replace(p, p_magnetic=np.zeros(70)) for p in known]
    assert not fitted().correction(combine(quiet, WEIGHTS), quiet).any()


def test_a_wrong_label_moves_its_neighbours_little() -> None:
    learned, known = rows(0)
    moment = learned.targets().copy()
    moment[7] += 3.0
    with_wrong = TrainingResiduals.fit(replace(learned, moment=moment), known, WEIGHTS, Rule.MEAN)
    assert with_wrong is not None
    assert 0 < np.abs(corrected(with_wrong, known) - corrected(fitted(), known)).max() < 2 * LARGEST


def test_labels_without_weight_play_no_part_and_lighter_ones_a_lesser() -> None:
    learned, known = rows(0)
    weight, moment = np.ones(ROWS), learned.targets().copy()
    weight[:300], moment[:300] = 0.0, 9.0
    left_out = TrainingResiduals.fit(replace(learned, moment=moment, weight=weight), known, WEIGHTS, Rule.MEAN)
    assert left_out is not None and len(left_out.kernel.points) == ROWS - 300
    light = TrainingResiduals.fit(replace(learned, weight=np.full(ROWS, 0.02)), known, WEIGHTS, Rule.MEAN)
    assert light is not None
    said = combine(known, WEIGHTS)
    assert np.abs(light.correction(said, known)).mean() < 0.7 * np.abs(fitted().correction(said, known)).mean()


def test_too_few_rows_or_no_features_teach_nothing() -> None:
    learned, known = rows(0)
    assert TrainingResiduals.fit(learned, [known[0], known[0]], WEIGHTS, Rule.MEAN) is None
    assert TrainingResiduals.fit(learned, known, np.array([1.0, 0.0]), Rule.MEAN) is None, "a member that nobody asks"
    few = np.arange(FEWEST - 1)
    cut = [Prediction(p.moment[few], p.p_magnetic[few], None if p.features is None else p.features[few]) for p in known]
    assert TrainingResiduals.fit(learned.take(few), cut, WEIGHTS, Rule.MEAN) is None


def test_too_many_rows_are_drawn_from(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST > FEWEST
    monkeypatch.setattr("pipeline.uncertainty.kernel_regression.MOST", FEWEST + 10)
    found = TrainingResiduals.fit(*rows(0), WEIGHTS, Rule.MEAN)
    assert found is not None and len(found.kernel.points) == FEWEST + 10


def test_the_answer_is_continuous() -> None:
    _, known = rows(1)
    features = known[1].features
    assert features is not None
    moved = [known[0], replace(known[1], features=features + np.float32(1e-3))]
    assert np.abs(corrected(fitted(), moved) - corrected(fitted(), known)).max() < 0.01 * LARGEST


@pytest.mark.parametrize("count", [1, 3, 64, 65, 200])
def test_a_row_has_the_same_bits_in_every_batch(count: int) -> None:
    _, known = rows(1)
    together = corrected(fitted(), known)
    some = np.random.default_rng(count).permutation(ROWS)[:count]
    assert known[1].features is not None
    apart = [replace(p, moment=p.moment[some], p_magnetic=p.p_magnetic[some]) for p in known]
    apart[1] = replace(apart[1], features=known[1].features[some])
    np.testing.assert_array_equal(corrected(fitted(), apart), together[some])


def test_saved_and_loaded(tmp_path: Path) -> None:
    fitted().save(tmp_path)
    _, known = rows(1)
    np.testing.assert_array_equal(corrected(TrainingResiduals.load(tmp_path), known), corrected(fitted(), known))
    arrays = load_file(tmp_path / WEIGHTS_FILE)
    for name, damaged in (("points", arrays["points"][1:]), ("coefficient", arrays["coefficient"] * np.float32(np.nan))):
        save_file(arrays | {name: damaged}, tmp_path / WEIGHTS_FILE)
        with pytest.raises(ModelError):
            TrainingResiduals.load(tmp_path)


def test_a_member_without_these_features_is_refused() -> None:
    _, known = rows(1, 5)
    with pytest.raises(ModelError, match="does not have them"):
        corrected(fitted(), [known[0], known[0]])
    nothing = [Prediction(np.zeros(0), np.zeros(0))] * 2
    assert not len(corrected(fitted(), nothing)), "no crystals, no features, no fault"


def test_an_error_model_keeps_them_only_where_they_help(tmp_path: Path) -> None:
    learned, known = rows(1)
    systems, domain = [f"S{k // 2}" for k in range(ROWS)], Domain.fit(learned, learned, len(descriptor_names()))
    for labels, helpful in ((learned.targets(), True), (known[0].moment, False)):
        made = ErrorModel.fit(labels, known, WEIGHTS, learned, systems, domain, residuals=fitted())
        assert (made.residuals is not None) == helpful == made.to_json()["training_residuals"]
        folder = tmp_path / str(helpful)
        folder.mkdir()
        made.save(folder)
        assert (folder / RESIDUALS_FOLDER).is_dir() == helpful
        again = ErrorModel.load(folder, {"errors": made.to_json()})
        asked = dict(zip("ab", known, strict=True))
        first, second = (one.predict(asked, WEIGHTS, learned) for one in (made, again))
        np.testing.assert_array_equal(first.moment, second.moment)
        np.testing.assert_array_equal(first.std, second.std)
        assert ((first.low <= first.moment) & (first.moment <= first.high)).all()


def test_a_network_tells_its_features_in_the_order_of_the_crystals() -> None:
    model, examples = MPNN(), hand_built_examples()
    together = predict_members({"mpnn": model}, examples)["mpnn"].features
    assert together is not None and together.shape == (len(examples), model.settings.width)
    for k in range(len(examples)):
        alone = model.predict(examples.take(np.array([k]))).features
        assert alone is not None
        np.testing.assert_array_equal(alone[0], together[k])
