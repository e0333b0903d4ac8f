"""The queue with real child processes: what dies, hangs or refuses costs itself only, and nothing is done twice."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from data.calculation import Calculation, Job, Status, calculation_file, calculations, read_calculation
from pipeline.dft.queue import LOGS, known, to_do, work_off
from pipeline.dft.settings import Limits
from tests.pipeline.dft.kill_in_queue import jobs as the_same_jobs
from tests.pipeline.dft.samples import bcc, planned

pytestmark = [pytest.mark.integration, pytest.mark.slow]  # processes that are killed

ROOT = Path(__file__).resolve().parents[3]
PATIENT = Limits(each_s=60.0, whole_s=None)
HASTY = Limits(each_s=4.0, whole_s=None)
DEATH_S = 10.0  # for the operating system to clear up


def iron(code: str) -> list[Job]:
    """The ferromagnet of one site and two antiferromagnets of two."""
    [plan] = planned(code, bcc(26), max_sites=2)
    return list(plan.jobs)


def statuses(folder: Path, jobs: list[Job]) -> list[Status | None]:
    found = [known(folder, job) for job in jobs]
    return [None if one is None else one.outcome.status for one in found]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in calculations(folder)}


def is_alive(process: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_results_are_there_one_by_one(tmp_path: Path) -> None:
    jobs, there = iron("Toy"), []
    left = work_off(jobs, tmp_path, PATIENT, lambda _: there.append(len(calculations(tmp_path))))
    assert left == [] and there == [1, 2, 3]
    ferromagnet, *others = [read_calculation(calculation_file(tmp_path, job.key)) for job in jobs]
    assert ferromagnet.outcome.site_muB == (5.0,) and ferromagnet.outcome.program == "toy 1"
    assert all(one.energy_per_atom > ferromagnet.energy_per_atom and one.outcome.total_muB == 0.0 for one in others)
    assert to_do(tmp_path, jobs, PATIENT) == []


def test_as_many_at_once_as_told(tmp_path: Path) -> None:
    """A calculation that has begun has a log: side by side, all three have one before the first has ended."""
    for at_once, begun in ((1, [1, 2, 3]), (2, [2, 3, 3]), (3, [3, 3, 3])):
        folder, logs = tmp_path / str(at_once), list[int]()
        work_off(iron("Toy"), folder, Limits(60.0, None, at_once), lambda _, f=folder, n=logs: n.append(_logs(f)))
        assert logs[0] == begun[0] and logs[-1] == begun[-1] and (at_once > 1 or logs == begun)


def test_a_calculation_that_dies_costs_only_itself(tmp_path: Path) -> None:
    jobs = iron("DiesOnPairs")
    work_off(jobs, tmp_path, PATIENT, lambda _: None)
    assert statuses(tmp_path, jobs) == [Status.DONE, Status.LOST, Status.LOST]
    lost = known(tmp_path, jobs[1])
    assert lost is not None and lost.outcome.detail == "ended by SIGKILL; about to run out of memory"
    assert to_do(tmp_path, jobs, PATIENT) == jobs[1:], "it may have been the machine's fault: tried again"


def test_a_calculation_that_hangs_is_ended(tmp_path: Path) -> None:
    jobs = iron("HangsOnPairs")
    began = time.monotonic()
    work_off(jobs, tmp_path, HASTY, lambda _: None)
    assert time.monotonic() - began < 10 * HASTY.each_s
    assert statuses(tmp_path, jobs) == [Status.DONE, Status.TIMEOUT, Status.TIMEOUT]
    assert to_do(tmp_path, jobs, HASTY) == [], "the same time would not suffice again"
    assert to_do(tmp_path, jobs, PATIENT) == jobs[1:]


def test_the_time_for_all(tmp_path: Path) -> None:
    jobs = iron("HangsOnPairs")
    left = work_off(jobs, tmp_path, Limits(each_s=60.0, whole_s=5.0), lambda _: None)
    assert left == jobs[1:]
    assert statuses(tmp_path, jobs) == [Status.DONE, None, None], "what was cut off is no result: it goes on the next time"
    assert work_off(jobs, tmp_path / "none", Limits(60.0, 0.0), lambda _: None) == jobs


@pytest.mark.parametrize(
    ("code", "status", "words", "again"),
    [
        ("Refuses", Status.FAILED, "FileNotFoundError: no data set for this element", True),
        ("NeverConverges", Status.UNCONVERGED, "SCFError: 150 steps were not enough", False),
        ("NoSuchCode", Status.FAILED, "has no attribute 'NoSuchCode'", True),
    ],
)
def test_what_a_code_says_is_kept(tmp_path: Path, code: str, status: Status, words: str, again: bool) -> None:
    jobs = iron(code)[:1]
    work_off(jobs, tmp_path, PATIENT, lambda _: None)
    found = known(tmp_path, jobs[0])
    assert found is not None and found.outcome.status is status and words in found.outcome.detail
    assert to_do(tmp_path, jobs, PATIENT) == (jobs if again else [])


def test_a_second_calculator_is_used_where_the_first_does_not_converge(tmp_path: Path) -> None:
    slow, quick = iron("ConvergesSlowly")[0], iron("Toy")[0]
    work_off([slow, quick], tmp_path, PATIENT, lambda _: None)
    found, straight = known(tmp_path, slow), known(tmp_path, quick)
    assert found is not None and straight is not None and found.done
    assert found.outcome.energy_eV == straight.outcome.energy_eV
    assert "60 steps were not enough" in (tmp_path / LOGS / f"{slow.key}.txt").read_text()


def test_after_a_kill_the_rest_is_done_and_nothing_twice(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.pipeline.dft.kill_in_queue", str(tmp_path), "Toy", "3"]
    killed = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=120)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    before, jobs = contents(tmp_path), the_same_jobs("Toy")
    assert len(before) == 3 < len(jobs)
    left = to_do(tmp_path, jobs, PATIENT)
    assert [job.key for job in left] == [job.key for job in jobs[3:]]
    done: list[Calculation] = []
    work_off(left, tmp_path, PATIENT, done.append)
    after = contents(tmp_path)
    assert len(after) == len(jobs) and len(done) == len(jobs) - 3
    assert {name: after[name] for name in before} == before


def test_a_killed_queue_leaves_no_calculation_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.pipeline.dft.kill_in_queue", str(tmp_path), "Endless", "1"]
    queue = subprocess.Popen(command, cwd=ROOT)
    try:
        child = _child(tmp_path)
        assert is_alive(child)
    finally:
        queue.kill()
        queue.wait()
    until = time.monotonic() + DEATH_S
    while is_alive(child) and time.monotonic() < until:
        time.sleep(0.05)
    assert not is_alive(child)
    assert calculations(tmp_path) == []


def test_a_damaged_result_is_no_result(tmp_path: Path) -> None:
    jobs = iron("Toy")
    work_off(jobs, tmp_path, PATIENT, lambda _: None)
    path = calculation_file(tmp_path, jobs[1].key)
    whole = path.read_bytes()
    changed = {**json.loads(whole), "start_muB": [1.0, 1.0]}
    for content in (b"", whole[: len(whole) // 2], json.dumps(changed).encode(), json.dumps({"format": 99}).encode()):
        path.write_bytes(content)
        assert to_do(tmp_path, jobs, PATIENT) == [jobs[1]]
    work_off([jobs[1]], tmp_path, PATIENT, lambda _: None)
    again = json.loads(path.read_bytes())
    assert {**again, "seconds": 0} == {**json.loads(whole), "seconds": 0}


def test_a_key_is_the_calculation_and_nothing_else() -> None:
    job = iron("Toy")[0]
    renamed = planned("Toy", replace(bcc(26), id="another name"))[0].jobs[0]
    assert (renamed.key, renamed.comparison) == (job.key, job.comparison) and renamed.crystal.id == "another name"
    wider, cobalt = (planned("Toy", crystal)[0].jobs[0] for crystal in (bcc(26, a=2.8501), bcc(27)))
    finer = replace(job, settings={**job.settings, "cutoff_eV": 500.0})
    others = [iron("Refuses")[0], wider, cobalt, finer, iron("Toy")[1]]
    assert len({job.key, *(other.key for other in others)}) == 1 + len(others)
    assert len({one.comparison for one in iron("Toy")}) == 1
    assert len({job.comparison, *(other.comparison for other in others[:4])}) == 5


def _logs(folder: Path) -> int:
    return len(list((folder / LOGS).iterdir()))


def _child(folder: Path) -> int:
    """The process of the calculation that is under way, as it says in its log."""
    until = time.monotonic() + 60.0
    while time.monotonic() < until:
        said = [re.match(r"process (\d+)\n", log.read_text()) for log in (folder / LOGS).glob("*.txt")]
        if said and said[0]:
            return int(said[0][1])
        time.sleep(0.05)
    raise AssertionError("no calculation began")
