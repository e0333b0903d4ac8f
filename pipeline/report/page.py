"""The report page: one HTML file that needs nothing else, now or in ten years."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from data.labels import MAGNETIC_THRESHOLD, TESLA_PER_MUB_PER_A3
from data.store.artifact import write_bytes
from pipeline.magnetism.experiment import DISPUTED, ELSEWHERE, MEASURED
from pipeline.ops.parallel import begin
from pipeline.ops.row_store import RowStore
from pipeline.report.assets import page_environment, policy, script, style
from pipeline.report.content import Changes, ReportContent, SecondOpinion
from pipeline.report.contradicted import TOP as TOP_CONTRADICTED
from pipeline.report.contradicted import dft_calls_ferromagnets
from pipeline.report.elements import holders, periodic_table
from pipeline.report.experiment import BASES, sentence
from pipeline.report.kept_figures import kept_evaluation_figures
from pipeline.report.page_figure import PageFigure
from pipeline.report.payload import payload
from pipeline.report.plot_values import count_reasons, finite_columns
from pipeline.report.scale import Scale, scale_for, temperature_scale
from pipeline.report.scores import coverage_rows, experiment_scores, score_table
from pipeline.report.stated import stated_error_floor
from pipeline.report.text import ORDERS
from pipeline.report.view import view

MANY = 1000  # rows; figures of so many are drawn beside the rest of the page
ROWS = 100  # in the document itself, for those without a script; all others are in the page's data
TOP = 10
TOP_REJECTED = 200
TOP_WARNINGS = 3
TOP_CHANGES = 20  # of each kind
WIDE, BESIDE_TC = 300.0, 200.0  # user units of the bars on the first screen
BAR_AFTER = "moment_muB_per_atom"
FLAGS = {
    "duplicates": "No duplicates",
    "polymorphs": "Best of each compound",
    "known": "Moment not known yet",
    "aside": "Not set aside",
}
EXPERIMENT_FLAGS = {
    "measured": "Measured",
    "unmeasured": "Not measured",
    "disputed": "References disagree",
    "uniaxial": "Uniaxial lattice",
    "cubic": "Cubic lattice",
}
LIMITS = (
    "saturation_300K_T", "p_fm_or_fim", "p_tc_above_450", "saturation_T_low",
    "moment_muB_per_atom", "p_magnetic", "p_ferromagnetic", "afm_risk", "ood_score", "e_above_hull",
    "price_USD_per_kg", "hhi_production", "n_sites",
)  # fmt: skip
CHOSEN_ORDERS = ("FM", "FiM", "AFM", "NM")
_CHANGES = {"new": "New", "withdrawn": "Withdrawn", "up": "Ranked higher", "down": "Ranked lower", "changed": "Another crystal"}


def write_report(content: ReportContent, path: Path, store: RowStore | None = None) -> None:
    """Write the page atomically and durably: afterwards `path` holds either the old page or the whole new one.

    Raises:
        UserError: the file cannot be written.
    """
    write_bytes(path, render_report(content, store).encode("utf-8"))


def render_report(content: ReportContent, store: RowStore | None = None) -> str:
    """The page as text; the same content gives the same text, whatever figures were drawn before and are in `store`."""
    styles, scripts = style(), script()
    draw = begin if len(content.ranking) >= MANY else partial
    of_run = draw(_figures_of_run, (content.ranking, content.rejected, content.second))
    of_model = kept_evaluation_figures(content, store, draw)
    shown = {
        "style": Markup(styles),
        "script": Markup(scripts),
        "policy": policy(styles, scripts),
        "tesla_per_density": TESLA_PER_MUB_PER_A3,
        "magnetic_threshold": MAGNETIC_THRESHOLD,
        "floor": stated_error_floor(content.evaluation),
        "content": content,
        "warnings": content.warnings[:TOP_WARNINGS],
        "more_warnings": content.warnings[TOP_WARNINGS:],
        "headline": _headline(content),
        **_candidates(content),
        "change_groups": _change_groups(content.changes),
        "reasons": count_reasons(content.rejected),
        "rejected": content.rejected.head(TOP_REJECTED).to_dict("records"),
        **_contradicted(content.ranking),
        "order_scores": experiment_scores(content.experiment),
        "second_rows": [] if content.second is None else _records(content.second.rows),
        "scores": score_table(content.metrics),
        "coverage": coverage_rows(content.metrics),
    }
    template = page_environment().get_template("report.html.j2")
    return template.render(**shown, **of_run(), evaluation_figures=of_model())


def _figures_of_run(run: tuple[pd.DataFrame, pd.DataFrame, SecondOpinion | None]) -> dict[str, list[PageFigure]]:
    """All figures but those of the model, by their names in the templates.

    Args:
        run: ranking, rejections and the second opinion.
    """
    from pipeline.report.figures import candidate_figures, rejection_figures, second_figures  # late, since matplotlib is large

    ranking, rejected, second = run
    return {
        "candidate_figures": candidate_figures(ranking), "second_figures": second_figures(second),
        "rejection_figures": rejection_figures(rejected),
    }  # fmt: skip


def _candidates(content: ReportContent) -> dict[str, Any]:
    seen = view(content)
    scale, temperatures = _scale(seen.frame.head(ROWS)), _temperatures(seen.frame.head(ROWS))
    best = seen.frame[(seen.frame["duplicate_of"] == "") & (seen.frame["exclusion_reason"] == "")]
    best = best.drop_duplicates("formula").head(TOP)
    numbers = {column.key: column for column in seen.numbers}
    return {
        "total": len(seen.frame),
        "rows": _rows(seen.frame.head(ROWS)),
        "top": _rows(best),
        "members": list(seen.members),
        "table": seen.table,
        "numbers": numbers,
        "scale": scale,
        "wide": Scale(scale.end, scale.step, BESIDE_TC if "tc_K" in numbers else WIDE),
        "tc_scale": temperatures,
        "has_tc": "tc_K" in numbers,
        "has_diamond": "dft" in numbers or _has_measured_tc(seen.frame),
        "has_space_group": "space_group" in numbers,
        "bar_after": BAR_AFTER,
        "flags": [(flag, name) for flag, name in FLAGS.items() if _flagged(seen.frame, flag)],
        "orders": [(ORDERS.index(name), name) for name in CHOSEN_ORDERS] if "order" in numbers else [],
        "experiment_flags": [(flag, name) for flag, name in EXPERIMENT_FLAGS.items() if _divides(seen.frame, flag)],
        "limits": [numbers[name] for name in LIMITS if name in numbers],
        "elements": periodic_table(),
        "present": frozenset(holders(seen.frame["formula"].drop_duplicates().to_list())),
        "cells": len(content.cells),
        "data": payload(content, seen, scale, temperatures),
    }


def _contradicted(ranking: pd.DataFrame) -> dict[str, Any]:
    found = dft_calls_ferromagnets(ranking)
    return {"contradicted": _records(found.head(TOP_CONTRADICTED)), "contradicted_total": len(found)}


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows = _records(frame)
    for row in rows:
        for name in ("dft", "order", "basis", "tc_K", "tc_low_K", "tc_high_K", "tc_from"):
            row.setdefault(name, None)
        row["sentence"] = sentence(row)
        row["marks"] = _marks(row)
    return rows


def _marks(row: dict[str, Any]) -> list[str]:
    """What a reader must know of a candidate before choosing it; the page's script has the same marks (rows.js)."""
    known = row["known_id"] != "" or (row["dft"] is not None and np.isfinite(row["dft"]))
    said = {
        "measured": row["basis"] == BASES.index(MEASURED), "references disagree": row["basis"] == BASES.index(DISPUTED),
        "other structure measured": row["basis"] == BASES.index(ELSEWHERE),
        "set aside": row["exclusion_reason"], "duplicate": row["duplicate_of"], "known": known, "note": row["note"],
    }  # fmt: skip
    return [*(mark for mark, holds in said.items() if holds), *([row["polymorphs"]] if row["polymorphs"] else [])]


