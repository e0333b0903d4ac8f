"""From a finished screen to verdicts, and from the results back to labelled crystals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from data.calculation import calculation_file, calculations, read_calculation, write_calculation
from data.errors import UserError
from data.rejection import Reason, Rejection
from data.snapshot import publish_snapshot
from data.sources import Record
from data.sources.calculated import CalculatedSource
from data.sources.opening import labelled_source
from data.sources.parquet import Columns
from flows.commands.calculating import show
from pipeline.dft.check import Selection, check
from pipeline.dft.plan import Method, Size
from pipeline.dft.queue import LOGS
from pipeline.dft.settings import DftSettings, Limits
from pipeline.ops.ledger import Ledger
from pipeline.ops.progress import Quiet
from pipeline.screening.screen import Screened
from tests.conftest import STARTER_ROWS
from tests.pipeline.dft.samples import TOY, bcc, calculated, planned, screened, starter

TOP = ["C1b-NiMnSb", "bcc-Fe", "fcc-Ni", "L21-CoMnSi"]
LIMITS = Limits(each_s=60.0, whole_s=None, at_once=2)


def checked(run: Screened, folder: Path, code: str = "Toy", limits: Limits = LIMITS, **asked: Any) -> dict[str, Any]:
    selection = replace(Selection(top=3, ids=(), size=Size(8)), **asked)
    return check(run, selection, Method(TOY + code, DftSettings()), limits, folder / "out", folder / "home", Quiet())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("checked")


@pytest.fixture(scope="module")
def done(folder: Path) -> dict[str, Any]:
    return checked(screened(folder / "run", TOP), folder)


def test_a_verdict_on_each_candidate(done: dict[str, Any]) -> None:
    """By the toy's couplings: parallel neighbours are lower for iron, antiparallel ones for nickel, and for Mn with Ni."""
    found = {candidate["candidate_id"]: candidate for candidate in done["candidates"]}
    assert list(found) == ["bcc-Fe", "fcc-Ni", "C1b-NiMnSb"], "of the first three the smallest first"
    assert {name: one["verdict"] for name, one in found.items()} == {
        "bcc-Fe": "confirmed", "fcc-Ni": "refuted", "C1b-NiMnSb": "refuted",
    }  # fmt: skip
    assert found["bcc-Fe"]["why"] == "the ferromagnet is 80.0 meV/atom below the next, afm-q100 (as started)"
    for one in found.values():
        energies = [ordering["above_lowest_meV_per_atom"] for ordering in one["orderings"]]
        assert min(energies) == 0.0 and one["orderings"][0]["ordering"] == "fm"
        assert (one["predicted_muB_per_atom"], one["predicted_low"], one["predicted_high"]) == (1.5, 1.0, 2.0)
    assert found["bcc-Fe"]["orderings"][0]["moment_muB_per_atom"] == 5.0
    assert (done["calculated"], done["known_before"], done["out_of_time"]) == (18, 0, 0)


