"""The ranking as the page shows it: best first, columns that there are, numbers as they are sent to the browser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pipeline.report.columns import NO_ORDERING, ORDERING_PREFIX, PANEL, RANK, TABLE, TEXTS, Column, ordering_column
from pipeline.report.content import ReportContent
from pipeline.report.details import detail_columns, detail_texts
from pipeline.report.experiment import basis_codes, order_codes, temperature_basis_codes
from pipeline.report.pack import FARTHEST
from pipeline.report.text import LONGEST_FILE, visible
from pipeline.screening.columns import RankingColumn

LONGEST = {  # characters; anything else is cut after those of `visible`
    "candidate_id": 1000, "duplicate_of": 1000, "formula": 80, "known_dois": 320, "moment_explained": 320,
}  # fmt: skip
MEMBER_DIGITS = 4
HALF_WAY = 1e-6  # of a step of the shown digits; what floating point leaves


@dataclass(frozen=True)
class View:
    """`frame` has a row a candidate; its numbers are rounded as they are sent, its texts hold nothing invisible."""

    frame: pd.DataFrame
    table: tuple[Column, ...]  # in the table, from left to right
    numbers: tuple[Column, ...]  # all that are sent, those of the table first
    orderings: tuple[Column, ...]
    members: dict[str, str]  # column to the member's name
    details: dict[str, RankingColumn]  # column of texts to what it holds


def view(content: ReportContent) -> View:
    """Everything about the candidates that can be on the page."""
    ranking = content.ranking.sort_values("rank", kind="stable", ignore_index=True)
    frame = pd.DataFrame(index=ranking.index)
    for name in TEXTS:
        given = ranking[name] if name in ranking else pd.Series("", index=ranking.index)
        frame[name] = _texts(name, given.to_list())
    tesla = _tesla_per_moment(ranking)
    if "saturation_T_high" not in ranking:  # runs of before the net moment ranked that of DFT
        ranking = ranking.assign(saturation_T_high=pd.to_numeric(ranking["moment_high"], errors="coerce") * tesla)
    numeric = ranking.assign(
        tesla=tesla, dft=_known(ranking), order=order_codes(ranking), basis=basis_codes(ranking),
        tc_from=temperature_basis_codes(ranking),
    )  # fmt: skip
    orderings = tuple(
        next((known for known in TABLE if known.key == name), ordering_column(name))
        for name in sorted(map(str, ranking.columns))
        if name.startswith(ORDERING_PREFIX) and name not in NO_ORDERING
    )
    numbers: dict[str, Column] = {}
    for column in (RANK, *TABLE, *PANEL, *orderings):
        if column.key not in numeric or column.key in numbers:
            continue
        values = sent(numeric[column.key], column.sent, column.shown)
        if column.needed or np.isfinite(values).any():
            numbers[column.key] = column
            frame[column.key] = values
    frame["polymorphs"] = _polymorphs(frame)
    members = {f"member_{k}": name.removeprefix("member_") for k, name in enumerate(content.member_columns())}
    for k, name in enumerate(content.member_columns()):
        frame[f"member_{k}"] = sent(ranking[name], MEMBER_DIGITS)
    details = {f"detail_{k}": column for k, column in enumerate(detail_columns(ranking))}
    for name, detail in details.items():
        frame[name] = detail_texts(ranking[detail.name], detail.unit)
    table = tuple(column for column in TABLE if column.key in numbers and not _repeats(column, frame))
    return View(frame, table, tuple(numbers.values()), orderings, members, details)


def _polymorphs(frame: pd.DataFrame) -> pd.Series[str]:
    """What is said of other crystals of the same compound (web/rows.js says the same); empty where there is none."""
    alone = frame[frame["duplicate_of"] == ""]
    compound = alone.groupby("formula", sort=False)["formula"]
    others, place = compound.transform("size") - 1, alone.groupby("formula", sort=False).cumcount()
    first: pd.Series[str] = "also " + others.astype(str) + np.where(others > 1, " polymorphs", " polymorph")
    said: pd.Series[str] = first.where(place == 0, "polymorph").where(others > 0, "")
    return said.reindex(frame.index, fill_value="")


def sent(given: pd.Series[Any], digits: int, shown: int | None = None) -> pd.Series[float]:
    """Numbers as the page gets them.

    Args:
        given: numbers of a ranking.
        digits: after the point, of what is sent.
        shown: after the point, of what the page shows; fewer than `digits`. A number that rounding to `digits` puts half way
            between two of these goes one step back, else 0.03453 would be shown as 0.04 by way of 0.035.
    """
    exact = pd.to_numeric(given, errors="coerce").astype(np.float64)
    values = exact.round(digits)
    if shown is not None and shown < digits:
        half_way = ((values * 10.0**shown) % 1.0 - 0.5).abs() < HALF_WAY
        values = values.mask(half_way, values + np.sign(exact - values) * 10.0**-digits).round(digits)
    return values.where(values.abs() * 10.0**digits <= FARTHEST)


def _repeats(column: Column, frame: pd.DataFrame) -> bool:
    """Most profiles score by µ0·Ms at the lower end, which the table has already."""
    return column.key == "score" and frame["score"].equals(frame["saturation_T_low"])


def _texts(name: str, values: list[Any]) -> list[str]:
    """What is shown of each; of a text once, since few different ones stand in most columns."""
    known = {value: _text(name, value) for value in {value for value in values if type(value) is str}}
    return [known[value] if type(value) is str else _text(name, value) for value in values]


def _text(name: str, value: object) -> str:
    shown = visible(value, LONGEST.get(name, 160))
    if name == "source_file" and len(str(value)) > LONGEST_FILE:
        return "…" + visible(str(value)[1 - LONGEST_FILE :])
    return shown if name in ("candidate_id", "formula", "source_file") or value not in ("", None) else ""


def _tesla_per_moment(ranking: pd.DataFrame) -> pd.Series[float]:
    """µ0·Ms in T that each µB/atom makes in each crystal; it depends on the volume alone."""
    saturation = "saturation_dft_T" if "saturation_dft_T" in ranking else "saturation_T"  # older runs: that of the DFT moment
    moment, tesla = (pd.to_numeric(ranking[c], errors="coerce") for c in ("moment_muB_per_atom", saturation))
    return tesla / moment.where(moment > 0)


def _known(ranking: pd.DataFrame) -> pd.Series[float]:
    """The DFT moment of the source, or else that of the same crystal in the training data (µB/atom)."""
    found = pd.Series(np.nan, index=ranking.index)
    for name in ("moment_dft", "known_moment"):
        if name in ranking:
            found = found.fillna(pd.to_numeric(ranking[name], errors="coerce"))
    return found
