"""What an ensemble says: its members combined, corrected by what it knows of training rows, and its errors, calibrated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from models.contract import MAGNETIC_THRESHOLD, Examples, Prediction
from pipeline.evaluation.metrics import LARGE_MOMENT
from pipeline.features.descriptors import composition_names
from pipeline.registry.member_combination import Combined, Rule, combine
from pipeline.training.member_weights import FOLDS, system_folds
from pipeline.uncertainty.applicability_domain import Domain
from pipeline.uncertainty.conformal import Calibration, bin_floors, widened
from pipeline.uncertainty.error_model import Difficulty, features, logarithms
from pipeline.uncertainty.integer_moments import IntegerMoments
from pipeline.uncertainty.probability_calibration import Platt
from pipeline.uncertainty.training_residuals import TrainingResiduals
from pipeline.uncertainty.unseen_elements import unseen_spin

Floats = NDArray[np.float64]
DIFFICULTY_FOLDER, DOMAIN_FOLDER, INTEGER_FOLDER, RESIDUALS_FOLDER = "difficulty", "domain", "integer_moments", "residuals"
SHARES = np.linspace(-1.0, 1.0, 9)  # of an unseen element's spin
FEWEST_ROWS = 500  # validation rows needed to learn the size of errors; with fewer the members' spread is used


@dataclass(frozen=True, eq=False)
class EnsemblePrediction:
    """The prediction of an ensemble with calibrated errors; each array is (rows,), moments and errors are in µB/atom."""

    moment: Floats
    low: Floats  # 90 % interval
    high: Floats
    std: Floats
    size: Floats  # of the error, before it was calibrated
    p_magnetic: Floats
    p_moment_above_1: Floats  # probability that the moment is above LARGE_MOMENT; NaN for models of old formats
    ood_score: Floats  # out-of-domain score, above 1 is out of domain; NaN for models of old formats
    members: dict[str, Floats]  # each member's own moment


@dataclass(frozen=True, eq=False)
class ErrorModel:
    """The error model of an ensemble, fitted on validation rows."""

    calibration: Calibration
    magnetic: Platt
    difficulty: Difficulty | None  # None: the members' spread is used instead
    domain: Domain | None  # None for models of old formats
    rule: Rule = Rule.MEAN  # of combining the members
    integer: IntegerMoments | None = None  # None: a prediction is what the members say
    residuals: TrainingResiduals | None = None  # None: nothing is carried over from training rows

    @classmethod
    def fit(
        cls, truth: Floats, predictions: Sequence[Prediction], weights: Floats, examples: Examples,
        systems: Sequence[str], domain: Domain, seed: int = 0,
        rule: Rule = Rule.MEAN, integer: IntegerMoments | None = None, residuals: TrainingResiduals | None = None,
    ) -> Self:  # fmt: skip
        """Fit on validation rows, cross-conformally (Vovk 2015) over chemical systems.

        The calibration scores each row by what was learned without its chemical system. What is stored learned from all rows.

        Args:
            truth: (rows,) DFT moments, µB/atom.
            predictions: one per member.
            weights: (members,) weights of the ensemble.
            examples: the validation rows.
            systems: (rows,) chemical systems.
            domain: the applicability domain.
            seed: chooses among too many rows.
            rule: how the members are combined.
            integer: what is known of integer moments; None: predictions are not moved.
            residuals: what the members left of the training labels; taken if these rows are predicted better with it.
        """
        said = _combined(predictions, weights, rule, residuals)
        if residuals is not None:
            plain = combine(predictions, weights, rule)
            errors = [np.abs(truth - _by_integers(integer, m, examples)[0]).mean() for m in (plain.moment, said.moment)]
            said, residuals = (said, residuals) if errors[1] < errors[0] else (plain, None)
        moment, unpaired = _by_integers(integer, said.moment, examples)
        magnetic = Platt.fit(truth > MAGNETIC_THRESHOLD, said.p_magnetic, unpaired)
        folds = system_folds(systems, FOLDS)
        if len(truth) < FEWEST_ROWS or len(folds) == 1:
            spread = widened(said.spread, moment, _factor(domain, examples), bin_floors(truth, moment))
            calibration = Calibration.fit(truth, moment, spread, systems)
            return cls(calibration, magnetic, None, domain, rule, integer, residuals)
        read, composition = _read(predictions, weights, integer, said, examples), _composition(examples)
        error = np.abs(truth - moment)
        expected = np.zeros(len(truth))
        for others, left_out in folds:
            learned = Difficulty.fit(error[others], read[others], composition[others], seed)
            expected[left_out] = learned.predict(read[left_out], composition[left_out])
        expected *= _factor(domain, examples)
        difficulty = Difficulty.fit(error, read, composition, seed)
        return cls(Calibration.fit(truth, moment, expected, systems), magnetic, difficulty, domain, rule, integer, residuals)

    def predict(self, predictions: Mapping[str, Prediction], weights: Floats, examples: Examples) -> EnsemblePrediction:
        """Combine the members' predictions and add calibrated errors.

        Args:
            predictions: by name of the member, in the order of the weights.
            weights: (members,) weights of the ensemble.
            examples: the same rows.
        """
        said = _combined(list(predictions.values()), weights, self.rule, self.residuals)
        moment, unpaired = _by_integers(self.integer, said.moment, examples)
        size = self._size(said, moment, list(predictions.values()), weights, examples)
        spin = np.zeros(len(examples)) if self.domain is None else unseen_spin(examples.graphs, self.domain.elements)
        low, high, std = _with_unseen_elements(*self.calibration.interval(moment, size), spin)
        large = self._p_above(LARGE_MOMENT, moment, size, spin)
        members = {name: p.moment for name, p in predictions.items()}
        far = np.full(len(size), np.nan) if self.domain is None else self.domain.score(examples)
        p_magnetic = self.magnetic.of(said.p_magnetic, unpaired)
        wide = np.flatnonzero(spin)  # of an element that they never saw, the members' probabilities say nothing
        free = self._p_above(MAGNETIC_THRESHOLD, moment[wide], size[wide], spin[wide])
        p_magnetic[wide] = np.fmax(p_magnetic[wide], free)
        p_magnetic = np.fmax(p_magnetic, large)  # both are calibrated by themselves; a large moment is one
        return EnsemblePrediction(moment, low, high, std, size, p_magnetic, large, far, members)

    def _p_above(self, threshold: float, moment: Floats, size: Floats, spin: Floats) -> Floats:
        """(rows,) probabilities of a moment above the threshold; an unseen element's spin is anything in its range alike."""
        p = self.calibration.p_above(threshold, moment, size)
        if not (wide := np.flatnonzero(spin)).size:
            return p
        shifted = [np.maximum(moment[wide] + share * spin[wide], 0.0) for share in SHARES]
        p[wide] = np.mean([self.calibration.p_above(threshold, one, size[wide]) for one in shifted], axis=0)
        return p

    def _size(
        self, said: Combined, moment: Floats, predictions: Sequence[Prediction], weights: Floats, examples: Examples
    ) -> Floats:
        """(rows,) the estimated size of the error before calibration, µB/atom."""
        factor = np.ones(len(examples)) if self.domain is None else _factor(self.domain, examples)
        if self.difficulty is None:
            return widened(said.spread, moment, factor, self.calibration.floor)
        read = _read(predictions, weights, self.integer, said, examples)
        return self.difficulty.predict(read, _composition(examples)) * factor

    def save(self, folder: Path) -> None:
        """Write the arrays below `folder`; `to_json` holds the rest, for the manifest."""
        if self.domain is not None:
            (folder / DOMAIN_FOLDER).mkdir()
            self.domain.save(folder / DOMAIN_FOLDER)
        if self.difficulty is not None:
            (folder / DIFFICULTY_FOLDER).mkdir()
            self.difficulty.save(folder / DIFFICULTY_FOLDER)
        if self.integer is not None:
            (folder / INTEGER_FOLDER).mkdir()
            self.integer.save(folder / INTEGER_FOLDER)
        if self.residuals is not None:
            (folder / RESIDUALS_FOLDER).mkdir()
            self.residuals.save(folder / RESIDUALS_FOLDER)

    def to_json(self) -> dict[str, Any]:
        return {
            "calibration": self.calibration.to_json(), "magnetic": self.magnetic.to_json(),
            "learned_difficulty": self.difficulty is not None, "domain": self.domain is not None, "rule": self.rule,
            "integer_moments": self.integer is not None, "training_residuals": self.residuals is not None,
        }  # fmt: skip

    @classmethod
    def load(cls, folder: Path, manifest: Mapping[str, Any]) -> Self:
        """Load the error model of a published model. A manifest without `errors` is of an old format with a calibration only."""
        stated = manifest.get("errors", {"calibration": manifest.get("calibration"), "magnetic": {}, "learned_difficulty": False})
        difficulty = Difficulty.load(folder / DIFFICULTY_FOLDER) if stated["learned_difficulty"] else None
        domain = Domain.load(folder / DOMAIN_FOLDER) if stated.get("domain") else None
        integer = IntegerMoments.load(folder / INTEGER_FOLDER) if stated.get("integer_moments") else None
        residuals = TrainingResiduals.load(folder / RESIDUALS_FOLDER) if stated.get("training_residuals") else None
        rule = Rule(stated.get("rule", Rule.MEAN))  # older releases knew no other
        calibration, magnetic = Calibration.from_json(stated["calibration"]), Platt(**stated["magnetic"])
        return cls(calibration, magnetic, difficulty, domain, rule, integer, residuals)


