"""How well models of experiments do on chemical systems that they never saw: order, temperatures, intervals."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.experiment.calibration import Calibration
from models.experiment.intervals import BinnedResiduals

Floats = NDArray[np.float64]
SHOWN_BINS_K = (0.0, 100.0, 300.0, 600.0, np.inf)
CALIBRATION_BINS = 10
HIGH_K = 600.0
PARITY_STEP_K, PARITY_CELLS = 50.0, 25  # the last cell holds all that is hotter


def order_metrics(truth: Floats, probability: Floats) -> dict[str, float]:
    """AUROC, macro-F1 at one half, Brier score, expected calibration error (bins of equal width)."""
    from sklearn.metrics import f1_score, roc_auc_score

    where = np.minimum((probability * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = [
        (where == k).mean() * abs(truth[where == k].mean() - probability[where == k].mean())
        for k in range(CALIBRATION_BINS) if (where == k).any()
    ]  # fmt: skip
    return {
        "rows": len(truth), "auroc": float(roc_auc_score(truth, probability)),
        "macro_f1": float(f1_score(truth, probability > 0.5, average="macro")),
        "brier": float(np.mean((probability - truth) ** 2)), "calibration_error": float(sum(gaps)),
    }  # fmt: skip


def temperature_metrics(truth: Floats, predicted: Floats) -> dict[str, float]:
    """Mean and median absolute error (K), R², and precision and recall above HIGH_K; NaN of no rows, R² of equal ones."""
    if not len(truth):
        names = ("mae_K", "median_error_K", "r2", "precision_above_600", "recall_above_600")
        return {"rows": 0, **dict.fromkeys(names, float("nan"))}
    error = np.abs(predicted - truth)
    said, is_high = predicted > HIGH_K, truth > HIGH_K
    r2 = 1.0 - np.sum(error**2) / np.sum((truth - truth.mean()) ** 2) if np.ptp(truth) > 0 else np.nan
    return {
        "rows": len(truth), "mae_K": float(error.mean()), "median_error_K": float(np.median(error)),
        "r2": float(r2),
        "precision_above_600": float(is_high[said].mean()) if said.any() else float("nan"),
        "recall_above_600": float(said[is_high].mean()) if is_high.any() else float("nan"),
    }  # fmt: skip


def reliability_bins(truth: Floats, probability: Floats) -> list[dict[str, float]]:
    """Rows, mean probability and share of true ones, by bins of equal width; empty ones are left out."""
    where = np.minimum((probability * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    return [
        {"rows": int(n), "stated": float(probability[where == k].mean()), "found": float(truth[where == k].mean())}
        for k, n in enumerate(np.bincount(where, minlength=CALIBRATION_BINS)) if n
    ]  # fmt: skip


def parity_counts(truth: Floats, predicted: Floats) -> dict[str, Any]:
    """How many rows lie in each cell of measured by predicted temperature: counts alone, no value can be read from them."""
    edges = PARITY_STEP_K * np.arange(PARITY_CELLS + 1)
    measured, said = (np.clip(values, 0.0, edges[-1] - PARITY_STEP_K / 2) for values in (truth, predicted))
    counts = np.histogram2d(measured, said, bins=[edges, edges])[0]
    return {"edges_K": edges.tolist(), "counts": counts.astype(int).tolist()}


def crossed_order(logit: Floats, truth: Floats, fold: NDArray[np.int64]) -> Floats:
    """(rows,) probabilities, each calibrated on the other folds."""
    out = np.zeros(len(logit))
    for k in np.unique(fold):
        here = fold == k
        out[here] = Calibration.fit(logit[~here], truth[~here]).predict(logit[here])
    return out


def crossed_coverage(truth: Floats, predicted: Floats, spread: Floats, fold: NDArray[np.int64]) -> dict[str, Any]:
    """Share of the truths inside 90 % intervals that the other folds calibrated, by predicted value, with their mean width."""
    inside, width = np.zeros(len(truth), dtype=bool), np.zeros(len(truth))
    for k in np.unique(fold):
        here = fold == k
        residuals = BinnedResiduals.fit(truth[~here], predicted[~here], spread[~here])
        low, high = residuals.interval(predicted[here], spread[here])
        inside[here], width[here] = (truth[here] >= low) & (truth[here] <= high), high - low
    bins = {}
    for least, most in pairwise(SHOWN_BINS_K):
        here = (predicted >= least) & (predicted < most)
        if here.any():
            found = {"coverage": float(inside[here].mean()), "width_K": float(width[here].mean())}
            bins[f"{least:g} to {most:g} K"] = {"rows": int(here.sum()), **found}
    return {"coverage": float(inside.mean()), "bins": bins}