def test_what_a_person_sees(done: dict[str, Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    lost = {"ordering": "fm", "status": "lost", "detail": "ended by SIGKILL; \x1b[31m"}
    show({**done, "out_of_time": 2, "candidates": [{**done["candidates"][0], "orderings": [lost]}, *done["candidates"][1:]]})
    said = capsys.readouterr().out
    for words in ("confirmed", "refuted", "meV/atom", "1.50 (1.00 to 2.00)", "the same command goes on there", "calculated:"):
        assert words in said
    assert "lost ended by SIGKILL; \\x1b[31m" in said and "\x1b[31m" not in said


def test_again_nothing_is_calculated(folder: Path, done: dict[str, Any]) -> None:
    before = {path.name: path.read_bytes() for path in calculations(folder / "out")}
    again = checked(screened(folder / "again", TOP), folder)
    assert (again["calculated"], again["known_before"]) == (0, 18) and again["candidates"] == done["candidates"]
    assert {path.name: path.read_bytes() for path in calculations(folder / "out")} == before
    entries = [(entry.job, entry.state, entry.parts) for entry in Ledger(folder / "home").entries()]
    assert entries == [("calculate", "done", 18), ("calculate", "done", 0)]


def test_out_of_time(tmp_path: Path) -> None:
    done = checked(screened(tmp_path / "run", TOP), tmp_path, limits=replace(LIMITS, whole_s=0.0))
    assert (done["calculated"], done["out_of_time"]) == (0, 18)
    assert {one["verdict"] for one in done["candidates"]} == {"undecided"}
    assert not calculations(tmp_path / "out") and not list((tmp_path / "out" / LOGS).iterdir())


def test_the_likeliest_orderings_only(tmp_path: Path) -> None:
    """The verdict says so, and the rest can be calculated later."""
    run = screened(tmp_path / "run", TOP)
    done = checked(run, tmp_path, size=Size(8, 3), ids=("bcc-Fe",))
    assert done["calculated"] == 3 and done["candidates"][0]["verdict"] == "confirmed"
    assert "without 3 less likely orderings: " in done["candidates"][0]["why"]
    more = checked(run, tmp_path, ids=("bcc-Fe",))
    assert (more["calculated"], more["known_before"]) == (3, 3) and "less likely" not in more["candidates"][0]["why"]


def test_too_large_cells(tmp_path: Path) -> None:
    run = screened(tmp_path / "run", TOP)
    done = checked(run, tmp_path, size=Size(4), ids=("bcc-Fe", "C1b-NiMnSb"))
    iron, alloy = done["candidates"]
    assert iron["verdict"] == "confirmed" and iron["too_large"] == []
    assert len(alloy["too_large"]) == 4 and "fim-Mn" not in alloy["too_large"], "those of six sites"
    assert alloy["verdict"] == "refuted", "what fits can refute"
    none = checked(run, tmp_path, size=Size(2), ids=("bcc-Fe", "C1b-NiMnSb"))["candidates"][1]
    assert (none["verdict"], none["why"]) == ("undecided", "its primitive cell has 3 sites: raise --max-sites")
    with pytest.raises(UserError, match=r"up to 1 sites \(their primitive cells have 1, 3\): raise --max-sites"):
        checked(run, tmp_path, size=Size(1), ids=("bcc-Fe", "C1b-NiMnSb"))


def test_mistakes(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not in the ranking: nobody"):
        checked(screened(tmp_path / "one", TOP), tmp_path, ids=("nobody",))
    with pytest.raises(UserError, match="withholds licensed structures; screen with --licensed-details"):
        checked(screened(tmp_path / "two", TOP, withheld=True), tmp_path)
    with pytest.raises(UserError, match="screen again"):
        checked(screened(tmp_path / "three", TOP, input="another"), tmp_path)
    assert not (tmp_path / "out").exists()


def test_results_are_labelled_crystals(folder: Path, done: dict[str, Any]) -> None:
    source = labelled_source(f"calculated:{folder / 'out'}", Columns())
    records = {item.crystal.id: item for shard in source.shards() for item in source.read(shard) if isinstance(item, Record)}
    assert set(records) == {"bcc-Fe", "fcc-Ni", "C1b-NiMnSb"}
    assert not any(record.licensed for record in records.values())
    iron, nickel = records["bcc-Fe"].label, records["fcc-Ni"].label
    assert iron is not None and (iron.moment_muB_per_cell, iron.ordering) == (5.0, "FM")
    assert nickel is not None and (nickel.moment_muB_per_cell, nickel.ordering) == (0.0, "AFM")
    [plan] = planned("Toy", starter()["fcc-Ni"])
    every = ", ".join(sorted(plan.jobs[0].orderings))
    assert f"toy 1, afm-q110 is the lowest of {every}; ended: as started" in nickel.provenance
    assert "cutoff_eV 400.0" in nickel.provenance and "PBE" in nickel.provenance
    snapshot = publish_snapshot(folder / "snapshots", source)
    assert snapshot.manifest["labelled"] == 3 and snapshot.manifest["quarantined"] == 0


def test_a_calculation_corrects_the_label_of_the_same_id(folder: Path, done: dict[str, Any]) -> None:
    """The starter set calls nickel a ferromagnet; the toy found an antiferromagnet."""
    both = labelled_source(f"calculated:{folder / 'out'},starter", Columns())
    snapshot = publish_snapshot(folder / "both", both)
    assert snapshot.manifest["crystals"] == STARTER_ROWS and snapshot.manifest["quarantined_by_reason"] == {"duplicate_id": 3}
    columns = snapshot.table(["material_id", "moment_muB_per_cell"]).to_pydict()
    moments = dict(zip(*columns.values(), strict=True))
    assert moments["fcc-Ni"] == 0.0 and moments["fcc-Co"] > 1.6
    table = labelled_source("parquet:a,b.parquet", Columns())
    assert table.description == "parquet:a,b.parquet"


def test_a_label_is_that_of_the_cell_of_the_crystal(folder: Path, done: dict[str, Any]) -> None:
    """Where a doubled cell is the lowest, and keeps a moment, the primitive cell has half of it."""
    source = CalculatedSource(folder / "out")
    keys = next(shard.part[1] for shard in source.shards() if shard.part[0] == "fcc-Ni")
    read = (read_calculation(calculation_file(folder / "out", key)) for key in keys)
    lowest = min(read, key=lambda one: (round(one.energy_per_atom, 6), one.job.cell.n_sites))  # of equal ones the smaller cell
    assert lowest.job.cell.n_sites == 2
    below = lowest.energy_per_atom * lowest.job.cell.n_sites - 0.1  # eV: another ordering is as low
    kept = replace(lowest, outcome=replace(lowest.outcome, energy_eV=below, total_muB=1.0, site_muB=(0.9, -0.3)))
    other = folder / "kept"
    other.mkdir()
    for key in keys:
        write_calculation(other, read_calculation(calculation_file(folder / "out", key)))
    write_calculation(other, kept)
    [record] = [item for shard in CalculatedSource(other).shards() for item in CalculatedSource(other).read(shard)]
    assert isinstance(record, Record) and record.label is not None and record.crystal.n_sites == 1
    assert (record.label.moment_muB_per_cell, record.label.ordering) == (0.5, "FiM")


def test_a_ferromagnet_alone_is_no_label(folder: Path, tmp_path: Path, done: dict[str, Any]) -> None:
    [plan] = planned("Toy", starter()["bcc-Fe"])
    write_calculation(tmp_path, read_calculation(calculation_file(folder / "out", plan.jobs[0].key)))
    source = CalculatedSource(tmp_path)
    [item] = [item for shard in source.shards() for item in source.read(shard)]
    assert isinstance(item, Rejection) and item.reason is Reason.MISSING_VALUE
    assert item.detail == "done: fm; a label needs fm and a competitor"


@pytest.mark.parametrize(("meV_per_atom", "labelled"), [(0.9, False), (1.1, True)])
def test_equally_low_orderings_are_no_label(tmp_path: Path, meV_per_atom: float, labelled: bool) -> None:
    """Noise would choose between two moments; nothing is said of the third, which lies high."""
    [plan] = planned("Toy", starter()["bcc-Fe"])
    calculated(tmp_path, starter()["bcc-Fe"])
    ferromagnet, other = (read_calculation(calculation_file(tmp_path, job.key)) for job in plan.jobs[:2])
    near = 2 * (ferromagnet.energy_per_atom - meV_per_atom / 1000)
    write_calculation(tmp_path, replace(other, outcome=replace(other.outcome, energy_eV=near)))
    source = CalculatedSource(tmp_path)
    [item] = [item for shard in source.shards() for item in source.read(shard)]
    if labelled:
        assert isinstance(item, Record) and item.label is not None and item.label.moment_muB_per_cell == 0.0
    else:
        assert isinstance(item, Rejection) and item.reason is Reason.CONTRADICTORY_LABEL
        assert item.detail == "afm-q111 and fm are equally low, with different moments"


def test_one_name_for_two_crystals(tmp_path: Path) -> None:
    """The same candidate with another structure is another crystal: both stay, under names that differ."""
    calculated(tmp_path, bcc(26), bcc(26, a=2.9))
    names = {item.crystal.id for shard in CalculatedSource(tmp_path).shards() for item in CalculatedSource(tmp_path).read(shard)}
    assert len(names) == 2 and all(name.startswith("bcc-26 ") for name in names)


def test_a_licensed_crystal_stays_licensed(tmp_path: Path) -> None:
    calculated(tmp_path, bcc(26), licensed=True)
    source = CalculatedSource(tmp_path)
    items = [item for shard in source.shards() for item in source.read(shard)]
    assert items and all(item.licensed for item in items)


def test_no_folder_and_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no folder of calculations"):
        CalculatedSource(tmp_path / "absent").identity()
    with pytest.raises(UserError, match="`ferroscreen calculate` writes them"):
        list(CalculatedSource(tmp_path).shards())
