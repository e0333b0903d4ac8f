"""Verdicts on energies and moments that are written down here, not calculated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from data.calculation import Calculation, Ended, Job, Outcome, Status
from pipeline.dft.verdict import Word, verdict_of
from tests.pipeline.dft.samples import bcc, planned

UP, DOWN = (2.0, 2.0), (2.0, -2.0)
NOTHING = (0.01, -0.02)
[PLAN] = planned("Toy", bcc(26))
PAIR = next(job for job in PLAN.jobs if job.ordering == "afm-q111")


def ended(meV_per_atom: float, sites: tuple[float, float]) -> Calculation:
    """A calculation of two sites with this energy and these moments."""
    return Calculation(PAIR, Outcome(Status.DONE, energy_eV=2 * meV_per_atom / 1000, total_muB=sum(sites), site_muB=sites))


def without(status: Status) -> Calculation:
    return Calculation(PAIR, Outcome(status, "why"))


@pytest.mark.parametrize(
    ("found", "word", "why"),
    [
        ({"fm": ended(0, UP), "afm": ended(5, DOWN)}, Word.CONFIRMED, "5.0 meV/atom below the next, afm"),
        ({"fm": ended(0, UP), "afm": ended(-5, DOWN)}, Word.REFUTED, "afm (as started, 0.00 µB/atom) is 5.0 meV/atom lower"),
        ({"fm": ended(0, UP), "afm": ended(0.9, DOWN)}, Word.UNDECIDED, "afm is as low as the ferromagnet, within 1 meV/atom"),
        ({"fm": ended(0, UP), "afm": ended(-0.9, DOWN)}, Word.UNDECIDED, "afm is as low as the ferromagnet, within 1 meV/atom"),
        (
            {"fm": ended(0, UP), "afm": ended(5, DOWN), "b": None}, Word.UNDECIDED,
            "no result of b (not calculated); of the others the ferromagnet is 5.0 meV/atom below the next, afm (as started)",
        ),
        ({"fm": ended(0, UP), "afm": ended(-0.9, DOWN), "b": None}, Word.UNDECIDED, "; of the others afm is as low"),
        ({"fm": ended(0, UP), "afm": ended(-5, DOWN), "b": None}, Word.REFUTED, "5.0 meV/atom lower"),
        ({"fm": ended(0, UP), "afm": without(Status.TIMEOUT)}, Word.UNDECIDED, "no result of afm (timeout)"),
        ({"fm": without(Status.LOST), "afm": ended(-5, DOWN)}, Word.UNDECIDED, "no result of fm (lost)"),
        ({"fm": ended(0, NOTHING), "afm": ended(0, NOTHING)}, Word.REFUTED, "no calculation ends with parallel moments"),
        ({"fm": ended(0, NOTHING), "afm": ended(-5, DOWN)}, Word.REFUTED, "no calculation ends with parallel moments"),
        ({"fm": ended(0, NOTHING), "afm": None}, Word.UNDECIDED, "no result of afm"),
        ({"fm": ended(0, UP), "afm": ended(0.1, UP)}, Word.CONFIRMED, "every ordering ends ferromagnetic"),
        ({"fm": ended(0, DOWN), "afm": ended(-5, UP)}, Word.CONFIRMED, "5.0 meV/atom below the next, fm"),
        ({"fm": None, "afm": None}, Word.UNDECIDED, "no result of fm (not calculated), afm (not calculated)"),
        ({}, Word.UNDECIDED, "nothing was calculated"),
    ],
)  # fmt: skip
def test_verdicts(found: dict[str, Any], word: Word, why: str) -> None:
    verdict = verdict_of(found)
    assert verdict.word is word and why in verdict.why, verdict


def test_a_confirmed_one_says_what_it_was_not_compared_with() -> None:
    low, high = ended(0, UP), ended(5, DOWN)
    confirmed = verdict_of({"fm": low, "afm": high}, ("afm-x4-1", "afm-x4-2"))
    assert confirmed.word is Word.CONFIRMED and confirmed.why.endswith("without 2 less likely orderings: afm-x4-1, afm-x4-2")
    refuted = {"fm": low, "afm": ended(-5, DOWN)}
    assert verdict_of(refuted, ("afm-x4-1",)) == verdict_of(refuted) and verdict_of(refuted).word is Word.REFUTED


def test_where_nothing_was_compared_nothing_is_confirmed() -> None:
    """MnNi, an antiferromagnet: the likeliest competitor of its ferromagnet ends as the ferromagnet."""
    both_ferromagnets = {"fm": ended(0, UP), "fim": ended(0.1, UP)}
    verdict = verdict_of(both_ferromagnets, ("afm-x4-1",))
    assert verdict.word is Word.UNDECIDED and "without 1 less likely orderings: afm-x4-1" in verdict.why
    assert verdict_of(both_ferromagnets).word is Word.CONFIRMED


@pytest.mark.parametrize(
    ("start", "left", "state"),
    [
        ((2.5, 2.5), (2.1, 2.2), Ended.FERROMAGNET),
        ((2.5, 2.5), (-2.1, -2.2), Ended.FERROMAGNET),
        ((2.5, -2.5), (2.1, 2.1), Ended.FERROMAGNET),
        ((2.5, -2.5), (-2.1, 2.1), Ended.AS_STARTED),
        ((2.5, 2.5), (2.1, -2.1), Ended.OTHER),
        ((2.5, 2.5), (0.05, -0.05), Ended.NONMAGNETIC),
        ((2.5, 0.0), (2.1, -0.4), Ended.FERROMAGNET),  # induced on a site that began without
        ((2.5, 2.5), (2.1, -0.04), Ended.FERROMAGNET),  # too small to point anywhere
    ],
)
def test_the_order_that_is_left(start: tuple[float, float], left: tuple[float, float], state: Ended) -> None:
    job = Job(PAIR.crystal, "any", PAIR.orderings, PAIR.cell, np.array(start), PAIR.code, PAIR.settings, False)
    assert Calculation(job, Outcome(Status.DONE, energy_eV=0.0, total_muB=sum(left), site_muB=left)).ended is state
