"""A campaign: the most decisive first, within a budget, stopped at any time, and a ranking with the results in it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data.calculation import Calculation, Job, Outcome, Status, calculations, read_calculation, write_calculation
from data.errors import UserError
from data.labels import TESLA_PER_MUB_PER_A3
from pipeline.dft.before_after import RANKING_FILE, REPORT_FILE
from pipeline.dft.budget import CUT_OFF, JOURNAL, Budget
from pipeline.dft.campaign import CAMPAIGN_FILE, Scope, campaign
from pipeline.dft.child import calculate
from pipeline.dft.cost import core_seconds, pace, valence_electrons
from pipeline.dft.decisive import expected_change, with_moments
from pipeline.dft.plan import Method
from pipeline.dft.queue import CALCULATED, LOGS
from pipeline.dft.settings import DftSettings
from pipeline.ops.progress import Quiet
from pipeline.screening.profiles import PROFILES
from pipeline.screening.screened import Screened
from tests.pipeline.dft.run_campaign import SCOPE
from tests.pipeline.dft.samples import TOY, planned, screened, starter

ROOT = Path(__file__).resolve().parents[3]
PROFILE = PROFILES["high-ms"]
RANKED = ("fcc-Ni", "bcc-Fe", "B2-FeCo", "C1b-NiMnSb")  # best first; the toy refutes nickel and confirms iron
P_FM = (0.55, 0.6, 0.9, 0.9)
WITHIN = 2.5  # times, between the model of costs and what was measured
MEASURED_S = {"bcc-Fe": 72.0, "C1b-NiMnSb": 241.0}  # docs/results/dft.md, of the ferromagnets
PATIENCE_S = 300.0


def ranked(folder: Path) -> Screened:
    """A finished screen with the columns that its profile reads."""
    run = screened(folder / "run", list(RANKED), profile=PROFILE.name, formula=PROFILE.formula)
    sure = np.array([1.2, 1.1, 1.0, 0.9])
    table = run.ranking().assign(
        score=sure, saturation_sure_T=sure, saturation_T=sure, saturation_dft_T=1.5 * sure, p_magnetic=0.98, moment_std=0.3,
        p_ferromagnetic=P_FM, p_ferrimagnetic=0.0,
    )  # fmt: skip
    table.to_parquet(run.folder / "ranking.parquet")
    return Screened(run.folder, run.manifest)  # a run reads its ranking once


def started(run: Screened, folder: Path, code: str = "Toy", core_hours: float = 1.0, scope: Scope = SCOPE) -> dict[str, Any]:
    method = Method(TOY + code, DftSettings())
    return campaign(run, scope, method, 60.0, 2, core_hours, folder / "out", folder / "home", Quiet())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("campaign")


@pytest.fixture(scope="module")
def done(folder: Path) -> dict[str, Any]:
    return started(ranked(folder), folder)


def test_ranks_move_by_the_results(done: dict[str, Any], folder: Path) -> None:
    found = {row["candidate_id"]: row for row in done["moved"]}
    assert {name: row["verdict"] for name, row in found.items()} == {"fcc-Ni": "refuted", "bcc-Fe": "confirmed"}
    assert (found["fcc-Ni"]["rank_before"], found["fcc-Ni"]["rank_after"]) == (1, 4), "without a net moment it has no score"
    assert (found["bcc-Fe"]["rank_before"], found["bcc-Fe"]["rank_after"]) == (2, 1)
    table = pd.read_csv(folder / "out" / RANKING_FILE, keep_default_na=False)
    assert table["candidate_id"].to_list() == ["bcc-Fe", "B2-FeCo", "C1b-NiMnSb", "fcc-Ni"]
    iron = starter()["bcc-Fe"]
    assert table["saturation_T"][0] == pytest.approx(5.0 * TESLA_PER_MUB_PER_A3 * iron.n_sites / iron.volume, rel=1e-6)
    assert table["dft_verdict"].to_list() == ["confirmed", "", "", "refuted"]
    page = (folder / "out" / REPORT_FILE).read_text()
    for said in ("2 of 2 candidates of the campaign have a result", "2 other candidates moved", "Content-Security-Policy"):
        assert said in page


def test_a_result_is_that_of_all_duplicates(tmp_path: Path) -> None:
    """And a spreadsheet runs no id of the ranking as a formula."""
    run = ranked(tmp_path)
    table = run.ranking()
    first, second = table.iloc[:1], table.iloc[1:2]
    same = first.assign(candidate_id="=1+1", duplicate_of="fcc-Ni", rank=5)
    other = second.assign(candidate_id="b", duplicate_of="bcc-Fe", rank=6)
    pd.concat([table, same, other]).reset_index(drop=True).to_parquet(run.folder / "ranking.parquet")
    found = started(Screened(run.folder, run.manifest), tmp_path)
    assert {row["candidate_id"] for row in found["moved"]} == {"fcc-Ni", "bcc-Fe"}, "each crystal is calculated once"
    after = pd.read_csv(tmp_path / "out" / RANKING_FILE, keep_default_na=False).set_index("candidate_id")
    assert after["dft_verdict"].to_dict() == {
        "bcc-Fe": "confirmed", "b": "confirmed", "fcc-Ni": "refuted", "'=1+1": "refuted", "B2-FeCo": "", "C1b-NiMnSb": "",
    }  # fmt: skip
    assert after["rank"].to_dict()["'=1+1"] > 4 and after["saturation_T"]["b"] == after["saturation_T"]["bcc-Fe"]


def test_nothing_is_calculated_again(done: dict[str, Any], folder: Path) -> None:
    spent = Budget(0.0, folder / "out").spent()
    again = started(Screened(folder / "run", json.loads((folder / "run" / "manifest.json").read_text())), folder)
    assert (again["calculated"], again["not_finished"], again["moved"]) == (0, 0, done["moved"])
    assert [one["candidate_id"] for one in again["queue"]] == [one["candidate_id"] for one in done["queue"]]
    assert again["core_hours_to_do"] == 0.0 and Budget(0.0, folder / "out").spent() == spent


def test_another_campaign_in_the_folder_is_refused(done: dict[str, Any], folder: Path) -> None:
    run = Screened(folder / "run", json.loads((folder / "run" / "manifest.json").read_text()))
    with pytest.raises(UserError, match="holds a campaign with another top"):
        started(run, folder, scope=Scope(top=3, max_sites=4))
    (folder / "broken").mkdir()
    (folder / "broken" / CAMPAIGN_FILE).write_text("{")
    with pytest.raises(UserError, match="cannot be read"):
        campaign(
            run, SCOPE, Method(TOY + "Toy", DftSettings()), 60.0, 1, 1.0, folder / "broken", folder / "home", Quiet()
        )  # fmt: skip


def test_parts_share_the_queue(tmp_path: Path) -> None:
    """Two machines, each its part; nothing is calculated with no core-hours."""
    run, queues = ranked(tmp_path), []
    for part in (1, 2):
        place = tmp_path / str(part)
        place.mkdir()
        queues.append(started(run, place, core_hours=0.0, scope=Scope(4, 8, part, 2)))
    names = [[one["candidate_id"] for one in queue["queue"]] for queue in queues]
    assert sorted(names[0] + names[1]) == sorted(RANKED) and all(queue["calculated"] == 0 for queue in queues)
    whole = started(run, tmp_path, core_hours=0.0, scope=Scope(4, 8))
    assert [one["candidate_id"] for one in whole["queue"]][::2] == names[0]


def test_a_killed_campaign_goes_on_in_the_same_order(tmp_path: Path) -> None:
    """Killed three times; each result is kept, and the order is that of the queue."""
    ranked(tmp_path)
    seen: list[str] = []
    for kill_after in (1, 2, 1, 0):
        command = [sys.executable, "-m", "tests.pipeline.dft.run_campaign", str(tmp_path), "Toy", str(kill_after)]
        ended = subprocess.run(command, cwd=ROOT, timeout=PATIENCE_S).returncode
        assert ended == (-signal.SIGKILL if kill_after else 0)
        new = [path for path in calculations(tmp_path / "out") if path.stem not in seen]
        assert not kill_after or len(new) == kill_after
        seen += [path.stem for path in sorted(new, key=lambda path: path.stat().st_mtime_ns)]
    queue = json.loads((tmp_path / "out" / CAMPAIGN_FILE).read_text())["queue"]
    plans = planned("Toy", *(starter()[name] for name in RANKED[:2]), max_sites=4)
    jobs = {one.chosen.row["candidate_id"]: one.jobs for one in plans}
    assert seen == [job.key for one in queue for job in jobs[one["candidate_id"]]]
    journal = [json.loads(line)["key"] for line in (tmp_path / "out" / JOURNAL).read_text().splitlines()]
    assert journal == seen


def test_ctrl_c_writes_down_the_time_and_leaves_no_process(tmp_path: Path) -> None:
    ranked(tmp_path)
    command = [sys.executable, "-m", "tests.pipeline.dft.run_campaign", str(tmp_path), "Endless", "0"]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + PATIENCE_S
    while not (told := [path.read_text() for path in (tmp_path / "out" / LOGS).glob("*.txt") if "process" in path.read_text()]):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE_S) != 0
    [line] = (tmp_path / "out" / JOURNAL).read_text().splitlines()
    assert json.loads(line)["key"] == CUT_OFF and json.loads(line)["seconds"] > 0
    with pytest.raises(ProcessLookupError):
        os.kill(int(told[0].split()[1]), 0)


def test_the_budget_ends_a_campaign_and_holds_over_its_starts(tmp_path: Path) -> None:
    run, hours = ranked(tmp_path), 4.0 / 3600
    first = started(run, tmp_path, "Endless", hours)
    assert first["calculated"] == 0 and first["not_finished"] > 0
    spent = Budget(0.0, tmp_path / "out").spent()
    assert spent >= 4.0
    began = time.monotonic()
    assert started(run, tmp_path, "Endless", hours)["calculated"] == 0
    assert Budget(0.0, tmp_path / "out").spent() == spent and time.monotonic() - began < PATIENCE_S
    assert not [one for one in map(read_calculation, calculations(tmp_path / "out")) if one.done]


def test_a_torn_line_of_the_journal_is_not_counted(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).write_text('{"key": "a", "seconds": 12.5}\n{"key": "b", "sec')
    assert Budget(20.0, tmp_path).spent() == 12.5 and Budget(20.0, tmp_path).left() == 7.5
    Budget(20.0, tmp_path).take("c", 2.0)
    Budget(20.0, tmp_path).take("d", 1.0)
    assert Budget(20.0, tmp_path).spent() == 15.5, "a line is not lost with the torn one before it"


def test_an_unsure_order_at_the_top_is_worth_more(tmp_path: Path) -> None:
    """Than a sure one, and than the same far below; nothing can change where nothing is open."""
    table = ranked(tmp_path).ranking()
    tesla = table["score"].to_numpy() / table["moment_muB_per_atom"].to_numpy()
    same_odds = table.assign(p_ferromagnetic=0.5, moment_std=0.0)
    change = expected_change(same_odds, PROFILE, range(4), tesla)
    np.testing.assert_allclose(change[0], 0.5 * (1.0 - 1.0 / np.log2(5.0)))  # the first place is lost in half the cases
    assert (np.diff(change) < 0).all() and change[3] == 0.0
    unsure = expected_change(table.assign(p_ferromagnetic=0.5), PROFILE, [0], tesla[:1])[0]
    sure = expected_change(table.assign(p_ferromagnetic=1.0), PROFILE, [0], tesla[:1])[0]
    assert unsure > sure
    settled = table.assign(p_ferromagnetic=1.0, moment_std=0.0)
    assert expected_change(settled, PROFILE, [0], tesla[:1])[0] == 0.0


def test_a_measured_order_outweighs_a_calculation_without_moment(tmp_path: Path) -> None:
    table = ranked(tmp_path).ranking().assign(order_basis=["measured", "predicted"] * 2, known_order="FM", p_fm_or_fim=1.0)
    after = with_moments(table, np.zeros(4), np.ones(4))
    assert after["saturation_T"].to_list() == [1.2, 0.0, 1.0, 0.0] and after["p_fm_or_fim"].to_list() == [1.0, 0.0, 1.0, 0.0]


@pytest.mark.parametrize("order", ["AFM", "NM"])
def test_no_calculation_makes_a_magnet_of_what_was_measured_to_be_none(tmp_path: Path, order: str) -> None:
    """A calculation gives YCo2 a moment; it was p_fm_or_fim of 1. To calculate such a crystal decides nothing."""
    table = ranked(tmp_path).ranking().assign(order_basis=["measured", "predicted"] * 2, known_order=order, p_fm_or_fim=0.02)
    before, after = table["saturation_T"].to_list(), with_moments(table, np.ones(4), np.ones(4))
    assert after["saturation_T"].to_list() == [before[0], 1.0, before[2], 1.0]
    assert after["p_fm_or_fim"].to_list() == [0.02, 1.0, 0.02, 1.0]
    change = expected_change(table, PROFILE, [0, 1], np.ones(2))
    assert change[0] == 0.0 < change[1]


@pytest.mark.parametrize("name", list(PROFILES))
def test_every_magnetisation_that_a_profile_reads_is_replaced(name: str) -> None:
    columns = [column for column in PROFILES[name].columns if column.startswith("saturation")]
    assert columns
    room = {column: [1.0] for column in ("saturation_300K_T", "saturation_300K_T_low", "saturation_300K_T_high")}
    curie = {"tc_K": [800.0], "tc_low_K": [700.0], "tc_high_K": [900.0]}
    rows = pd.DataFrame({**room, **curie, **{column: [1.0] for column in columns}})
    after = with_moments(rows, np.zeros(1), np.ones(1))
    assert (after[columns] == 0.0).all(axis=None)


@pytest.mark.parametrize("name", list(MEASURED_S))
def test_the_model_of_costs_against_measured_times(name: str) -> None:
    [one] = planned("Toy", starter()[name])
    assert 1 / WITHIN < core_seconds(one.jobs[0]) / MEASURED_S[name] < WITHIN
    assert all(core_seconds(job) > core_seconds(one.jobs[0]) for job in one.jobs if job.cell.n_sites > one.jobs[0].cell.n_sites)


def timed(folder: Path, jobs: Sequence[Job], times_the_model: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for job in jobs:
        outcome = replace(calculate(job), seconds=times_the_model * core_seconds(job))
        write_calculation(folder, Calculation(job, outcome))


def test_the_pace_is_that_of_what_is_done(tmp_path: Path) -> None:
    [one] = planned("Toy", starter()["bcc-Fe"])
    timed(tmp_path / "a", one.jobs[:2], 0.25)
    timed(tmp_path / "b", one.jobs[2:4], 0.25)
    timed(tmp_path / "b", one.jobs[5:], 40.0)  # waited for a core
    timed(tmp_path / "b", [replace(one.jobs[0], code=TOY + "Elastic")], 9.0)  # another code
    lost = Calculation(one.jobs[4], Outcome(Status.TIMEOUT, "ended", seconds=1e6))
    write_calculation(tmp_path / "b", lost)
    (tmp_path / "b" / f"{'0' * 32}.json").write_text("{")
    found = pace((tmp_path / "a", tmp_path / "b", tmp_path / "none"), TOY + "Toy")
    assert found.measured == 5 and found.factor == pytest.approx(0.25)
    assert found.core_seconds(one.jobs) == pytest.approx(0.25 * sum(map(core_seconds, one.jobs)))
    assert pace((tmp_path / "none",), TOY + "Toy").factor == 1.0


def test_estimates_are_at_the_pace_of_the_machine(tmp_path: Path) -> None:
    """A quicker machine than the model's; what `calculate` did in the same home counts."""
    run = ranked(tmp_path)
    before = started(run, tmp_path, core_hours=0.0)
    assert before["pace_measured_on"] == 0 and before["core_hours_to_do"] == pytest.approx(hours(before), abs=2e-3)
    [one] = planned("Toy", starter()["C1b-NiMnSb"])
    timed(tmp_path / "home" / CALCULATED, one.jobs, 0.1)
    after = started(run, tmp_path, core_hours=0.0)
    assert after["pace_measured_on"] == len(one.jobs)
    assert hours(after) == pytest.approx(0.1 * hours(before), abs=2e-3) == after["core_hours_to_do"]


def hours(done: dict[str, Any]) -> float:
    return float(sum(one["core_hours"] for one in done["queue"]))


def test_valence_electrons() -> None:
    """Na, Al, Fe, Ge, Sb, Hf, Pt, Bi, He."""
    assert [valence_electrons(z) for z in (11, 13, 26, 32, 51, 72, 78, 83, 2)] == [1, 3, 8, 4, 5, 4, 10, 5, 2]
