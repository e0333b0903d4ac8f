"""A screen that never was: as many candidates as one likes, with every column, so that a report can be measured and tested."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.crystal import symbol
from pipeline.magnetism.working_temperature import ROOM_TEMPERATURE_K, kuzmin, largest_energy_product
from pipeline.report.content import Changes, ReportContent
from pipeline.report.neighbours import Learned
from pipeline.report.structures import PackedCells

TESLA = 11.654  # T for each µB/Å³
_MAGNETIC, _OTHERS = (24, 25, 26, 27, 28, 60, 64), (1, 5, 6, 7, 8, 13, 14, 16, 21, 22, 29, 33, 39, 46, 48, 50, 78, 82, 92)
_CELLS = 20_000
_DOIS = "handbook: Coey 2010; 10.1103/PhysRevB.1.2; 10.1016/0304-8853(90)90001-2"
_REASONS = ("partial_occupancy", "no_sites", "not_cif", "isolated_atom")


def synthetic_content(rows: int, seed: int = 17, learned: int = 20_000) -> ReportContent:
    """A complete content; the same arguments give the same content."""
    random = np.random.default_rng(seed)
    ranking = _ranking(rows, random)
    return ReportContent(
        title=f"Ferromagnet candidates: synthetic, {rows:,} rows",
        facts=(("Screened", "synthetic"), ("Model", "none: every number is drawn by chance"), ("Run", "0123456789abcdef")),
        ranking=ranking,
        rejected=_rejected(max(3, rows // 20), random),
        evaluation=_evaluation(2000, random),
        metrics=_METRICS,
        warnings=("Every number on this page is drawn by chance.",),
        run="0123456789abcdef",
        formula="score = µ0·Ms at the lower end of the 90 % interval (T) / (1 + price of the elements / 10 USD/kg)",
        working="saturation_T_low / (1 + price_USD_per_kg / 10)",
        cells=_cells(min(rows, _CELLS), random),
        known=_learned(learned, random),
        changes=_changes(ranking),
    )


def _formulas(rows: int, random: np.random.Generator) -> list[str]:
    chosen = np.stack([random.choice(z, rows) for z in (_MAGNETIC, _OTHERS, _OTHERS)], axis=1)
    chosen[random.random(rows) < 0.4, 2] = 0  # two elements only
    amounts = random.integers(1, 13, (rows, 3))
    return [
        "".join(f"{symbol(z)}{n if n > 1 else ''}" for z, n in dict(zip(row, counts, strict=True)).items() if z)
        for row, counts in zip(chosen.tolist(), amounts.tolist(), strict=True)
    ]


def _ranking(rows: int, random: np.random.Generator) -> pd.DataFrame:
    moment = np.where(random.random(rows) < 0.6, 0.01 * random.random(rows), random.gamma(2.0, 0.5, rows))
    spread = 0.01 + 0.15 * moment * random.random(rows)
    tesla = TESLA / random.uniform(9, 25, rows)
    price = np.where(random.random(rows) < 0.04, np.nan, 10 ** random.uniform(-1.5, 5, rows))
    low, high = np.maximum(moment - 2 * spread, 0), moment + 2 * spread
    shares = random.dirichlet([1.0, 0.7, 0.7], rows)
    known = random.random(rows) < 0.02
    frame = pd.DataFrame(
        {
            "candidate_id": [f"syn-{n}" for n in random.permutation(10 * rows)[:rows]], "formula": _formulas(rows, random),
            "n_sites": random.integers(2, 120, rows), "moment_muB_per_atom": moment, "moment_low": low, "moment_high": high,
            "moment_std": spread, "saturation_T": moment * tesla, "saturation_T_low": low * tesla,
            "p_magnetic": 1 / (1 + np.exp(-8 * (moment - 0.3))),
            "source_file": [f"export/part_{n // 1000:03d}/{n}.cif" for n in range(rows)],
            "space_group": random.integers(1, 231, rows),
            "note": np.where(random.random(rows) < 0.01, "never seen in training: Po", ""),
            "exclusion_reason": np.where(np.isnan(price), "an element without a known price", ""),
            "saturation_T_high": high * tesla,
            "duplicate_of": "", "known_id": np.where(known, "mp-1", ""),
            "known_moment": np.where(known, np.abs(moment + random.normal(0, 0.1, rows)), np.nan),
            "e_above_hull": np.where(random.random(rows) < 0.3, np.nan, random.exponential(0.05, rows)),
            "hhi_production": random.uniform(500, 9500, rows), "hhi_reserve": random.uniform(500, 9500, rows),
            "price_USD_per_kg": price, "score": low * tesla / (1 + np.nan_to_num(price, nan=1e9) / 10),
            "p_ferromagnetic": shares[:, 0], "p_ferrimagnetic": shares[:, 1], "p_antiferromagnetic": shares[:, 2],
            "afm_risk": shares[:, 2],
            "label_provenance": np.where(known, "GGA, started ferromagnetic", ""),
            **_experiment(moment * tesla, shares),
            "ood_score": 2 * random.beta(1, 6, rows), "member_forest-0": 0.9 * moment, "member_cgcnn-0": 1.05 * moment,
        }
    )  # fmt: skip
    frame = frame.assign(aside=frame["exclusion_reason"] != "").sort_values(
        ["aside", "score", "candidate_id"], ascending=[True, False, True]
    )
    frame = frame.drop(columns="aside").reset_index(drop=True)
    twins = np.arange(7, rows, 97)
    frame.loc[twins, "duplicate_of"] = frame.loc[twins - 3, "candidate_id"].to_numpy()
    frame.insert(0, "rank", np.arange(1, rows + 1))
    return frame


def _experiment(saturation: NDArray[np.float64], shares: NDArray[np.float64]) -> dict[str, Any]:
    """Columns of what experiments say; a tenth of the rows are measured, some of them by references that disagree."""
    rows = len(saturation)
    random = np.random.default_rng(rows)
    measured, disputed = random.random(rows) < 0.1, random.random(rows) < 0.02
    order = random.choice(["FM", "FiM", "FM or FiM", "AFM"], rows)
    up = measured & (order != "AFM")
    tc, half = random.gamma(2.0, 180.0, rows), random.uniform(0.1, 0.6, rows)
    at_room = saturation * kuzmin(ROOM_TEMPERATURE_K / tc)
    said = np.where(measured, order, np.where(disputed, "contradictory", ""))
    return {
        "ordering_most_likely": random.choice(["FM", "FiM", "AFM", "NM"], rows),
        "p_fm_or_fim": shares[:, 0] + shares[:, 1], "p_fm_or_fim_predicted": shares[:, 0] + shares[:, 1],
        "order_basis": np.where(measured, "measured", np.where(disputed, "contradictory references", "predicted")),
        "tc_K": tc, "tc_low_K": tc * (1 - half), "tc_high_K": tc * (1 + half), "tc_basis": np.where(up, "measured", "predicted"),
        "p_tc_above_300": (tc > 300) * 0.9, "p_tc_above_450": (tc > 450) * 0.9, "p_tc_above_600": (tc > 600) * 0.9,
        "p_tc_260_to_340": (np.abs(tc - 300) < 40) * 0.8, "tn_K": tc / 3, "tn_low_K": tc / 6, "tn_high_K": tc / 2,
        "saturation_300K_T": at_room, "saturation_300K_T_low": 0.5 * at_room, "saturation_300K_T_high": 1.2 * at_room,
        "bh_max_kJ_m3": largest_energy_product(at_room)[0], "uniaxial_possible": random.random(rows) < 0.4,
        "known_order": said, "known_tc_K": np.where(up, tc, np.nan), "known_tn_K": np.where(said == "AFM", tc / 3, np.nan),
        "known_references": np.where(said == "", 0, random.integers(1, 30, rows)),
        "known_dois": np.where(said == "", "", np.where(random.random(rows) < 0.5, _DOIS, "handbook: Coey 2010")),
        "known_spread_K": np.where(up, 5.0, np.nan), "known_elsewhere": "",
    }  # fmt: skip


def _cells(rows: int, random: np.random.Generator) -> PackedCells:
    sites = random.integers(1, 30, rows)
    whole = int(sites.sum())
    lengths, angles = random.uniform(3, 9, (rows, 3)), random.choice([60.0, 90.0, 120.0], (rows, 1)).repeat(3, axis=1)
    angles[angles[:, 0] == 120.0, :2] = 90.0
    return PackedCells(
        sites.astype(np.int64), random.integers(0, 6, rows), np.concatenate([lengths, angles], axis=1),
        random.choice(_MAGNETIC + _OTHERS, whole).astype(np.int64), random.integers(0, 65536, (whole, 3)),
    )  # fmt: skip


def _learned(rows: int, random: np.random.Generator) -> Learned:
    return Learned([f"mp-{n}" for n in range(rows)], _formulas(rows, random), random.gamma(1.0, 0.5, rows))


def _rejected(rows: int, random: np.random.Generator) -> pd.DataFrame:
    names = [f"bad-{n}" for n in range(rows)]
    files = [f"export/bad_{n}.cif" for n in range(rows)]
    reasons = random.choice(_REASONS, rows, p=[0.6, 0.2, 0.15, 0.05])
    return pd.DataFrame(
        {"candidate_id": names, "source_file": files, "block": "", "reason": reasons, "detail": "drawn by chance"}
    )


def _evaluation(rows: int, random: np.random.Generator) -> pd.DataFrame:
    truth = np.where(random.random(rows) < 0.33, random.gamma(2.0, 0.5, rows), 0.0)
    spread = 0.01 + 0.1 * truth
    guess = np.abs(truth + spread * random.normal(size=rows))
    return pd.DataFrame(
        {"formula": _formulas(rows, random), "moment_dft": truth, "moment_muB_per_atom": guess, "moment_std": spread}
    )


def _changes(ranking: pd.DataFrame) -> Changes:
    head = ranking.head(12)
    rows = head[["candidate_id", "formula"]].assign(
        change=["new", "withdrawn", "up", "down"] * (len(head) // 4) + ["new"] * (len(head) % 4), rank_before=head["rank"] + 3,
        rank_after=head["rank"], moved=3, saturation_T_low_before=head["saturation_T_low"] - 0.1,
        saturation_T_low_after=head["saturation_T_low"], why="model: at least 1.00 → 1.10 T",
    )  # fmt: skip
    counts = {name: int((rows["change"] == name).sum()) for name in ("new", "withdrawn", "up", "down")}
    return Changes("fedcba9876543210", {**counts, "unmoved": max(len(ranking) - len(head), 0)}, (("model", "old → new"),), rows)


_METRICS: dict[str, Any] = {
    "ensemble": {"mae": 0.03, "mae_magnetic": 0.08, "r2": 0.92, "auroc": 0.97, "coverage_90": 0.9, "n": 2000},
    "members": {"forest-0": {"mae": 0.057, "n": 2000}, "cgcnn-0": {"mae": 0.036, "n": 2000}},
    "coverage_by_bin": [
        {"low": 0.0, "high": 0.5, "n": 1600, "coverage": 0.912},
        {"low": 0.5, "high": math.inf, "n": 400, "coverage": 0.871},
    ],
}
