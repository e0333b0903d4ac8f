"""The models of experiments as a published model: order, Curie and Néel temperature of a composition."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from data.errors import UserError
from models.contract import ModelError
from models.experiment.composition_network import TASKS
from models.experiment.model import ExperimentModel, ExperimentPrediction
from pipeline.evaluation.bootstrap import cluster_bootstrap
from pipeline.features.magnetic_composition import COMPOSITION_CODE
from pipeline.registry.experiment_card import experiment_card
from pipeline.registry.published import RETRAIN, PublishedModel
from pipeline.settings import Settings

UNIT = {"order": 0.5, "tc": 200.0, "tn": 100.0}  # error that counts as one: of a probability; K
CALIBRATED = 0.10  # largest calibration error of the order on rows that no member saw
COVERS = (0.80, 0.98)  # of such rows, by the 90 % interval of the Curie temperature


class PublishedExperimentModel(PublishedModel):
    """A published ensemble of forests and networks that predicts what experiments find.

    `held_out` has what members of five folds predicted for chemical systems that they had not seen: key, chemsys, task, truth and
    predicted (of "order" a probability of FM or FiM, else K).
    """

    kind: ClassVar[str] = "experiment model"
    directory: ClassVar[str] = "experiment-models"
    train_command: ClassVar[str] = "`ferroscreen train-experiment`"
    loss: ClassVar[str] = "of error (in units of 0.5 for the order, squared, of 200 K for Tc and 100 K for TN)"
    equal: ClassVar[float] = 0.01

    @property
    def feature_codes(self) -> tuple[str, ...]:
        return (COMPOSITION_CODE,)

    @cached_property
    def model(self) -> ExperimentModel:
        """The loaded ensemble. Raises UserError where it is damaged or missing."""
        self.verify()
        self.refuse_other_features()
        try:
            return ExperimentModel.load(self.folder)
        except ModelError as fault:
            raise UserError(f"{self.kind} {self.id} cannot be loaded: {fault}; {RETRAIN}") from fault

    def load(self) -> None:
        _ = self.model

    @classmethod
    def shipped_card(cls, manifest: dict[str, Any]) -> str:
        """The card of a shipped model."""
        return experiment_card(manifest)

    def quality(self) -> str:
        scores = self.manifest["scores"]
        return f"systems not seen: AUROC of the order {scores['order']['auroc']:.3f}, Tc to {scores['tc']['mae_K']:.0f} K"

    def errors(self) -> pd.DataFrame:
        """error, truth, system and task of its held-out rows, by task and composition."""
        return error_table(self.held_out())

    def learned_systems(self, where: Settings) -> set[str]:
        """Every chemical system of its rows, since the final members learn from all of them."""
        return set(self.held_out()["chemsys"])

    def gates(self) -> list[str]:
        """Each answer must be better than a constant, probabilities must come true, and intervals must hold what they promise."""
        rows, scores = self.held_out(), self.manifest["scores"]
        if not np.isfinite(rows["predicted"]).all():
            return ["predictions of its held-out rows are not finite"]
        faults = []
        for task in TASKS:
            part = rows[rows["task"] == task]
            constant = part["truth"].mean() if task == "order" else part["truth"].median()
            better = error_table(part.assign(predicted=constant))["error"] - error_table(part)["error"]
            gain = cluster_bootstrap(better.to_numpy(np.float64), part["chemsys"].to_list())
            if gain.low <= 0:
                faults.append(f"{task}: it is not better than a constant with confidence: gains {gain.text()} {self.loss}")
        if (error := float(scores["order"]["calibration_error"])) > CALIBRATED:
            faults.append(f"its P(FM or FiM) is off by {error:.3f} on average; the limit is {CALIBRATED:g}")
        share = float(scores["tc_coverage"]["coverage"])
        if not COVERS[0] <= share <= COVERS[1]:
            faults.append(f"its 90 % intervals of Tc hold {share:.1%} of held-out rows, not {COVERS[0]:.0%} to {COVERS[1]:.0%}")
        return faults


def error_table(rows: pd.DataFrame) -> pd.DataFrame:
    """error, truth, system and task of rows like those of `held_out`, by task and composition."""
    missed = (rows["predicted"] - rows["truth"]).abs() / rows["task"].map(UNIT)
    error = missed.where(rows["task"] != "order", missed**2)
    index = rows["task"] + " " + rows["key"]
    columns = {"error": error, "truth": rows["truth"], "system": rows["chemsys"], "task": rows["task"]}
    return pd.DataFrame(columns).set_index(index)


def answers(prediction: ExperimentPrediction) -> dict[str, np.ndarray]:
    """What a model predicts of each task, (formulas,) each: a probability, or K."""
    return {"order": prediction.p_fm_or_fim, "tc": prediction.tc.value_K, "tn": prediction.tn.value_K}


