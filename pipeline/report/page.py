"""The report page: one HTML file that needs nothing else, now or in ten years."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from data.artifact import write_bytes
from data.labels import MAGNETIC_THRESHOLD, TESLA_PER_MUB_PER_A3
from pipeline.report import text
from pipeline.report.content import ReportContent
from pipeline.report.figures import candidate_figures, evaluation_figures, rejection_figures
from pipeline.report.plots import count_reasons, finite_columns
from pipeline.report.scale import scale_for
from pipeline.report.scores import coverage_rows, score_table

TOP_ROWS = 500
TOP_REJECTED = 200
TOP_WARNINGS = 3
_HERE = Path(__file__).parent


def write_report(content: ReportContent, path: Path) -> None:
    """Write the page atomically and durably: afterwards `path` holds either the old page or the whole new one.

    Raises:
        UserError: the file cannot be written.
    """
    write_bytes(path, render_report(content).encode("utf-8"))


def render_report(content: ReportContent) -> str:
    """The page as text; the same content gives the same text. Its rows are the best 500 by `rank`."""
    style, script = asset("report.css"), asset("report.js")
    return page_environment().get_template("report.html.j2").render(
        style=Markup(style),
        script=Markup(script),
        policy=policy(style, script),
        tesla_per_density=TESLA_PER_MUB_PER_A3,
        magnetic_threshold=MAGNETIC_THRESHOLD,
        content=content,
        warnings=content.warnings[:TOP_WARNINGS],
        more_warnings=content.warnings[TOP_WARNINGS:],
        headline=_headline(content),
        **_tables(content),
        candidate_figures=candidate_figures(content),
        evaluation_figures=evaluation_figures(content),
        rejection_figures=rejection_figures(content),
        scores=score_table(content.metrics),
        coverage=coverage_rows(content.metrics),
    )


def page_environment() -> Environment:
    """Templates beside this file, everything escaped, with the filters of pipeline.report.text."""
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        name: getattr(text, name) for name in ("visible", "file_name", "formula", "number", "count", "sortable")
    }
    return environment


def _tables(content: ReportContent) -> dict[str, Any]:
    top = content.ranking.sort_values("rank", kind="stable").head(TOP_ROWS)
    tesla = _tesla_per_moment(top)
    shown = [column for column in ("moment_high", "moment_muB_per_atom", "moment_dft") if column in top]
    return {
        "rows": top.assign(tesla=tesla).to_dict("records"),
        "members": content.member_columns(),
        "scale": scale_for(top[shown].mul(tesla, axis=0).to_numpy().ravel()),
        "has_dft": "moment_dft" in top and bool(top["moment_dft"].notna().any()),
        "has_space_group": "space_group" in top,
        "reasons": count_reasons(content.rejected),
        "rejected": content.rejected.head(TOP_REJECTED).to_dict("records"),
    }


def _tesla_per_moment(ranking: pd.DataFrame) -> pd.Series[float]:
    """µ0·Ms in T that each µB/atom makes in each crystal; it depends on the volume alone."""
    moment, tesla = (pd.to_numeric(ranking[c], errors="coerce") for c in ("moment_muB_per_atom", "saturation_T"))
    return tesla / moment.where(moment > 0)


def _headline(content: ReportContent) -> list[tuple[str, int, str]]:
    """Name, number and a remark for each of the four numbers on the first screen."""
    ranking, turned_away = content.ranking, len(content.rejected)
    return [
        ("candidates ranked", len(ranking), ""),
        ("crystals rejected", turned_away, "each with its reason" if turned_away else "nothing turned away"),
        _above_one(ranking, "moment_muB_per_atom", "moment_low", "µB/atom"),
        _above_one(ranking, "saturation_T", "saturation_T_low", "T"),
    ]


def _above_one(ranking: pd.DataFrame, predicted: str, low: str, unit: str) -> tuple[str, int, str]:
    likely, certain = (int(np.sum(finite_columns(ranking, column)[0] > 1.0)) for column in (predicted, low))
    return f"predicted above 1 {unit}", likely, f"{certain:,} even at the lower bound"


def asset(name: str) -> str:
    """A text that lies beside this file."""
    return (_HERE / name).read_text(encoding="utf-8")


def policy(style: str, script: str) -> str:
    """Only this very style sheet and this very script may act; nothing may be fetched."""
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _digest(source: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode("utf-8")).digest()).decode("ascii")