def _flagged(frame: pd.DataFrame, flag: str) -> bool:
    """Whether a filter would leave anything out."""
    if flag == "known":
        return bool((frame["known_id"] != "").any() or ("dft" in frame and frame["dft"].notna().any()))
    if flag == "polymorphs":
        return bool((frame["polymorphs"] != "").any())
    return bool((frame[{"duplicates": "duplicate_of", "aside": "exclusion_reason"}[flag]] != "").any())


def _scale(top: pd.DataFrame) -> Scale:
    net = [column for column in ("saturation_T_high", "saturation_T") if column in top]
    of_dft = [column for column in ("moment_muB_per_atom", "dft") if column in top and "tesla" in top]
    return scale_for([*top[net].to_numpy().ravel(), *(value for name in of_dft for value in top[name] * top["tesla"])])


def _divides(frame: pd.DataFrame, flag: str) -> bool:
    """Whether some candidates pass a filter of EXPERIMENT_FLAGS and others do not."""
    if flag in ("uniaxial", "cubic"):
        return bool("space_group" in frame and frame["space_group"].nunique() > 1)
    passes = frame["known_order"] == "" if flag == "unmeasured" else frame["known_order"] != ""
    if flag != "unmeasured" and "basis" in frame:
        passes = frame["basis"] == BASES.index(MEASURED if flag == "measured" else DISPUTED)
    return bool(passes.any() and not passes.all())


def _has_measured_tc(frame: pd.DataFrame) -> bool:
    return bool("tc_from" in frame and (frame["tc_from"] == BASES.index(MEASURED)).any())


def _temperatures(top: pd.DataFrame) -> Scale:
    shown = [column for column in ("tc_K", "tc_high_K") if column in top]
    return temperature_scale(top[shown].to_numpy().ravel() if shown else [])


def _change_groups(changes: Changes | None) -> list[tuple[str, int, list[dict[str, Any]]]]:
    """Title, number and first rows of each kind of change."""
    if changes is None:
        return []
    return [
        (title, changes.counts.get(name, 0), _records(changes.rows[changes.rows["change"] == name].head(TOP_CHANGES)))
        for name, title in _CHANGES.items()
    ]


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]


def _headline(content: ReportContent) -> list[tuple[str, int, str]]:
    """Name, number and a remark for each of the four numbers on the first screen."""
    ranking, rejected = content.ranking, len(content.rejected)
    return [
        ("candidates ranked", len(ranking), ""),
        ("crystals rejected", rejected, "each with its reason" if rejected else ""),
        _above_one(ranking, "moment_muB_per_atom", "moment_low", "µB/atom"),
        _above_one(ranking, "saturation_T", "saturation_T_low", "T"),
    ]


def _above_one(ranking: pd.DataFrame, predicted: str, low: str, unit: str) -> tuple[str, int, str]:
    likely, certain = (int(np.sum(finite_columns(ranking, column)[0] > 1.0)) for column in (predicted, low))
    return f"predicted above 1 {unit}", likely, f"{certain:,} even at the lower bound"
