"""Synthetic report contents for the tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pipeline.report.content import ReportContent, SecondOpinion

METRICS: dict[str, Any] = {
    "ensemble": {"mae": 0.0312, "mae_magnetic": 0.0834, "r2": 0.921, "auroc": 0.974, "coverage_90": 0.904, "n": 6000},
    "members": {"forest-0": {"mae": 0.0567, "n": 6000}, "cgcnn-0": {"mae": 0.0356, "n": 6000}},
    "coverage_by_bin": [
        {"low": 0.0, "high": 0.5, "n": 4800, "coverage": 0.912},
        {"low": 0.5, "high": float("inf"), "n": 1200, "coverage": 0.871},
    ],
    "stratified_errors": {"elements": {"Fe": {"n": 6000, "mae": 0.031}, "O": {"n": 6000, "mae": 0.031}}},
}


def ranking(rows: int) -> pd.DataFrame:
    """Candidates that fall from 3 µB/atom at 12 Å³ an atom."""
    random = np.random.default_rng(5)
    moment = np.linspace(3.0, 0.0, rows)
    return pd.DataFrame(
        {
            "rank": np.arange(1, rows + 1),
            "candidate_id": [f"icsd-{600000 + row}" for row in range(rows)],
            "formula": [f"Fe{2 + row % 15}CoO{row % 4 or ''}" for row in range(rows)],
            "n_sites": random.integers(2, 60, rows),
            "moment_muB_per_atom": moment,
            "moment_low": 0.8 * moment,
            "moment_high": 1.2 * moment,
            "moment_std": 0.1 * moment + 0.001,
            "saturation_T": moment * 11.654 / 12,
            "saturation_T_low": 0.8 * moment * 11.654 / 12,
            "p_magnetic": random.random(rows),
            "source_file": [f"export/batch_{row % 7}/{row}.cif" for row in range(rows)],
            "space_group": random.integers(1, 231, rows),
            "moment_dft": np.where(random.random(rows) < 0.5, moment, np.nan),
            "member_forest-0": 0.9 * moment,
            "member_cgcnn-0": 1.1 * moment,
        }
    )


def rejected(rows: int) -> pd.DataFrame:
    """Rejected crystals, three reasons in turn."""
    reasons = ["partial_occupancy", "no_sites", "not_cif"]
    return pd.DataFrame(
        {
            "candidate_id": [f"bad-{row}" for row in range(rows)],
            "source_file": [f"export/{row}.cif" for row in range(rows)],
            "block": [f"{row}-ICSD" for row in range(rows)],
            "reason": [reasons[row % 3] for row in range(rows)],
            "detail": ["Fe 0.72, Al 0.28 on one site"] * rows,
        }
    )


def evaluation(rows: int) -> pd.DataFrame:
    """Held-out rows, two thirds of them not magnetic."""
    random = np.random.default_rng(7)
    truth = np.where(random.random(rows) < 0.33, random.gamma(2.0, 0.5, rows), 0.0)
    spread = 0.01 + 0.1 * truth
    guess = np.abs(truth + spread * random.normal(size=rows))
    return pd.DataFrame(
        {
            "material_id": [f"mp-{row}" for row in range(rows)],
            "formula": "Fe2O3",
            "moment_dft": truth,
            "moment_muB_per_atom": guess,
            "moment_low": guess - 2 * spread,
            "moment_high": guess + 2 * spread,
            "moment_std": spread,
            "p_magnetic": random.random(rows),
        }
    )


def second(ranked: pd.DataFrame) -> SecondOpinion:
    """Another model that says a tenth more."""
    rows = ranked[["candidate_id", "formula", "moment_muB_per_atom", "moment_low", "moment_high"]]
    others = {f"{name}_other": 1.1 * rows[name] for name in ("moment_muB_per_atom", "moment_low", "moment_high")}
    return SecondOpinion("4f2a9c", "0123abcd", rows.assign(moment_dft=rows["moment_muB_per_atom"], **others))


def content(rows: int = 40, turned_away: int = 9, tested: int = 300, **changes: Any) -> ReportContent:
    """A complete content of the given sizes, with single fields replaced."""
    fields: dict[str, Any] = {
        "title": "Screen of icsd_candidates.parquet",
        "facts": (("Model", "ensemble 4f2a9c"), ("Seed", "17")),
        "ranking": ranking(rows),
        "rejected": rejected(turned_away),
        "evaluation": evaluation(tested),
        "metrics": METRICS,
        "warnings": ("Few test rows above 2 µB/atom.",),
    }
    return ReportContent(**(fields | changes))
