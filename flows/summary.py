"""The end of each command: a table for a person, or JSON for a program."""

from __future__ import annotations

import json
import math
import shutil
import sys
from typing import Any

from rich.cells import cell_len

GAP = 2  # spaces between columns


def print_json(content: Any) -> None:
    """One JSON document on standard output; what is not a number becomes null."""
    print(json.dumps(_clean(content), indent=2, ensure_ascii=False, default=str))


def print_facts(title: str, facts: dict[str, Any]) -> None:
    """Label and value, one a line; a value is never cut or wrapped, so that paths and ids can be copied."""
    print(printable(title))
    width = max((cell_len(label) for label in facts), default=0)
    for label, value in facts.items():
        print(f"{_filled(printable(label), width)}  {_word(value)}".rstrip())


def print_rows(title: str, rows: list[dict[str, Any]]) -> None:
    """A table; the first row's keys are the columns. Nothing is cut: where a terminal is too narrow for the table, each row is
    printed as lines of label and value."""
    print(printable(title))
    names = [printable(name) for name in rows[0]] if rows else []
    cells = [[_word(value) for value in row.values()] for row in rows]
    widths = [max(cell_len(text) for text in column) for column in zip(names, *cells, strict=True)]
    if sys.stdout.isatty() and sum(widths) + GAP * (len(widths) - 1) > shutil.get_terminal_size().columns:
        label = max(map(cell_len, names))
        for row in cells:
            print()
            for name, text in zip(names, row, strict=True):
                print(f"{_filled(name, label)}  {text}".rstrip())
        return
    for line in [names, *cells] if names else []:
        print((" " * GAP).join(_filled(text, width) for text, width in zip(line, widths, strict=True)).rstrip())


def _filled(text: str, width: int) -> str:
    """With spaces to a width in the terminal's cells."""
    return text + " " * (width - cell_len(text))


def training_facts(model: dict[str, Any]) -> dict[str, Any]:
    """The numbers of a model that a person wants to see first."""
    scores = model["metrics"]["ensemble"]
    return {
        "model": model["id"],
        **({"the same model as before": model["known_before"]} if model.get("known_before") else {}),
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
    if isinstance(value, dict):
        return ", ".join(f"{_word(k)} {_word(v)}" for k, v in value.items()) or "–"
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
