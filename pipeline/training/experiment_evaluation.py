"""The evaluation of a model of experiments: cross-validated predictions for chemical systems that the members had not seen."""

from __future__ import annotations

from typing import Any

import numpy as np

from data.elements import HUND
from models.experiment.model import temperatures
from pipeline.evaluation.experiment_metrics import (
    crossed_coverage,
    crossed_order,
    order_metrics,
    parity_counts,
    reliability_bins,
    temperature_metrics,
)
from pipeline.training.experiment import CrossFitted
from pipeline.training.experiment_rows import ExperimentRows

RARE_EARTHS = (21, 39, 57, *HUND, 71)


def evaluation_facts(rows: ExperimentRows, crossed: CrossFitted, forest_weight: dict[str, float]) -> dict[str, Any]:
    """Metrics of each task, and the coverage of the intervals; calibrations come from other folds than the evaluated one."""
    said = crossed.combined(forest_weight)
    facts: dict[str, Any] = {}
    known, truth, _ = rows.target("order")
    probability = crossed_order(said["order"][0][known], truth, rows.fold[known])
    facts["order"] = {**order_metrics(truth, probability), "reliability": reliability_bins(truth, probability)}
    for task in ("tc", "tn"):
        known, truth, _ = rows.target(task)
        value, spread = temperatures(said[task][0][known], said[task][1][known])
        facts[task] = temperature_metrics(truth, value)
        facts[f"{task}_coverage"] = crossed_coverage(truth, value, spread, rows.fold[known])
        if task == "tc":
            earth = with_rare_earth(rows)[known]
            facts["tc_without_rare_earths"] = temperature_metrics(truth[~earth], value[~earth])
            facts["tc_with_rare_earths"] = temperature_metrics(truth[earth], value[earth])
            facts["tc"]["parity"] = parity_counts(truth, value)
            facts["tc_by_tier"] = _by_weight(truth, value, rows.table["weight_tc"].to_numpy()[known])
    return facts


def with_rare_earth(rows: ExperimentRows) -> np.ndarray:
    """(rows,) whether a rare earth (Sc, Y, La to Lu) is in the formula."""
    given = rows.formulas
    found: np.ndarray = np.maximum.reduceat(np.isin(given.numbers, RARE_EARTHS), given.start)
    return found


def _by_weight(truth: np.ndarray, value: np.ndarray, weight: np.ndarray) -> dict[str, float]:
    return {
        "mae_K of several references or a handbook": temperature_metrics(truth[weight == 1.0], value[weight == 1.0])["mae_K"],
        "mae_K of one reference": temperature_metrics(truth[weight < 1.0], value[weight < 1.0])["mae_K"],
    }
