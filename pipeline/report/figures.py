"""The plots with what to see in them, in plain words."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from markupsafe import Markup

from data.labels import MAGNETIC_THRESHOLD
from data.store.artifact import text_hash
from pipeline.report import plots
from pipeline.report.content import ReportContent, SecondOpinion
from pipeline.report.experimentplots import order_reliability, temperature_parity
from pipeline.report.page_figure import PageFigure
from pipeline.report.pareto import moment_against_stability
from pipeline.report.periodic import BEST, candidate_map, error_map
from pipeline.report.plot_values import finite_columns
from pipeline.report.selectionplot import selection_trajectory
from pipeline.report.stated import stated_error_floor
from pipeline.report.svg import NARROW, WIDE, Sheet
from pipeline.report.text import count, number
from pipeline.report.workingplot import GOOD_KELVIN, GOOD_TESLA, saturation_against_tc

SMALLEST = 0.001  # µB/atom; labels are not known better
_NO_ROWS = pd.DataFrame(columns=["moment_dft", "moment_muB_per_atom", "moment_std"], dtype=float)


def candidate_figures(ranking: pd.DataFrame) -> list[PageFigure]:
    """What the candidates of a ranking look like as a whole."""
    return drawn(
        (
            "Magnetisation at work",
            both(partial(saturation_against_tc, ranking)),
            "Candidates that are more likely ferro- or ferrimagnets than not and magnetic at 300 K, without duplicates and those "
            f"set aside. A permanent magnet has to be in the shaded corner (Tc above {GOOD_KELVIN:.0f} K, µ0·Ms at 300 K above "
            f"{GOOD_TESLA:g} T); whether it is hard, nothing here says. Crosses are known magnets at their measured values.",
            True,
        ),
        (
            "The top of the ranking against DFT",
            both(partial(plots.truth_of_ranking, ranking)),
            "The best candidates from left to right: the bar is the 90 % interval, the dot the prediction, the "
            "open diamond the DFT moment where one is known. Nine in ten diamonds should lie on their bars. Heights "
            "need not fall from left to right, because the ranking counts magnetisation per volume and takes its "
            "lower bound.",
            True,
        ),
        (
            "How many candidates, and how strong",
            both(partial(plots.moment_histogram, ranking)),
            "Each step up the vertical axis is ten times more candidates. Filled: more likely magnetic than not. A "
            "filled hump far from zero is good news; an outline far from zero marks moments that the model itself "
            "doubts.",
            True,
        ),
        (
            "Magnetisation against stability",
            both(partial(moment_against_stability, ranking)),
            "Every candidate whose energy above the hull is known, up to 0.3 eV/atom. On the line lie those that no other "
            "candidate beats in both: left is more stable, up is more magnetisation that is sure.",
            True,
        ),
        (
            "What the best are made of",
            candidate_map(ranking),
            f"How many of the best {min(len(ranking), BEST):,} candidates hold each element.",
            True,
        ),
    )


def evaluation_figures(content: ReportContent) -> list[PageFigure]:
    """How good the model was on crystals it had never seen."""
    rows = content.evaluation if content.evaluation is not None else _NO_ROWS
    rows = rows[[name for name in _NO_ROWS.columns if name in rows]]
    values = rows.to_numpy(dtype=np.float64).tobytes().hex()
    told = (json.dumps(dict(facts), sort_keys=True) for facts in (content.metrics, content.experiment))
    key = text_hash(values, *rows.columns, *told)
    return list(_evaluation_figures(_Evaluated(key, rows, content.metrics, content.experiment)))


@dataclass(frozen=True)
class _Evaluated:
    """What the figures of an evaluation show; equal where `key` is, the hash of the rest."""

    key: str
    rows: pd.DataFrame = field(compare=False)
    metrics: Mapping[str, Any] = field(compare=False)
    experiment: Mapping[str, Any] = field(compare=False)


@lru_cache(maxsize=4)  # they take most of the time of a report, and a server's process writes many reports of one model
def _evaluation_figures(content: _Evaluated) -> tuple[PageFigure, ...]:
    evaluation, experiment = content.rows, content.experiment
    floor = stated_error_floor(evaluation)
    figures = drawn(
        (
            "Predicted against DFT",
            plots.predicted_against_dft(evaluation),
            f"{_typical_errors(evaluation)} Cells on the dashed line are right. Cells along the bottom are magnets "
            "that the model missed, cells along the left edge are false alarms; many of both are label noise.",
            False,
        ),
        (
            "Does the model know when it is wrong?",
            plots.error_against_spread(evaluation, floor),
            "Test rows sorted by the error that the model states for them. On the dashed line the stated error is as "
            "large as the true one; above it the model states too small an error." + _trust(evaluation, floor),
            False,
        ),
        (
            "Does the 90 % interval hold 90 %?",
            plots.coverage_by_bin(content.metrics.get("coverage_by_bin", ())),
            "For each range of predicted moment, the share of test rows whose DFT moment lay inside the interval. "
            "Dots should sit on the dashed line; the thin bar is the 95 % uncertainty of the share itself. The "
            "ranges on the right are the ones that matter for a magnet.",
            False,
        ),
        (
            "Do the probabilities come true?",
            plots.reliability(content.metrics.get("reliability", {})),
            "Test rows in ten groups of equal size by the probability that the model states, against the share of each group "
            "for which it came true. On the dashed line the stated probability is right; below it, it is too high. Most points "
            "of a good model lie in the two corners." + _calibration_errors(content.metrics.get("reliability", {})),
            False,
        ),
        (
            "Does P(FM or FiM) come true in experiments?",
            order_reliability(experiment.get("order", {}).get("reliability", ())),
            "Compositions of chemical systems that the model of the order had not seen, by the probability that it states, "
            "against the share that experiments found ferro- or ferrimagnetic. Bars are the 95 % uncertainty of the share.",
            False,
        ),
        (
            "Predicted against measured Curie temperature",
            temperature_parity(experiment.get("tc", {}).get("parity", {})),
            "Compositions of chemical systems that the model had not seen, counted in cells; hotter ones stand in the last row "
            f"and column. {_of_curie(experiment.get('tc', {}))}",
            False,
        ),
        (
            "How the descriptors were chosen",
            selection_trajectory(content.metrics.get("selection", {})),
            "Each dot is a small forest on a few descriptors, drawn by what earlier rounds found useful; it learned from "
            "training rows and was tested on training rows of other chemical systems.",
            False,
        ),
        (
            "Where the model errs",
            error_map(content.metrics.get("stratified_errors", {}).get("elements", {})),
            "The mean error of the test rows that hold each element. Empty fields have fewer than ten test rows. In a dark field "
            "the predictions are less certain: magnetic elements are darker than others because there is more to miss.",
            True,
        ),
    )
    return tuple(figures)


def second_figures(second: SecondOpinion | None) -> list[PageFigure]:
    """This model and another one beside DFT."""
    if second is None:
        return []
    truth = second.rows["moment_dft"]
    mine, theirs = ((second.rows[f"moment_muB_per_atom{of}"] - truth).abs().mean() for of in ("", "_other"))
    return drawn(
        (
            "Two models against DFT",
            both(partial(plots.two_against_dft, second.rows)),
            f"{count(len(truth))} crystals of chemical systems that this model never saw. Mean error: {number(mine, 3)} µB/atom "
            f"for this model, {number(theirs, 3)} µB/atom for the shipped one. The lines are the 90 % intervals.",
            True,
        ),
    )


def _calibration_errors(reliability: Mapping[str, Any]) -> str:
    """Stated minus found, on average, in words."""
    named = {plots.PROBABILITIES[name]: entry["calibration_error"] for name, entry in reliability.items()}
    return "".join(f" {name}: off by {number(error, 3)} on average." for name, error in named.items())


def rejection_figures(rejected: pd.DataFrame) -> list[PageFigure]:
    """Why crystals were rejected."""
    return drawn(
        (
            "Reasons for rejection",
            plots.rejected_by_reason(rejected),
            "Crystals that were read but not ranked. A single long bar often points to one export setting, not to bad crystals.",
            False,
        ),
    )


def both(draw_on: Callable[[Sheet], str | None]) -> tuple[str, str] | None:
    """The drawing on a wide and on a narrow sheet; None where there is nothing to draw."""
    wide, narrow = (draw_on(sheet) for sheet in (WIDE, NARROW))
    return None if wide is None or narrow is None else (wide, narrow)


def drawn(*entries: tuple[str, str | tuple[str, str] | None, str, bool]) -> list[PageFigure]:
    """Of (title, SVG or a wide and a narrow one, caption, wide) those that have something to show."""
    figures = []
    for title, svg, caption, wide in entries:
        if isinstance(svg, tuple):
            figures.append(PageFigure(title, Markup(svg[0]), caption, wide, Markup(svg[1])))
        elif svg is not None:
            figures.append(PageFigure(title, Markup(svg), caption, wide))
    return figures


def _typical_errors(evaluation: pd.DataFrame) -> str:
    truth, guess = finite_columns(evaluation, "moment_dft", "moment_muB_per_atom")
    if truth.size == 0:
        return ""
    said = f"{count(truth.size)} crystals from chemical systems the model never saw, nine in ten {_within(guess - truth, 0.9)}."
    magnetic = truth > MAGNETIC_THRESHOLD
    if not magnetic.any():
        return said
    wrong = (guess - truth)[magnetic]
    return f"{said} Of the {count(wrong.size)} magnetic ones half lie {_within(wrong, 0.5)}, nine in ten {_within(wrong, 0.9)}."


def _within(wrong: npt.NDArray[np.float64], share: float) -> str:
    return f"within {number(max(float(np.quantile(np.abs(wrong), share)), SMALLEST), 3)} µB/atom of DFT"


def _of_curie(scores: Mapping[str, Any]) -> str:
    """The Curie temperature's errors in words."""
    if "mae_K" not in scores:
        return ""
    return f"Mean error {number(scores['mae_K'], 0)} K, half lie within {number(scores.get('median_error_K'), 0)} K."


def _trust(evaluation: pd.DataFrame, floor: float) -> str:
    """What the page makes of stated errors, in numbers."""
    if not floor:
        return ""
    truth, guess, stated = finite_columns(evaluation, "moment_dft", "moment_muB_per_atom", "moment_std")
    below = stated < floor
    wrong = np.square(guess - truth)
    said = (
        f" The first point holds the {count(below.sum())} rows with a stated error below {floor:g} µB/atom, whose true error is "
        f"{number(np.sqrt(wrong[below].mean()), 3)}: the page never states a smaller error than {floor:g}."
    )
    if below.all():
        return said
    ratio = float(np.sqrt(wrong[~below].mean() / np.square(stated[~below]).mean()))
    return f"{said} Above that the true error is {number(ratio, 1)} times the stated one (root mean square)."
