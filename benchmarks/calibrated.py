"""A small ensemble with calibrated errors, as a training publishes one, for benchmarks that train their own members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models.contract import Examples, Model
from models.members import predict_members
from pipeline.features.descriptors import descriptor_names
from pipeline.registry.member_combination import Rule
from pipeline.uncertainty.applicability_domain import Domain
from pipeline.uncertainty.ensemble_errors import ErrorModel
from pipeline.uncertainty.integer_moments import IntegerMoments
from pipeline.uncertainty.training_residuals import TrainingResiduals


def equal_weights(members: Mapping[str, Model]) -> NDArray[np.float64]:
    """(members,) weights of a plain mean."""
    return np.full(len(members), 1 / len(members))


def calibrated(
    members: Mapping[str, Model], learned: Examples, known: Examples, systems: Sequence[str]
) -> ErrorModel:  # fmt: skip
    """The error model of members with equal weights.

    Args:
        members: trained members.
        learned: the training rows, with the labels and weights that the members learned from.
        known: rows of other chemical systems, to calibrate on.
        systems: their chemical systems.
    """
    weights = equal_weights(members)
    on_train, said = (list(predict_members(members, rows).values()) for rows in (learned, known))
    residuals = TrainingResiduals.fit(learned, on_train, weights, Rule.MEAN)
    return ErrorModel.fit(
        known.targets(), said, weights, known, systems, Domain.fit(learned, known, len(descriptor_names())),
        integer=IntegerMoments.fit(learned), residuals=residuals,
    )  # fmt: skip
