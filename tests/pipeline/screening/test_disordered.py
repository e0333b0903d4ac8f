"""Disordered crystals in a screen: columns, duplicates, the same bytes in any shards and after a kill, export, licence."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Structure

from data.checks import Unsound
from data.cif.disorder import Disorder
from data.crystal import Crystal
from data.rejection import Reason
from data.sources.cif_folder import CifFolder
from pipeline.comparison.section import changes_since
from pipeline.dft.plan import Method, Size, plan
from pipeline.dft.settings import DftSettings
from pipeline.disorder.approximants import Approximants
from pipeline.disorder.decorations import Decorations
from pipeline.export.chosen import choose, read_again
from pipeline.export.export import export
from pipeline.ops.progress import Quiet
from pipeline.registry.ensemble import Ensemble
from pipeline.report.pack import unpack
from pipeline.report.screened import report_screen
from pipeline.screening.columns import DISORDER
from pipeline.screening.predict import predict_here, predict_source
from pipeline.screening.screen import Screened, screen
from pipeline.settings import Settings
from tests.data.cif_texts import cell_text, cif_text
from tests.pipeline.screening.killed import check_killed_screen

SAME = 1e-9
HALF = 0.005  # of a composition
DISORDERED = {
    "FeCo": "Fe1 Fe 0 0 0 0.7\nCo1 Co 0 0 0 0.3\nFe2 Fe 0.5 0.5 0.5 0.7\nCo2 Co 0.5 0.5 0.5 0.3\n",
    "FeV": "Fe1 Fe 0 0 0 0.9\nV1 V 0 0 0 0.1\nFe2 Fe 0.5 0.5 0.5 0.9\nV2 V 0.5 0.5 0.5 0.1\n",
    "FeAl": "Fe1 Fe 0 0 0 0.8\nAl1 Al 0.5 0.5 0.5 1.0\n",
}


@pytest.fixture
def folder(cif_folder: Path) -> Path:
    for name, sites in DISORDERED.items():
        (cif_folder / f"{name}.cif").write_text(cif_text(name, cell=cell_text(2.87, 2.87, 2.87), sites=sites))
    (cif_folder / "Again.cif").write_text(cif_text("Again", cell=cell_text(2.88, 2.88, 2.88), sites=DISORDERED["FeCo"]))
    return cif_folder


def run(folder: Path, where: Settings, ensemble: Ensemble, out: Path, disorder: Disorder = Disorder.AVERAGE) -> Screened:
    return screen(CifFolder(folder, disorder=disorder), ensemble, out, where, Quiet())


def test_they_are_ranked_with_their_occupancies_and_ordered_ones_stay_as_they_are(
    folder: Path, where: Settings, ensemble: Ensemble, tmp_path: Path
) -> None:
    averaged = run(folder, where, ensemble, tmp_path / "average").ranking().set_index("candidate_id")
    rejected = run(folder, where, ensemble, tmp_path / "reject", Disorder.REJECT).ranking().set_index("candidate_id")
    assert set(averaged.index) - set(rejected.index) == {*DISORDERED, "Again"}
    unlike = {"rank", "duplicate_of", *(column.name for column in DISORDER)}
    ordered = averaged.loc[rejected.index].drop(columns=[c for c in averaged if c in unlike])
    pd.testing.assert_frame_equal(ordered, rejected[ordered.columns], check_exact=True)
    assert not set(rejected.columns) & {column.name for column in DISORDER}, "a screen without disorder has no such columns"
    row = averaged.loc["FeCo"]
    assert row["formula"] == "Fe0.7Co0.3" and row["occupancies"] == "Fe 0.7 Co 0.3 (2 sites)" and row["space_group"] == 229
    assert row["moment_low"] <= row["moment_muB_per_atom"] <= row["moment_high"]
    assert row["n_approximants"] >= 2 and row["approximant_spread"] >= 0
    assert averaged.loc["FeAl", "formula"] == "AlFe0.8"
    assert averaged.loc[rejected.index, "n_approximants"].isna().all()


def test_equal_averages_are_duplicates_and_others_are_not(
    folder: Path, where: Settings, ensemble: Ensemble, tmp_path: Path
) -> None:
    table = run(folder, where, ensemble, tmp_path / "out").ranking().set_index("candidate_id")
    assert table.loc["FeCo", "duplicate_of"] == "Again"
    assert table.loc["FeV", "duplicate_of"] == ""


def test_alone_and_among_others_the_prediction_is_the_same(
    folder: Path, where: Settings, ensemble: Ensemble, tmp_path: Path
) -> None:
    together, _ = predict_source(CifFolder(folder, disorder=Disorder.AVERAGE), ensemble, where)
    alone, _ = predict_source(CifFolder(folder / "FeCo.cif", disorder=Disorder.AVERAGE), ensemble, where)
    columns = ["moment_muB_per_atom", "moment_low", "moment_high", "p_ferromagnetic", "tc_K", "approximant_spread"]
    found = together.set_index("candidate_id").loc["FeCo", columns].to_numpy(dtype=float)
    assert np.allclose(found, alone.set_index("candidate_id").loc["FeCo", columns].to_numpy(dtype=float), atol=SAME)


def test_a_crystal_that_fails_in_a_later_round_stops_no_other(
    folder: Path, where: Settings, ensemble: Ensemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One has no third approximant, one fails in an unforeseen way; the third is what it is among sound ones."""
    source = CifFolder(folder, disorder=Disorder.AVERAGE)
    before, _ = predict_here(source, ensemble, where)

    class Faulty(Approximants):
        def make(self, number: int) -> list[Crystal]:
            if number > self.first and self.crystal.id == "FeV":
                raise ZeroDivisionError("unforeseen")
            return super().make(number)

        def _first_sound(self, ranked: Decorations, number: int) -> Any:
            if number > self.first and self.crystal.id == "FeCo":
                raise Unsound(Reason.PARTIAL_OCCUPANCY, "two atoms in one place")
            return super()._first_sound(ranked, number)

    monkeypatch.setattr("pipeline.screening.averages.Approximants", Faulty)
    monkeypatch.setattr("pipeline.screening.averages.is_settled", lambda moments, weights, strata: False)
    monkeypatch.setattr("pipeline.screening.averages.is_without_moment", lambda rows: False)
    after, rejected = predict_here(source, ensemble, where)
    assert set(before["candidate_id"]) - set(after["candidate_id"]) == {"FeV"}
    told = {one.candidate_id: one for one in rejected}["FeV"]
    assert told.reason is Reason.FAILED and told.detail == "ZeroDivisionError: unforeseen"
    numbers = after.set_index("candidate_id")["n_approximants"]
    assert numbers["FeCo"] == 2 and numbers["Again"] == 8


