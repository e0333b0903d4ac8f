"""From the predictions of a disordered crystal's approximants to the prediction of the crystal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.ordering.order_classifier import CLASSES
from pipeline.magnetism.moment_facts import FACTS
from pipeline.magnetism.working_temperature import SIGMAS_OF_90
from pipeline.screening.columns import MEMBER_PREFIX
from pipeline.uncertainty.ensemble_errors import EnsemblePrediction

Floats = NDArray[np.float64]
NUMBERS = ("moment", "low", "high", "std", "size", "p_magnetic", "p_moment_above_1", "ood_score")  # of EnsemblePrediction
SETTLED_MUB = 0.01  # µB/atom; standard error of the mean over approximants at which no more are made
SURELY = 0.1  # probability of a moment; below it there is none
SETTLED_SHARE = 0.02  # the same as a share of the mean
_FREE = 1e-9  # share of the weights that says something of a deviation; less is a rounding error


@dataclass(frozen=True, eq=False)
class ApproximantRows:
    """Predictions of one crystal's approximants; rows of all fields correspond."""

    predicted: EnsemblePrediction
    orders: Floats  # (approximants, classes) probabilities of the kinds of order, given that there are moments
    facts: dict[str, NDArray[Any]] = field(default_factory=dict)  # (approximants,) each: what the net moment needs, or nothing

    @classmethod
    def of(cls, columns: Mapping[str, NDArray[Any]]) -> ApproximantRows:
        """From columns by name; see `columns`."""
        members = {name.removeprefix(MEMBER_PREFIX): values for name, values in columns.items() if name.startswith(MEMBER_PREFIX)}
        orders = np.stack([columns[f"order_{name}"] for name in CLASSES], axis=1)
        facts = {name: values for name, values in columns.items() if name in FACTS}
        return cls(EnsemblePrediction(**{name: columns[name] for name in NUMBERS}, members=members), orders, facts)

    def columns(self) -> dict[str, NDArray[Any]]:
        """The numbers NUMBERS of an ensemble, `member_NAME` each member's moment, `order_CLASS`, and the facts."""
        return (
            {name: getattr(self.predicted, name) for name in NUMBERS}
            | {f"{MEMBER_PREFIX}{name}": values for name, values in self.predicted.members.items()}
            | {f"order_{name}": self.orders[:, k] for k, name in enumerate(CLASSES)}
            | self.facts
        )

    @classmethod
    def joined(cls, parts: list[ApproximantRows]) -> ApproximantRows:
        """The rows of several, one after the other."""
        fields = {name: np.concatenate([getattr(part.predicted, name) for part in parts]) for name in NUMBERS}
        members = {name: np.concatenate([part.predicted.members[name] for part in parts]) for name in parts[0].predicted.members}
        facts = {name: np.concatenate([part.facts[name] for part in parts]) for name in parts[0].facts}
        return cls(EnsemblePrediction(**fields, members=members), np.concatenate([part.orders for part in parts]), facts)

    def take(self, rows: NDArray[np.int64] | slice) -> ApproximantRows:
        """Some of the rows, in this order."""
        return ApproximantRows.of({name: values[rows] for name, values in self.columns().items()})

    def __len__(self) -> int:
        return len(self.orders)


def spread(moments: Floats, weights: Floats, strata: NDArray[np.int64]) -> float:
    """Standard deviation over the approximants of one stratum (µB/atom), corrected for their small number; NaN of a single one.

    The weighted mean is that of a stratified sample: approximants of different numbers of atoms stand for the composition in
    these weights, so that their systematic differences are no error of the mean. Only where no stratum has two approximants,
    these differences count, too (strata are collapsed), and the deviation is rather too large.

    Args:
        moments: (approximants,) µB/atom.
        weights: (approximants,), sum 1.
        strata: (approximants,) equal for approximants of equal numbers of atoms on each orbit.

    Source: Cochran, Sampling Techniques, 3rd ed. (Wiley, 1977), chapters 5 and 5A.12.
    """
    alike = (strata[:, None] == strata).astype(np.float64)
    whole = alike @ weights
    free = 1.0 - float(weights @ (weights / whole))
    if free > _FREE:
        return float(np.sqrt(weights @ (moments - alike @ (weights * moments) / whole) ** 2 / free))
    return float("nan") if len(moments) == 1 else spread(moments, weights, np.zeros_like(strata))


def is_settled(moments: Floats, weights: Floats, strata: NDArray[np.int64]) -> bool:
    """Whether more approximants would hardly change the mean: its standard error is small. See `spread` for the arguments."""
    error = spread(moments, weights, strata) * float(np.sqrt(weights @ weights))
    return error <= max(SETTLED_MUB, SETTLED_SHARE * abs(float(weights @ moments)))


def is_without_moment(rows: ApproximantRows) -> bool:
    """Whether all approximants surely have no moment: another decoration has none either."""
    return bool((rows.predicted.moment < SETTLED_MUB).all() and (rows.predicted.p_magnetic < SURELY).all())


def average(rows: ApproximantRows, weights: Floats, strata: NDArray[np.int64]) -> tuple[ApproximantRows, float]:
    """The weighted mean as a single row, and the spread of the moments over the approximants (µB/atom; NaN of a single one).

    The half widths of the mean interval grow by the spread, as independent errors add: the approximants' common error, which the
    interval states, and the error of standing for the disordered crystal.

    Args:
        rows: the predictions of the approximants.
        weights: (approximants,) share of each in the atoms of the mean, sum 1.
        strata: (approximants,) equal for approximants of equal numbers of atoms on each orbit.
    """
    predicted = rows.predicted
    away = spread(predicted.moment, weights, strata)
    more = 0.0 if np.isnan(away) else away
    moment, low, high = (float(weights @ values) for values in (predicted.moment, predicted.low, predicted.high))
    mean = EnsemblePrediction(
        moment=np.array([moment]),
        low=np.array([max(moment - np.hypot(moment - low, SIGMAS_OF_90 * more), 0.0)]),
        high=np.array([moment + np.hypot(high - moment, SIGMAS_OF_90 * more)]),
        std=np.array([np.hypot(weights @ predicted.std, more)]),
        size=np.array([np.hypot(weights @ predicted.size, more)]),
        p_magnetic=np.array([weights @ predicted.p_magnetic]),
        p_moment_above_1=np.array([weights @ predicted.p_moment_above_1]),
        ood_score=np.array([weights @ predicted.ood_score]),
        members={name: np.array([weights @ values]) for name, values in predicted.members.items()},
    )
    facts = {name: np.array([_mean_fact(values, weights)], dtype=values.dtype) for name, values in rows.facts.items()}
    return ApproximantRows(mean, (weights @ rows.orders)[None], facts), away


def _mean_fact(values: NDArray[Any], weights: Floats) -> Any:
    """The mean over those that know it; of words, those of the largest weight among the approximants that have any."""
    if values.dtype == object:
        weight_of = {words: float(weights[values == words].sum()) for words in sorted(set(values.tolist()) - {""})}
        return max(weight_of, key=weight_of.__getitem__, default="")
    known = np.isfinite(values)
    return float(weights[known] @ values[known] / weights[known].sum()) if known.any() else float("nan")
