"""A comparison as files: all of it as JSON and CSV, the largest changes as a page."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from markupsafe import Markup

from data.store.artifact import make_folder, write_bytes, write_json
from pipeline.comparison.compare import Comparison
from pipeline.report.assets import page_environment, style_policy
from pipeline.screening.csvsafe import csv_safe

SHOWN = 100  # rows of each kind on the page
HEADINGS = {"new": "New", "withdrawn": "Withdrawn", "up": "Ranked higher", "down": "Ranked lower", "changed": "Another crystal"}
_HERE = Path(__file__).parent


def summary(comparison: Comparison) -> dict[str, Any]:
    """What comparison.json holds; an absent number is null."""
    rows = comparison.changes.to_dict("records")
    return {
        "before": comparison.before["id"], "after": comparison.after["id"], "counts": comparison.counts,
        "differences": [{"cause": str(d.cause), "what": d.what} for d in comparison.differences],
        "profile_change": None if comparison.profile is None else asdict(comparison.profile),
        "changes": [{str(k): _whole(v) for k, v in row.items()} for row in rows],
    }  # fmt: skip


def write_comparison(comparison: Comparison, folder: Path) -> Path:
    """comparison.json, comparison.csv and comparison.html; returns the page's path.

    Raises:
        UserError: the folder cannot be written.
    """
    make_folder(folder)
    write_json(folder / "comparison.json", summary(comparison))
    table = csv_safe(comparison.changes).to_csv(index=False, float_format="%.6g")
    write_bytes(folder / "comparison.csv", table.encode())
    write_bytes(folder / "comparison.html", render(comparison).encode())
    return folder / "comparison.html"


def render(comparison: Comparison) -> str:
    """The page: a section that needs nothing else; everything foreign is escaped."""
    style = (_HERE / "comparison.css").read_text(encoding="utf-8")
    groups = [
        (title, comparison.counts[name], comparison.changes[comparison.changes["change"] == name].head(SHOWN).to_dict("records"))
        for name, title in HEADINGS.items()
    ]
    return page_environment(_HERE).get_template("comparison.html.j2").render(
        style=Markup(style),
        policy=style_policy(style),
        comparison=comparison,
        groups=groups,
    )


def _whole(value: Any) -> Any:
    """A float that holds a place as an int, NaN as null."""
    if isinstance(value, float):
        return None if math.isnan(value) else int(value) if value.is_integer() else value
    return value