def test_a_killed_screen_goes_on_and_ends_with_the_same_bytes(folder: Path, where: Settings, tmp_path: Path) -> None:
    check_killed_screen(folder, where, Disorder.AVERAGE, 1, tmp_path)


def test_another_way_to_approximants_is_another_screen(
    folder: Path, where: Settings, ensemble: Ensemble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A changed APPROXIMANT_CODE computes again, and nothing made today is exported as what another release predicted."""
    done = run(folder, where, ensemble, tmp_path / "first")
    assert run(folder, where, ensemble, tmp_path / "same").manifest["id"] == done.manifest["id"]
    for module in ("pipeline.screening.screen", "pipeline.export.chosen"):
        monkeypatch.setattr(f"{module}.APPROXIMANT_CODE", "approximants-of-another-release")
    again = run(folder, where, ensemble, tmp_path / "again")
    assert again.manifest["id"] != done.manifest["id"] and again.manifest["shards_taken_over"] == 0
    chosen, left_out = read_again(done, choose(done.ranking(), 3, ["FeCo", "B2-FeCo"]))
    assert [one.row["candidate_id"] for one in chosen] == ["B2-FeCo"], "ordered crystals are what they were"
    assert [one.row["candidate_id"] for one in left_out] == ["FeCo"] and "screen again" in left_out[0].why
    assert not read_again(again, choose(again.ranking(), 3, ["FeCo", "B2-FeCo"]))[1]


def test_export_writes_the_approximants_and_a_plan_calculates_them(
    folder: Path, where: Settings, ensemble: Ensemble, tmp_path: Path
) -> None:
    done = run(folder, where, ensemble, tmp_path / "out")
    out = tmp_path / "export"
    summary = export(done, 3, ["FeCo"], ["cif", "poscar", "csv"], out, Quiet())
    number = int(done.ranking().set_index("candidate_id").loc["FeCo", "n_approximants"])
    assert len(summary["candidates"]) == number and not summary["left_out"]
    iron = 0.0
    for told in summary["candidates"]:
        structure = Structure.from_file(out / told["folder"] / "crystal.cif")
        assert structure.is_ordered
        iron += told["share"] * structure.composition.get_atomic_fraction("Fe")
    assert abs(iron - 0.7) < HALF
    chosen, _ = read_again(done, choose(done.ranking(), 3, ["FeCo"]))
    plans = plan(chosen, 0.01, Method("toy:Toy", DftSettings()), Size(40), False)
    assert len(plans) == number and any(one.jobs for one in plans)
    keys = {job.key for one in plans for job in one.jobs}
    assert len(keys) == sum(len(one.jobs) for one in plans), "each approximant is a calculation of its own"


def test_report_and_comparison_take_them(folder: Path, where: Settings, ensemble: Ensemble, tmp_path: Path) -> None:
    done = run(folder, where, ensemble, tmp_path / "out")
    assert done.manifest["disordered"] == 4 and 0 < done.manifest["disordered_time"] < 1
    page = report_screen(done, ensemble).read_text()
    assert "4 crystals are disordered" in page
    _, columns = unpack(re.search('id="data">([^<]*)<', page)[1])  # type: ignore[index]
    told = dict(zip(columns["candidate_id"], columns["occupancies"], strict=True))
    assert told["FeCo"] == "Fe 0.7 Co 0.3 (2 sites)" and sum(map(bool, told.values())) == 4
    (folder / "FeV.cif").unlink()
    again = run(folder, where, ensemble, tmp_path / "again")
    assert changes_since(where, again) is not None
