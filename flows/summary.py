"""The end of each command: a table for a person, or JSON for a program."""

from __future__ import annotations

import json
import math
from typing import Any


def print_json(content: Any) -> None:
    """One JSON document on standard output; what is not a number becomes null."""
    print(json.dumps(_clean(content), indent=2, ensure_ascii=False, default=str))


def print_facts(title: str, facts: dict[str, Any]) -> None:
    """Label and value, one a line."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", show_header=False, box=None, pad_edge=False)
    for label, value in facts.items():
        table.add_row(Text(label, style="dim"), Text(_word(value)))
    Console().print(table)


def print_rows(title: str, rows: list[dict[str, Any]]) -> None:
    """A table; the first row's keys are the columns."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name in rows[0] if rows else []:
        table.add_column(name)
    for row in rows:
        table.add_row(*(Text(_word(value)) for value in row.values()))
    Console().print(table)


def training_facts(model: dict[str, Any]) -> dict[str, Any]:
    """The numbers of a model that a person wants to see first."""
    scores = model["metrics"]["ensemble"]
    return {
        "model": model["id"],
        "test rows": scores["n"],
        "MAE µB/atom": scores["mae"],
        "MAE of predicting 0": scores["mae_of_zero"],
        "R²": scores["r2"],
        "MAE, magnetic rows": scores["mae_magnetic"],
        "AUROC (magnetic)": scores["auroc"],
        f"precision among the top {scores['k']}": scores["precision_at_k"],
        "coverage of the 90 % interval": scores["coverage_90"],
        "in use": "yes" if model["promotion"]["promoted"] else f"no: {'; '.join(model['promotion']['why_not'])}",
        "members": ", ".join(f"{m['name']} {m['mae']:.4f} (weight {m['weight']:.2f})" for m in model["members"]),
    }


def _word(value: Any) -> str:
    if isinstance(value, float):
        return "–" if math.isnan(value) else f"{value:.4g}"
    return "–" if value is None else printable(str(value))


def printable(text: str) -> str:
    """The text with all that moves a terminal's cursor, changes its colours or its direction of writing spelled out.

    Names of files and of crystals are data, and may be anyone's.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _clean(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
