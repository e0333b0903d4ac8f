"""Compares two models with DFT on the same candidates: the small model of `ferroscreen run` and the shipped one."""

from __future__ import annotations

from pipeline.report.content import SecondOpinion
from pipeline.screening.previous import read_run
from pipeline.screening.screened import Screened

SECOND_FOLDER = "shipped"  # in a run's folder: the same candidates, screened with the shipped model


def second_opinion(screened: Screened) -> SecondOpinion | None:
    """The predictions of the second screen in a run's folder; None if there is none, or no DFT moment is known."""
    folder = screened.folder / SECOND_FOLDER
    if not (folder / "manifest.json").is_file():
        return None
    other = Screened(folder, read_run(folder / "manifest.json"))
    if other.manifest["input"] != screened.manifest["input"]:  # left by an earlier run in the same folder
        return None
    mine, theirs = screened.ranking(), other.ranking()
    if "moment_dft" not in mine:
        return None
    rows = mine[["candidate_id", "formula", "moment_dft", *_WORDS]].merge(
        theirs[["candidate_id", *_WORDS]], on="candidate_id", suffixes=("", "_other")
    )
    rows = rows.dropna(subset=["moment_dft"]).sort_values("moment_dft", ascending=False, kind="stable", ignore_index=True)
    return None if rows.empty else SecondOpinion(screened.manifest["model"], other.manifest["model"], rows)


_WORDS = ["moment_muB_per_atom", "moment_low", "moment_high"]
