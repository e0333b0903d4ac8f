"""The order classifier as a published model: P(FM), P(FiM) and P(AFM) of a magnetic crystal."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.errors import UserError
from models.contract import ModelError
from models.ordering.order_classifier import CLASSES, OrderClassifierTrees
from pipeline.evaluation.bootstrap import cluster_bootstrap
from pipeline.magnetism.order_descriptors import ORDER_DESCRIPTOR_CODE
from pipeline.registry.order_cards import classifier_card
from pipeline.registry.published import RETRAIN, PublishedModel

SMALLEST = 1e-12  # probability in a logarithm
CALIBRATED = 0.10  # largest calibration error of P(FM) and P(AFM) on test rows
Floats = NDArray[np.float64]


class OrderClassifier(PublishedModel):
    """A published order classifier. `held_out` has material_id, chemsys, truth (place in CLASSES) and p_FM, p_FiM, p_AFM."""

    kind: ClassVar[str] = "order classifier"
    directory: ClassVar[str] = "order-classifiers"
    train_command: ClassVar[str] = "`ferroscreen train-order`"
    loss: ClassVar[str] = "nats of log loss"
    equal: ClassVar[float] = 0.01

    @property
    def feature_codes(self) -> tuple[str, ...]:
        return (ORDER_DESCRIPTOR_CODE,)

    @cached_property
    def classes(self) -> OrderClassifierTrees:
        """The loaded trees. Raises UserError where they are damaged or missing."""
        self.verify()
        self.refuse_other_features()
        try:
            return OrderClassifierTrees.load(self.folder)
        except ModelError as fault:
            raise UserError(f"{self.kind} {self.id} cannot be loaded: {fault}; {RETRAIN}") from fault

    def load(self) -> None:
        _ = self.classes

    def predict(self, descriptors: NDArray[np.float32]) -> Floats:
        """(crystals, 3) probabilities of CLASSES given that there are moments.

        Args:
            descriptors: (crystals, columns) what `pipeline.magnetism.order_descriptors` makes of the fast descriptors.
        """
        return self.classes.predict(descriptors)

    @classmethod
    def shipped_card(cls, manifest: dict[str, Any]) -> str:
        """The card of a shipped order classifier."""
        return classifier_card(manifest)

    def errors(self) -> pd.DataFrame:
        """Log loss, truth and chemical system of its test rows, by id."""
        rows = self.held_out().set_index("material_id")
        predicted = rows[[f"p_{name}" for name in CLASSES]].to_numpy(np.float64)
        truth = rows["truth"].to_numpy(np.int64)
        losses = log_losses(predicted, truth)
        return pd.DataFrame({"error": losses, "truth": rows["truth"].astype(float), "system": rows["chemsys"]})

    def quality(self) -> str:
        return f"test macro-F1 {self.manifest['scores']['test']['f1']['macro']:.3f}"

    def gates(self) -> list[str]:
        """Faults: a log loss no smaller than that of the class frequencies, or probabilities that are not calibrated."""
        errors, faults = self.errors(), []
        truth = errors["truth"].to_numpy(np.int64)
        if not np.isfinite(errors["error"]).all():
            return ["predictions of its test rows are not finite"]
        shares = np.array(self.manifest["class_shares"])  # of the training rows
        constant = -np.log(np.maximum(shares[truth], SMALLEST))
        gain = cluster_bootstrap(constant - errors["error"].to_numpy(), errors["system"].to_list())
        if gain.low <= 0:
            faults.append(f"it is not better than constant shares with confidence: gains {gain.text()} {self.loss}")
        for name in ("FM", "AFM"):
            error = float(self.manifest["scores"]["test"]["calibration_error"][name])
            if error > CALIBRATED:
                faults.append(f"its P({name}) is off by {error:.3f} on average; the limit is {CALIBRATED:g}")
        return faults


def log_losses(predicted: Floats, truth: NDArray[np.int64]) -> Floats:
    """(rows,) minus the logarithm of the probability (rows, classes) of the true class (rows,)."""
    losses: Floats = -np.log(np.clip(predicted[np.arange(len(predicted)), truth], SMALLEST, 1.0))
    return losses
