"""The making of starter rows: the cells of the first rows, and a scan that finds its minimum and goes on where it was stopped."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks import starter_set
from benchmarks.starter_cells import PROTOTYPES, cell
from benchmarks.starter_set import Compound, compounds, find, rows
from data.calculation import calculations
from data.crystal import symbol
from data.sources.starter import STARTER_FILE
from tests.pipeline.dft.samples import TOY
from tests.pipeline.dft.toy import EQUILIBRIUM_A3

ROWS = [json.loads(line) for line in STARTER_FILE.read_text().splitlines()]
EQUILIBRIUM = {row["id"]: row for row in ROWS if row["kind"] == "equilibrium"}
CUBES = {"bcc": 2, "fcc": 4, "B1": 4, "B3": 4, "C1b": 4, "L21": 4, "XA": 4, "B2": 1, "L12": 1, "antiperovskite": 1}  # per cube
SAME = 1e-9
EXACT = 1e-6  # relative: the toy's energy is the parabola that is fitted
A_MINUTE = 60.0


@pytest.mark.parametrize("name", sorted(EQUILIBRIUM))
def test_cells_are_those_of_the_rows(name: str) -> None:
    row = EQUILIBRIUM[name]
    lattice = np.array(row["cell_A"])
    edge = (abs(np.linalg.det(lattice)) * CUBES[row["prototype"]]) ** (1 / 3)
    made = cell(row["prototype"], re.findall("[A-Z][a-z]?", name.partition("-")[2]), edge)
    assert made.id == name
    assert [symbol(int(z)) for z in made.numbers] == row["species"]
    np.testing.assert_allclose(made.lattice, lattice, atol=SAME)
    np.testing.assert_allclose(made.frac, row["frac"], atol=SAME)


def test_the_list_names_each_compound_once() -> None:
    names = [one.crystal.id for one in compounds()]
    assert len(set(names)) == len(names) and {one.prototype for one in compounds()} <= set(PROTOTYPES)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starter_set, "CODE", f"{TOY}Elastic")


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize("edge_A", [2.85, 2.70, 2.55])  # minimum within the scan, beyond it, far beyond
def test_a_scan_finds_the_volume_of_lowest_energy(edge_A: float, tmp_path: Path) -> None:
    found = find(Compound("bcc", ("Fe",), edge_A), tmp_path, time.monotonic() + A_MINUTE)
    assert found is not None and found.fault == ""
    equilibrium, *scan = rows(found)
    assert equilibrium["id"] == "bcc-Fe" and [row["id"] for row in scan] == [f"bcc-Fe-v{k}" for k in range(len(scan))]
    volumes = [abs(np.linalg.det(row["cell_A"])) for row in (equilibrium, *scan)]
    assert volumes[0] == pytest.approx(EQUILIBRIUM_A3["Fe"], rel=EXACT)
    assert volumes[1:] == sorted(volumes[1:]) and volumes[1] < volumes[0] < volumes[-1]
    assert (equilibrium["ecut_eV"], {row["ecut_eV"] for row in scan}) == (400, {320})
    assert {row["program"] for row in (equilibrium, *scan)} == {"toy 1"}


@pytest.mark.usefixtures("toy")
def test_it_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    iron = Compound("bcc", ("Fe",), 2.85)
    assert find(iron, tmp_path, 0.0) is None and not calculations(tmp_path), "no time, no calculation"
    assert find(iron, tmp_path, time.monotonic() + A_MINUTE) is not None
    finished = {path: path.stat().st_mtime_ns for path in calculations(tmp_path)}
    lost = min(finished)
    lost.unlink()
    assert find(iron, tmp_path, 0.0) is None, "one is missing"
    assert find(iron, tmp_path, time.monotonic() + A_MINUTE) is not None
    assert set(calculations(tmp_path)) == set(finished)
    assert all(path.stat().st_mtime_ns == finished[path] for path in finished if path != lost)


@pytest.mark.usefixtures("toy")
def test_no_minimum_makes_no_row(tmp_path: Path) -> None:
    """The toy's nickel is nearly three times as large."""
    assert find(Compound("fcc", ("Ni",), 3.5), tmp_path, time.monotonic() + A_MINUTE) is None
