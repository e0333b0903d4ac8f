"""Relaxed volumes: a scan of the ferromagnet, then the orderings where its energy is lowest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from data.calculation import AS_GIVEN, Calculation, Outcome, Status, calculations, read_calculation, write_calculation
from data.sources import Record
from data.sources.calculated import CalculatedSource
from flows.commands.calculating import show
from pipeline.dft.check import Selection, check
from pipeline.dft.plan import Method, Size
from pipeline.dft.settings import DftSettings, Limits
from pipeline.dft.volume import MORE, ROUGH_EV, SCANS, STEP, Placed, RelaxedVolume, Scan
from pipeline.ops.progress import Quiet
from pipeline.screening.screened import Screened
from tests.pipeline.dft.samples import TOY, bcc, planned, screened, starter
from tests.pipeline.dft.toy import EQUILIBRIUM_A3

LIMITS = Limits(each_s=60.0, whole_s=None, at_once=2)
EXACT = 1e-6  # relative: the toy's energy is the parabola that is fitted
IDS = ("bcc-Fe", "fcc-Co", "fcc-Ni")  # minimum within the scan, beyond its end, nowhere near it


def relaxed(run: Screened, folder: Path, limits: Limits = LIMITS, code: str = "Elastic", **asked: Any) -> dict[str, Any]:
    selection, method = replace(Selection(3, IDS, Size(2)), **asked), Method(TOY + code, DftSettings())
    return check(run, selection, method, limits, folder / "out", folder / "home", Quiet(), RelaxedVolume())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("relaxed")


@pytest.fixture(scope="module")
def done(folder: Path) -> dict[str, Any]:
    return relaxed(screened(folder / "run", list(IDS)), folder)


@pytest.fixture(scope="module")
def found(done: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {candidate["candidate_id"]: candidate for candidate in done["candidates"]}


def test_the_volume_of_lowest_energy(found: dict[str, dict[str, Any]]) -> None:
    for name, points in (("bcc-Fe", 3), ("fcc-Co", 5)):
        volume, crystal = found[name]["volume"], starter()[name]
        assert volume["given_A3"] == pytest.approx(crystal.volume / crystal.n_sites, rel=EXACT)
        assert volume["relaxed_A3"] == pytest.approx(EQUILIBRIUM_A3[name[4:]], rel=EXACT)
        assert len(volume["scan"]) == points
        orderings = found[name]["orderings"]
        assert len(orderings) > 1 and {one["status"] for one in orderings} == {"done"}


def test_no_minimum_is_no_verdict(found: dict[str, dict[str, Any]]) -> None:
    nickel = found["fcc-Ni"]
    assert (nickel["verdict"], nickel["orderings"], nickel["volume"]["relaxed_A3"]) == ("undecided", [], None)
    assert nickel["why"] == "no relaxed volume: the energy has no minimum from 0.94 to 1.18 times the given one"


def test_orderings_are_compared_at_the_relaxed_volume(folder: Path, done: dict[str, Any]) -> None:
    cells = [read_calculation(path).job for path in calculations(folder / "out")]
    assert {job.crystal.id for job in cells} == {"bcc-Fe", "fcc-Co"} and len(cells) > len(IDS)
    for job in cells:
        assert job.cell.volume / job.cell.n_sites == pytest.approx(EQUILIBRIUM_A3[job.crystal.id[4:]], rel=EXACT)


def test_labels_say_at_which_volume(folder: Path, done: dict[str, Any]) -> None:
    source = CalculatedSource(folder / "out")
    records = [item for shard in source.shards() for item in source.read(shard)]
    assert len(records) == 2, "a scan is no label"
    iron = next(one for one in records if isinstance(one, Record) and one.crystal.id == "bcc-Fe")
    assert iron.crystal.volume == pytest.approx(EQUILIBRIUM_A3["Fe"], rel=EXACT)
    scale = EQUILIBRIUM_A3["Fe"] / starter()["bcc-Fe"].volume
    assert iron.label is not None
    assert f"but scaled to {scale:.4f} times its volume, where a scan of the ferromagnet" in iron.label.provenance


def test_again_nothing_is_calculated(folder: Path, done: dict[str, Any]) -> None:
    again = relaxed(screened(folder / "again", list(IDS)), folder)
    assert again["calculated"] == 0 and again["candidates"] == done["candidates"]


def test_what_a_person_sees(done: dict[str, Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    show(done)
    said = capsys.readouterr().out
    change = EQUILIBRIUM_A3["Co"] / starter()["fcc-Co"].volume - 1
    for words in ("Volumes of the ferromagnets", f"{change:+.1%}", "no relaxed volume"):
        assert words in said


def test_out_of_time_in_the_scan(tmp_path: Path) -> None:
    done = relaxed(screened(tmp_path / "run", list(IDS)), tmp_path, limits=replace(LIMITS, whole_s=0.0))
    assert (done["calculated"], done["out_of_time"]) == (0, 3 * len(IDS))
    assert {one["why"] for one in done["candidates"]} == {"no relaxed volume: no result at 0.94, 1.00, 1.06 times the given one"}


def test_a_scan_keeps_its_mesh() -> None:
    job = planned("Elastic", starter()["C1b-NiMnSb"])[0].jobs[0]
    scan, mesh = Scan(job), DftSettings(**job.settings).mesh(job.cell.lattice)
    for k in range(-1 - MORE, 2 + MORE):
        at = scan.at(1.0 + STEP * k)
        assert DftSettings(**at.settings).mesh(at.cell.lattice) == mesh, k
        assert at.cell.volume == pytest.approx((1.0 + STEP * k) * job.cell.volume, rel=EXACT)
        assert at.geometry != AS_GIVEN


@pytest.mark.parametrize(("above_eV", "doubted"), [(0.9 * ROUGH_EV, False), (1.1 * ROUGH_EV, True)])
def test_two_magnetic_states_are_noticed(above_eV: float, doubted: bool) -> None:
    [plan] = planned("Elastic", bcc(26))
    placed = Placed(plan, {}, scan_lowest_eV=-8.0)
    ferromagnet = Calculation(plan.jobs[0], Outcome(Status.DONE, "", "toy 1", -8.0 + above_eV, 2.2, (2.2,)))
    assert bool(placed.doubt(ferromagnet)) is doubted and placed.doubt(None) == ""


def test_a_collapse_between_the_volumes_leaves_it_undecided(tmp_path: Path) -> None:
    """The scan's energies are another state's than the one that the relaxed ferromagnet ends in."""
    run = screened(tmp_path / "run", ["bcc-Fe"])
    job = planned("Elastic", starter()["bcc-Fe"])[0].jobs[0]
    scan, scans = Scan(job), tmp_path / "out" / SCANS
    scans.mkdir(parents=True)
    for factor, energy in ((0.94, -8.20), (1.0, -8.21), (1.06, -8.2)):
        point = scan.at(factor)
        write_calculation(scans, Calculation(point, Outcome(Status.DONE, "", "toy 1", energy, 2.2, (2.2,))))
    [iron] = relaxed(run, tmp_path, ids=("bcc-Fe",))["candidates"]
    assert iron["verdict"] == "undecided" and "its energy is no parabola" in iron["why"]


def test_the_minimum_of_a_parabola(tmp_path: Path) -> None:
    """Against the closed form, for a minimum in either half of the scan."""
    scan = Scan(planned("Elastic", bcc(26))[0].jobs[0])
    for lowest in (0.98, 1.0, 1.02):
        for factor in (0.94, 1.0, 1.06):
            energy = float((factor ** (-2 / 3) - lowest ** (-2 / 3)) ** 2)
            write_calculation(tmp_path, Calculation(scan.at(factor), Outcome(Status.DONE, "", "toy 1", energy, 2.2, (2.2,))))
        assert scan.factor(tmp_path) == pytest.approx(lowest, rel=EXACT)
        assert scan.next(tmp_path) is None
