"""What the models say of crystals, as the columns from which a ranking is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.ordering.order_classifier import CLASSES
from pipeline.features.elements import Compositions
from pipeline.magnetism.moment_facts import FACTS
from pipeline.screening.columns import MEMBER_PREFIX
from pipeline.screening.predicted_compositions import CompositionPredictor

Floats = NDArray[np.float64]


def answer_columns(said: Mapping[str, NDArray[Any]], experiment: CompositionPredictor, mix: Compositions) -> dict[str, Any]:
    """The columns by name, one row a crystal.

    Args:
        said: what the ensemble and the order classifier say (`Predictor.columns` and the texts of FACTS).
        experiment: the models of experiments.
        mix: the compositions that they are asked of.
    """
    orders = np.stack([said[f"order_{name}"] for name in CLASSES], axis=1)
    return {
        "moment_muB_per_atom": said["moment"], "moment_low": said["low"], "moment_high": said["high"], "moment_std": said["std"],
        "p_magnetic": said["p_magnetic"], "p_moment_above_1": said["p_moment_above_1"], "ood_score": said["ood_score"],
        **ordering_columns(said["p_magnetic"], orders),
        **experiment.columns(mix),
        **{name: values for name, values in said.items() if name in FACTS or name.startswith(MEMBER_PREFIX)},
    }  # fmt: skip


def ordering_columns(p_magnetic: Floats, of_magnetic: Floats) -> dict[str, Any]:
    """Columns of the ranking, from P(magnetic) (rows,) and the probabilities of CLASSES given that (rows, 3)."""
    every = np.concatenate([(1.0 - p_magnetic)[:, None], p_magnetic[:, None] * of_magnetic], axis=1)
    names = ("NM", *CLASSES)
    return {
        "p_ferromagnetic": every[:, 1], "p_ferrimagnetic": every[:, 2], "p_antiferromagnetic": every[:, 3],
        "afm_risk": of_magnetic[:, CLASSES.index("AFM")], "ordering_most_likely": [names[k] for k in every.argmax(axis=1)],
    }  # fmt: skip
