"""The magnet scan (arXiv 2111.14712): forest, CGCNN and MEGNet on the starter set, their mean and their spread.

All crystals are predicted by models that have seen no crystal of the same chemical system (cross-validation).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray
from scipy.stats import spearmanr

from data.labels import saturation_T
from models.contract import Examples, FitControl
from models.families import family
from pipeline.demos.crystals import starter
from pipeline.demos.demonstration import Check, Demonstration
from pipeline.demos.figures import single_figure
from pipeline.report.svg import ROLES
from pipeline.training.descriptor_selection import SelectionSettings, select

Floats = NDArray[np.float64]
FAMILIES = ("forest", "cgcnn", "megnet")
SHARE_OF_MEAN, RANK_CORRELATION, PLANTED, FOUND = 0.6, 0.2, 10, 9


@dataclass(frozen=True)
class Size:
    """How much is computed."""

    crystals: int | None = None
    folds: int = 5
    epochs: int = 60
    selection: bool = True


SIZES = {False: Size(), True: Size(crystals=40, folds=2, epochs=2, selection=False)}


def demonstrate(smoke: bool, seed: int) -> Demonstration:
    """Compare the three families on held-out chemical systems."""
    size = SIZES[smoke]
    examples, systems = starter(size.crystals)
    truth = examples.targets()
    fold = _folds(systems, size.folds, seed)
    said = {name: _cross_validated(name, examples, fold, size, seed) for name in FAMILIES}
    every = np.stack(list(said.values()))
    mean, spread = every.mean(axis=0), every.std(axis=0)
    error = np.abs(mean - truth)
    of_mean = float(np.abs(truth - _of_other_folds(truth, fold)).mean())
    maes = {name: float(np.abs(values - truth).mean()) for name, values in said.items()}
    rank = float(spearmanr(spread, error).statistic)
    iron = saturation_T(2.2, 11.8)
    checks = [
        *(
            Check(
                f"{name}: MAE below {SHARE_OF_MEAN} of that of the mean",
                f"{mae / of_mean:.2f}",
                _unless(smoke, mae < 0.6 * of_mean),
            )
            for name, mae in maes.items()
        ),
        Check(f"Spearman(spread, error) > {RANK_CORRELATION}", f"{rank:.2f}", _unless(smoke, rank > RANK_CORRELATION)),
        Check("bcc Fe, 2.2 µB in 11.8 Å³: µ0·Ms = 2.17 T within 1 %", f"{iron:.3f} T", abs(iron / 2.17 - 1) < 0.01),
    ]
    if size.selection:
        found = recovered(seed)
        checks.append(Check(f"the descriptor search finds {FOUND} of {PLANTED} planted columns", str(found), found >= FOUND))
    rows = [[name, f"{mae:.4f}"] for name, mae in maes.items()]
    rows += [
        ["mean of the three", f"{error.mean():.4f}"],
        ["predicting 0", f"{truth.mean():.4f}"],
        ["training mean", f"{of_mean:.4f}"],
    ]

    def paint(axes: Axes) -> None:
        top = 1.05 * max(truth.max(), mean.max())
        axes.plot([0, top], [0, top], color=ROLES["muted"], linewidth=0.8)
        axes.errorbar(truth, mean, yerr=spread, fmt="o", markersize=3, linewidth=0.6, color=ROLES["steel"])
        axes.set(xlabel="DFT moment, µB/atom", ylabel="mean and spread of three families, µB/atom")

    figure = single_figure("magnet-scan", "Predicted against calculated moments of held-out chemical systems", paint)
    title = f"Magnet scan: {len(examples)} starter crystals, {size.folds}-fold cross-validation by chemical system"
    return Demonstration(title, ("model", "MAE, µB/atom"), rows, checks, figure)


def recovered(seed: int) -> int:
    """How many of the planted columns the descriptor search returns, among 190 columns of noise."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(1500, 20 * PLANTED)).astype(np.float32)
    true = rng.choice(rows.shape[1], PLANTED, replace=False)
    weights = rng.uniform(0.6, 1.0, PLANTED) * rng.choice([-1, 1], PLANTED)
    moment = np.abs(rows[:, true] @ weights / 2 + 3 + 0.1 * rng.normal(size=len(rows)))
    settings = SelectionSettings(wanted=2 * PLANTED, rounds=50, rows=700, test_rows=300, trees=12, patience=15, seed=seed)
    return len(set(select(rows, moment, [f"S{k // 3}" for k in range(len(rows))], settings).columns) & set(true.tolist()))


def _folds(systems: list[str], folds: int, seed: int) -> NDArray[np.int64]:
    """(crystals,) the fold of each; crystals of one chemical system share a fold."""
    names = sorted(set(systems))
    of_name = dict(zip(names, np.random.default_rng(seed).permutation(len(names)) % folds, strict=True))
    return np.array([of_name[system] for system in systems], dtype=np.int64)


def _cross_validated(name: str, examples: Examples, fold: NDArray[np.int64], size: Size, seed: int) -> Floats:
    """(crystals,) µB/atom; an eighth of the training rows chooses the epoch."""
    said = np.zeros(len(examples))
    for k in range(size.folds):
        inside, outside = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
        inside = np.random.default_rng(seed + k).permutation(inside)
        choose, learn = np.sort(inside[: len(inside) // 8]), np.sort(inside[len(inside) // 8 :])
        model = family(name)()
        model.fit(examples.take(learn), examples.take(choose), FitControl(seed=seed, epochs=size.epochs))
        said[outside] = model.predict(examples.take(outside)).moment
    return said


def _of_other_folds(truth: Floats, fold: NDArray[np.int64]) -> Floats:
    """(crystals,) the mean moment of the crystals in the other folds."""
    return np.array([truth[fold != k].mean() for k in fold])


def _unless(smoke: bool, passed: bool) -> bool | None:
    return None if smoke else passed
