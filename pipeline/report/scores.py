"""The metrics as tables: the ensemble beside its members, and coverage by predicted moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.report.plot_values import moment_range
from pipeline.report.text import count, finite, number, visible

# key: heading, unit, digits
_KNOWN = {
    "mae": ("Mean abs. error", "µB/atom", 4),
    "mae_magnetic": ("… of magnetic rows", "µB/atom", 4),
    "rmse": ("RMS error", "µB/atom", 4),
    "r2": ("R²", "", 3),
    "auroc": ("AUROC, magnetic or not", "", 3),
    "average_precision": ("Average precision", "", 3),
    "precision_at_k": ("Precision at the top", "", 3),
    "coverage_90": ("Inside the 90 % interval", "", 3),
    "coverage_90_magnetic": ("… of magnetic rows", "", 3),
    "miscalibration_area": ("Miscalibration area", "", 3),
    "spearman_std_error": ("Rank correlation of stated and true error", "", 3),
    "n": ("Test rows", "", 0),
}
_EXPERIMENT = (  # key, heading, unit, digits
    ("rows", "Compositions", "", 0),
    ("auroc", "AUROC", "", 3),
    ("brier", "Brier score", "", 3),
    ("calibration_error", "Calibration error", "", 3),
    ("mae_K", "Mean abs. error", "K", 0),
    ("r2", "R²", "", 2),
    ("coverage", "Inside the 90 % interval", "", 3),
)
_OF_ZERO, _TOP = "mae_of_zero", "k"  # shown as a row of its own, and in the heading of the precision


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """Headings as (name, unit), and rows as (name, cells), everything ready to show."""

    headings: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


def score_table(metrics: Mapping[str, Any]) -> ScoreTable:
    """One line for the ensemble and one for each member; a column for every score that one of them has."""
    models = {name: dict(_scores(scores)) for name, scores in _models(metrics)}
    tops = {count(scores.pop(_TOP)) for scores in models.values() if _TOP in scores}
    of_zero = [(scores.pop(_OF_ZERO), scores.get("n")) for scores in models.values() if _OF_ZERO in scores]
    if of_zero:
        models["always 0 (no model)"] = {"mae": of_zero[0][0], "n": of_zero[0][1]}
    found = dict.fromkeys(key for scores in models.values() for key in scores)
    keys = [key for key in _KNOWN if key in found] + [key for key in found if key not in _KNOWN]
    return ScoreTable(
        headings=tuple(_heading(key, tops) for key in keys),
        rows=tuple((name, tuple(_cell(key, scores.get(key)) for key in keys)) for name, scores in models.items()),
    )


def experiment_scores(facts: Mapping[str, Any]) -> ScoreTable:
    """What the models of order and of transition temperatures reached on chemical systems that they had not seen."""
    order, tc, tn = (facts.get(name) or {} for name in ("order", "tc", "tn"))
    free = facts.get("tc_without_rare_earths") or {}
    lines = [
        ("Ferro- or ferrimagnet against antiferromagnet", order), ("Curie temperature", tc),
        ("Curie temperature without rare earths", free), ("Néel temperature", tn),
    ]  # fmt: skip
    bins = (facts.get("tc_coverage") or {}).get("bins") or {}
    named = {visible(name, 30).replace(" to inf K", " K and more"): row for name, row in bins.items()}
    lines += [(f"Curie temperature predicted at {name}", row) for name, row in named.items()]
    rows = tuple(
        (name, tuple(count(row.get(key)) if key == "rows" else number(row.get(key), digits) for key, _, _, digits in _EXPERIMENT))
        for name, row in lines
        if row
    )
    return ScoreTable(tuple((name, unit) for _, name, unit, _ in _EXPERIMENT), rows)


def coverage_rows(metrics: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Range of the predicted moment (µB/atom), test rows, and share inside the 90 % interval in percent."""
    return [
        (moment_range(entry), count(entry.get("n")), _percent(entry.get("coverage")))
        for entry in metrics.get("coverage_by_bin", ())
    ]


def _heading(key: str, tops: set[str]) -> tuple[str, str]:
    """Name and unit; a score that is not known by name is at least written in words."""
    if key == "precision_at_k" and len(tops) == 1:
        return f"Precision among the top {next(iter(tops))}", ""
    return _KNOWN[key][:2] if key in _KNOWN else (visible(key.replace("_", " "), 40), "")


def _models(metrics: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if metrics.get("ensemble"):
        yield "ensemble", metrics["ensemble"]
    for name, scores in metrics.get("members", {}).items():
        yield visible(name, 60), scores


def _scores(scores: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for key, value in scores.items():
        if isinstance(value, Mapping):
            yield from ((f"{key} {inner}", number) for inner, number in value.items())
        else:
            yield str(key), value


def _cell(key: str, value: object) -> str:
    return count(value) if key == "n" else number(value, _KNOWN.get(key, ("", "", 3))[2])


def _percent(share: object) -> str:
    known = finite(share)
    return number(None if known is None else 100 * known, 1)
