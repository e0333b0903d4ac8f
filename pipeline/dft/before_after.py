"""The ranking before and after DFT: which ranks moved, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from data.calculation import Calculation
from data.store.artifact import write_bytes
from pipeline.dft.decisive import outweighed, tesla_per_moment, with_moments
from pipeline.dft.plan import Plan
from pipeline.dft.queue import known
from pipeline.dft.verdict import Verdict, Word, verdict_of
from pipeline.export.chosen import originals
from pipeline.report.assets import page_environment, style_policy
from pipeline.screening.csvsafe import csv_safe
from pipeline.screening.profiles import Profile
from pipeline.screening.ranking import in_order
from pipeline.screening.screened import Screened

REPORT_FILE, RANKING_FILE = "before_after.html", "ranking_after_dft.csv"
_HERE = Path(__file__).parent
Result = tuple[Plan, Verdict, Calculation]


def write_report(run: Screened, ranking: pd.DataFrame, profile: Profile, plans: list[Plan], out: Path) -> list[dict[str, Any]]:
    """Write the ranking with the results in it, and a page of the candidates that were calculated.

    A result enters the ranking where the verdict is `confirmed` or `refuted`: an undecided candidate keeps its row.

    Args:
        run: the finished screen.
        ranking: its ranking.
        profile: whose score ranks it.
        plans: the candidates of the campaign, in the order of its queue.
        out: folder of results.

    Returns:
        A row for each candidate with a result: ranks before and after, predicted and calculated moment, verdict and reason.
    """
    judged = [result for one in plans if (result := _result(one, out)) is not None]
    decided = [result for result in judged if result[1].word is not Word.UNDECIDED]
    after = _reordered(ranking, profile, decided)
    place = dict(zip(after["rank_before"], after["rank"], strict=True))
    rows = [_row(one, verdict, lowest, int(place[one.chosen.row["rank"]])) for one, verdict, lowest in judged]
    write_bytes(out / RANKING_FILE, csv_safe(after).to_csv(index=False).encode())
    displaced = int((after["rank"] != after["rank_before"]).sum()) - sum(row["moved"] != 0 for row in rows)
    write_bytes(out / REPORT_FILE, render(run.manifest["id"], profile, rows, len(plans), displaced).encode("utf-8"))
    return rows


def render(run: str, profile: Profile, rows: list[dict[str, Any]], queued: int, displaced: int) -> str:
    """The page; everything foreign is escaped.

    Args:
        run: id of the screen.
        profile: whose score ranks it.
        rows: of the candidates with a result.
        queued: candidates of the campaign.
        displaced: other candidates whose rank changed.
    """
    style = (_HERE / "before_after.css").read_text(encoding="utf-8")
    return page_environment(_HERE).get_template("before_after.html.j2").render(
        style=Markup(style), run=run, profile=profile, rows=sorted(rows, key=lambda row: row["rank_before"]), queued=queued,
        displaced=displaced, policy=style_policy(style),
    )  # fmt: skip


def _result(one: Plan, out: Path) -> Result | None:
    """A candidate, the verdict on it and its lowest calculation; None where none is done."""
    found = {job.ordering: known(out, job) for job in one.jobs}
    done = [calculation for calculation in found.values() if calculation is not None and calculation.done]
    if not done:
        return None
    verdict = verdict_of({**found, **dict.fromkeys(one.too_large)}, one.less_likely)
    return one, verdict, min(done, key=lambda calculation: calculation.energy_per_atom)


def _reordered(ranking: pd.DataFrame, profile: Profile, decided: list[Result]) -> pd.DataFrame:
    """The ranking in its new order, with the rank that each row had, the verdict and the calculated moment (µB/atom).

    A result is that of all rows of its crystal, duplicates among them.
    """
    table = ranking.assign(rank_before=ranking["rank"], dft_verdict="", dft_moment=np.nan)
    if not decided:
        return table
    crystal = originals(ranking)
    position = {rank: k for k, rank in enumerate(ranking["rank"])}
    result = {crystal.iloc[position[one.chosen.row["rank"]]]: k for k, (one, _, _) in enumerate(decided)}
    places = np.flatnonzero(crystal.isin(list(result)))
    which = crystal.iloc[places].map(result).to_numpy(dtype=np.int64)
    tesla = tesla_per_moment([one.chosen for one, _, _ in decided])[which]
    moments = np.array([lowest.moment_per_atom for _, _, lowest in decided])[which]
    words = np.array([str(verdict.word) for _, verdict, _ in decided])[which]
    rows = with_moments(table.iloc[places], moments, tesla).assign(dft_verdict=words, dft_moment=moments)
    return in_order(pd.concat([table.drop(index=rows.index), rows]).sort_index(), profile)


def _row(one: Plan, verdict: Verdict, lowest: Calculation, after: int) -> dict[str, Any]:
    row, before = one.chosen.row, int(one.chosen.row["rank"])
    why = verdict.why
    if verdict.word is Word.UNDECIDED:
        why = f"{why}; the row stays as it was predicted"
    elif outweighed(pd.DataFrame([row]), np.array([lowest.moment_per_atom]))[0]:
        why = f"{why}; the order was measured, which counts more"
    return {
        "candidate_id": row["candidate_id"], "formula": row["formula"], "rank_before": before, "rank_after": after,
        "moved": before - after, "predicted_muB_per_atom": float(row["moment_muB_per_atom"]),
        "predicted_low": float(row["moment_low"]), "predicted_high": float(row["moment_high"]),
        "lowest": lowest.job.ordering, "lowest_muB_per_atom": lowest.moment_per_atom, "verdict": str(verdict.word), "why": why,
    }  # fmt: skip
