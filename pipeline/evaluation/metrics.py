"""Metrics of a model's predictions and of its stated errors."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.labels import MAGNETIC_THRESHOLD

Floats = NDArray[np.float64]
LARGE_MOMENT = 1.0  # µB/atom; a large moment, as a screen searches for
RELIABILITY_BINS = 10
MOMENT_BINS = (0.0, 0.05, 0.25, 0.5, 1.0, 1.5, np.inf)  # µB/atom, of predictions


def regression_metrics(truth: Floats, moment: Floats, p_magnetic: Floats) -> dict[str, Any]:
    """Errors over all rows and the magnetic ones, and how well magnetic and non-magnetic rows are separated.

    Args:
        truth: (rows,) DFT moments, µB/atom.
        moment: (rows,) predicted moments, µB/atom.
        p_magnetic: (rows,) predicted probabilities of being magnetic.

    Returns:
        Errors in µB/atom (`mae`, `rmse`, `mae_magnetic`, `mae_of_zero`), `r2`, `auroc`, `average_precision`, and
        `precision_at_k`: the share of the k highest predictions whose truth is above LARGE_MOMENT.
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    error = np.abs(moment - truth)
    magnetic = truth > MAGNETIC_THRESHOLD
    spread = float(((truth - truth.mean()) ** 2).sum())
    both = magnetic.any() and not magnetic.all()
    k = min(250, max(5, len(truth) // 25), len(truth))
    best = np.argsort(-moment, kind="stable")[:k]
    return {
        "n": len(truth),
        "mae": float(error.mean()),
        "rmse": float(np.sqrt((error**2).mean())),
        "r2": 1.0 - float((error**2).sum()) / spread if np.ptp(truth) > 0 else None,
        "mae_magnetic": float(error[magnetic].mean()) if magnetic.any() else None,
        "mae_of_zero": float(np.abs(truth).mean()),
        "auroc": float(roc_auc_score(magnetic, p_magnetic)) if both else None,
        "average_precision": float(average_precision_score(magnetic, p_magnetic)) if both else None,
        "k": k,
        "precision_at_k": float((truth[best] > LARGE_MOMENT).mean()),
    }


def coverage_by_bin(truth: Floats, moment: Floats, low: Floats, high: Floats) -> list[dict[str, Any]]:
    """The share of rows whose interval holds the truth, for each range of predicted moments (MOMENT_BINS).

    Args:
        truth: (rows,) DFT moments, µB/atom.
        moment: (rows,) predicted moments, µB/atom.
        low: (rows,) lower ends of the intervals, µB/atom.
        high: (rows,) upper ends, µB/atom.
    """
    inside = (truth >= low) & (truth <= high)
    rows = []
    for begin, end in itertools.pairwise(MOMENT_BINS):
        here = (moment >= begin) & (moment < end)
        rows.append(
            {
                "low": begin,
                "high": end if np.isfinite(end) else None,
                "n": int(here.sum()),
                "coverage": float(inside[here].mean()) if here.any() else None,
                "half_width": float(((high - low) / 2)[here].mean()) if here.any() else None,
            }
        )
    return rows


def spread_metrics(truth: Floats, moment: Floats, std: Floats, low: Floats, high: Floats, level: Floats) -> dict[str, Any]:
    """Metrics of the stated errors: coverage of the 90 % interval, miscalibration area, and rank correlation of stated and true
    error over the rows that are predicted magnetic.

    Args:
        truth: (rows,) DFT moments, µB/atom.
        moment: (rows,) predicted moments, µB/atom.
        std: (rows,) stated standard deviations, µB/atom.
        low: (rows,) lower ends of the 90 % intervals, µB/atom.
        high: (rows,) upper ends, µB/atom.
        level: (rows,) levels of the narrowest stated intervals that hold the truth, 0 to 1.
    """
    from scipy.stats import spearmanr

    inside, error = (truth >= low) & (truth <= high), np.abs(moment - truth)
    magnetic, said = truth > MAGNETIC_THRESHOLD, moment > MAGNETIC_THRESHOLD
    varied = said.sum() > 2 and np.ptp(std[said]) > 0 and np.ptp(error[said]) > 0
    return {
        "coverage_90": float(inside.mean()),
        "coverage_90_magnetic": float(inside[magnetic].mean()) if magnetic.any() else None,
        "miscalibration_area": miscalibration_area(level),
        "spearman_std_error": float(spearmanr(std[said], error[said]).statistic) if varied else None,
        "coverage_by_bin": coverage_by_bin(truth, moment, low, high),
    }


def miscalibration_area(level: Floats) -> float | None:
    """The area between the stated and the true share of rows inside each central interval (Kuleshov et al. 2018).

    Args:
        level: (rows,) levels of the narrowest stated intervals that hold the truth, 0 to 1.

    Returns:
        0 (perfect) to 0.5; None for a model of an old format, which does not state levels.
    """
    if np.isnan(level).any():  # a model of an old format
        return None
    stated = np.linspace(0, 1, 101)
    found = np.searchsorted(np.sort(level), stated, side="right") / len(level)
    return float(np.trapezoid(np.abs(found - stated), stated))


def reliability(happened: NDArray[np.bool_], p: Floats) -> dict[str, Any]:
    """Calibration of probabilities: Brier score, expected calibration error and the bins behind it.

    Args:
        happened: (rows,) whether the event occurred.
        p: (rows,) predicted probabilities.

    Returns:
        `brier`, `calibration_error` and `bins`: RELIABILITY_BINS bins with equally many rows, in ascending order of p.
    """
    order = np.argsort(p, kind="stable")
    bins = [
        {"n": len(rows), "stated": float(p[rows].mean()), "found": float(happened[rows].mean())}
        for rows in np.array_split(order, RELIABILITY_BINS)
        if len(rows)
    ]
    return {
        "brier": float(((p - happened) ** 2).mean()),
        "calibration_error": float(sum(row["n"] * abs(row["stated"] - row["found"]) for row in bins) / len(p)),
        "bins": bins,
    }