def _with_unseen_elements(low: Floats, high: Floats, std: Floats, spin: Floats) -> tuple[Floats, Floats, Floats]:
    """The interval and the standard deviation, where anything up to the unseen elements' spin may be added or taken."""
    if not spin.any():
        return low, high, std
    return np.maximum(low - spin, 0.0), high + spin, np.hypot(std, spin / np.sqrt(3.0))  # of a uniform distribution


def _factor(domain: Domain, examples: Examples) -> Floats:
    """(rows,) what errors are multiplied with out of the domain. They grow there by an unknown amount; growth in proportion is a
    convention."""
    return np.maximum(domain.score(examples), 1.0)


def _by_integers(integer: IntegerMoments | None, moment: Floats, examples: Examples) -> tuple[Floats, Floats | None]:
    """The moments, moved towards integers, and the probabilities of an unpaired electron; None where nothing is known of it."""
    return (moment, None) if integer is None else (integer.expected(moment, examples), integer.unpaired(examples))


def _combined(predictions: Sequence[Prediction], weights: Floats, rule: Rule, residuals: TrainingResiduals | None) -> Combined:
    """The members together, with what they left of similar training rows."""
    said = combine(predictions, weights, rule)
    if residuals is None:
        return said
    correction = residuals.correction(said, predictions)
    return replace(said, moment=np.maximum(said.moment + correction, 0.0), correction=correction)


def _composition(examples: Examples) -> NDArray[np.float32]:
    """No columns of the structure: some of them (space group, coordination) jump where a crystal hardly changes."""
    return examples.descriptors[:, : len(composition_names())]


def _read(
    predictions: Sequence[Prediction], weights: Floats, integer: IntegerMoments | None, said: Combined, examples: Examples
) -> NDArray[np.float32]:
    """What the size of errors is read from beside the composition: the members' answers, and how far integers and residuals of
    training rows reach."""
    read = [features(predictions, weights)]
    if integer is not None:
        read.append(integer.hints(said.moment, examples))
    if said.correction is not None:
        read.append(logarithms(np.abs(said.correction))[:, None].astype(np.float32))
    return np.concatenate(read, axis=1)
