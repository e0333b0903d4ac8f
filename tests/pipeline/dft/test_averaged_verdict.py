"""Verdicts on disordered candidates: the rule, and the way from a screen through calculations of a toy magnet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from data.calculation import Calculation, write_calculation
from data.symmetry import SYMPREC_A
from flows.commands.calculating import show
from pipeline.dft.averaged_verdict import CalculatedApproximant, averaged_verdict
from pipeline.dft.check import Selection, check
from pipeline.dft.child import calculate
from pipeline.dft.plan import Method, Plan, Size, plan
from pipeline.dft.settings import DftSettings, Limits
from pipeline.dft.verdict import Word
from pipeline.export.chosen import read_again
from pipeline.ops.progress import Quiet
from pipeline.screening.screen import Screened
from tests.pipeline.dft.samples import TOY, screened_alloy

YES, NO, OPEN = Word.CONFIRMED, Word.REFUTED, Word.UNDECIDED
SITES = 40  # more than a cell of the tests has
NO_TIME = Limits(each_s=60.0, whole_s=0.0, at_once=1)  # what is not known stays so
SAME = 1e-9
METHOD = Method(TOY + "Toy", DftSettings())


@pytest.mark.parametrize(
    ("shares", "words", "expected", "told"),
    [
        ((0.5, 0.5), (YES, YES), YES, "confirmed in 2 of 2 approximants (100% of the atoms)"),
        ((0.6, 0.4), (YES, NO), YES, "confirmed in 1 of 2 approximants (60% of the atoms); refuted in 1 of 2"),
        ((0.6, 0.4), (NO, YES), NO, "refuted in 1 of 2 approximants (60% of the atoms)"),
        ((0.6, 0.4), (YES, OPEN), YES, "undecided in 1 of 2 approximants (40% of the atoms)"),
        ((0.5, 0.5), (YES, NO), OPEN, "confirmed in 1 of 2"),
        ((0.1, 0.1, 0.2, 0.1, 0.5), (YES, YES, YES, YES, NO), OPEN, "confirmed in 4 of 5 approximants (50% of the atoms)"),
        ((0.4, 0.3, 0.3), (YES, NO, OPEN), OPEN, "confirmed in 1 of 3"),
        ((1.0,), (OPEN,), OPEN, "undecided in 1 of 1 approximants (100% of the atoms)"),
    ],
)
def test_the_rule(shares: tuple[float, ...], words: tuple[Word, ...], expected: Word, told: str) -> None:
    found = averaged_verdict([CalculatedApproximant(share, word, None) for share, word in zip(shares, words, strict=True)])
    assert found.word is expected and told in found.why


def plans_of(run: Screened) -> list[Plan]:
    chosen, left_out = read_again(run, run.ranking())
    assert not left_out
    return sorted(plan(chosen, SYMPREC_A, METHOD, Size(SITES), False), key=lambda one: one.chosen.approximant)


def calculated(plans: list[Plan], out: Path) -> list[float]:
    """Calculate all orderings in this process; the moment of the lowest one of each plan, µB/atom."""
    lowest = []
    out.mkdir(exist_ok=True)
    for one in plans:
        done = [Calculation(job, calculate(job)) for job in one.jobs]
        for calculation in done:
            write_calculation(out, calculation)
        lowest.append(min(done, key=lambda c: c.energy_per_atom).moment_per_atom)
    return lowest


def checked(run: Screened, folder: Path) -> dict[str, Any]:
    return check(run, Selection(1, (), Size(SITES)), METHOD, NO_TIME, folder / "out", folder / "home", Quiet())


def test_the_mean_over_all_approximants(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    """By the toy's couplings, iron and cobalt are ferromagnets in every approximant."""
    run = screened_alloy(tmp_path, "Co")
    plans = plans_of(run)
    first, second = calculated(plans, tmp_path / "out")
    shares = [one.chosen.share for one in plans]
    done = checked(run, tmp_path)
    [found] = done["disordered"]
    assert done["out_of_time"] == 0 and sorted(one["approximant"] for one in done["candidates"]) == [1, 2]
    assert (found["candidate_id"], found["verdict"], found["approximants"], found["decided"]) == ("alloy", "confirmed", 2, 2)
    assert found["moment_muB_per_atom"] == pytest.approx(shares[0] * first + shares[1] * second, abs=SAME)
    assert found["spread_muB_per_atom"] == pytest.approx(abs(first - second) / 2**0.5, abs=SAME)
    assert (found["predicted_muB_per_atom"], found["share_decided"]) == (1.5, pytest.approx(1.0))
    monkeypatch.setenv("COLUMNS", "220")
    show(done)
    said = capsys.readouterr().out
    assert "alloy (approximant 2)" in said and "2 of 2 decided" in said and f"{found['moment_muB_per_atom']:.2f} ±" in said


def test_antiparallel_neighbours_refute(tmp_path: Path) -> None:
    """Manganese in the toy prefers antiparallel neighbours, so that an ordering with a smaller moment is lower."""
    run = screened_alloy(tmp_path, "Mn")
    calculated(plans_of(run), tmp_path / "out")
    assert checked(run, tmp_path)["disordered"][0]["verdict"] == "refuted"


def test_one_approximant_of_two_decides_nothing(tmp_path: Path) -> None:
    run = screened_alloy(tmp_path, "Co")
    plans = plans_of(run)
    small = min(plans, key=lambda one: one.chosen.share)
    [moment] = calculated([small], tmp_path / "out")
    done = checked(run, tmp_path)
    [found] = done["disordered"]
    assert done["out_of_time"] > 0 and (found["verdict"], found["decided"]) == ("undecided", 1)
    assert found["moment_muB_per_atom"] == pytest.approx(moment, abs=SAME) and found["spread_muB_per_atom"] is None
    assert found["share_decided"] == pytest.approx(small.chosen.share)
