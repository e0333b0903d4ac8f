"""A screen of licensed structures shows ids, formulas and our own predictions, wherever it writes."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data.cif.disorder import Disorder
from data.errors import UserError
from data.sources.icsd.export import IcsdExport
from data.sources.opening import candidate_source
from data.sources.parquet import Columns
from pipeline.comparison.compare import compare
from pipeline.comparison.section import changes_since
from pipeline.export.export import export as write_export
from pipeline.ops.progress import Quiet
from pipeline.registry.ensemble import Ensemble
from pipeline.report.pack import unpack
from pipeline.report.screened import report_screen
from pipeline.screening.licence import WITHHELD
from pipeline.screening.profiles import find_profile
from pipeline.screening.screen import Screened, screen
from pipeline.settings import Settings
from tests.data.cif_texts import cell_text, cif_text

CANARY_EDGE = 4.718293  # Å; such digits stand nowhere by chance
CANARY_PLACE = 0.137246
CANARY_SHARE = 0.914233


@pytest.fixture
def export(tmp_path: Path, starter_cifs: dict[str, str]) -> Path:
    folder = tmp_path / "icsd"
    folder.mkdir()
    for k, text in enumerate(list(starter_cifs.values())[:6]):
        head, data, body = text.partition("data_")
        name, _, rest = body.partition("\n")
        (folder / f"{k}.cif").write_text(f"{head}{data}{name}\n_database_code_ICSD {100 + k}\n{rest}")
    cell = cell_text(CANARY_EDGE, CANARY_EDGE, CANARY_EDGE)
    shared = f"Mn1 Mn2+ {CANARY_PLACE} 0 0 {CANARY_SHARE}\nO1 O2- 0.5 0.5 0.5 1.\n"
    (folder / "shared.cif").write_text(cif_text(extra="_database_code_ICSD 200\n", cell=cell, sites=shared))
    near = f"Mn1 Mn2+ {CANARY_PLACE} 0 0 1.\nO1 O2- {CANARY_PLACE + 0.01} 0 0 1.\n"
    (folder / "near.cif").write_text(cif_text(extra="_database_code_ICSD 201\n", cell=cell, sites=near))
    (folder / "wrong.cif").write_text(
        cif_text(extra="_database_code_ICSD 202\n", cell=cell, sites=f"Mn1 Mn2+ {CANARY_PLACE}x 0 0 1.\n")
    )
    (folder / "broken.zip").write_bytes(b"PK broken")
    (folder / "export.csv").write_text("CollectionCode,Temperature\n100,913.25\n200,\n")
    return folder


def run(
    export: Path, where: Settings, ensemble: Ensemble, out: Path, disorder: str = "reject", details: bool = False,
    force: bool = False,
) -> Screened:  # fmt: skip
    source = candidate_source([export], Columns(), disorder=Disorder(disorder))
    assert isinstance(source, IcsdExport)
    done = screen(source, ensemble, out, where, Quiet(), licensed_details=details, force=force)
    report_screen(done, ensemble)
    return done


@pytest.mark.parametrize("disorder", ["reject", "majority", "average"])
def test_no_file_of_a_screen_tells_of_a_structure(
    export: Path, where: Settings, ensemble: Ensemble, tmp_path: Path, disorder: str
) -> None:
    done = run(export, where, ensemble, tmp_path / "out", disorder)
    everything = "".join(
        pd.read_parquet(file).to_csv() if file.suffix == ".parquet" else file.read_text()
        for file in [*done.folder.rglob("*"), *where.runs.rglob("*")]
        if file.is_file()
    )
    # the formula of a disordered crystal is shown, and says its composition
    for canary in (CANARY_EDGE, CANARY_PLACE, *([] if disorder == "average" else [CANARY_SHARE])):
        assert f"{canary:.4g}" not in re.sub(r"\d\.\d{5,}", "", everything), canary  # our own predictions are longer numbers
        assert str(canary) not in everything
    header, columns = unpack(re.search('id="data">([^<]*)<', everything)[1])  # type: ignore[index]
    assert header["withheld"] and not {"n_sites", "space_group"} & set(columns)
    for name in ("cell_sites", "cell_parameters", "site_z", "site_frac"):
        assert len(columns[name]) == 0, "no crystal in the page's data"
    assert len(pd.read_parquet(done.folder / "structures.parquet")) == 0
    table = done.ranking()
    assert all(table[name].isna().all() for name in ("n_sites", "space_group", "uniaxial_possible"))
    assert set(table["moment_explained"].fillna("")) == {""}, "it names the coordination of sites"
    said = {part for note in table["note"] for part in note.split("; ") if not part.startswith("never seen in training")}
    if disorder == "average":
        assert set(table["occupancies"].fillna("")) == {""} and table["n_approximants"].notna().any()
    assert said <= {"", WITHHELD} and (WITHHELD in said) == (disorder != "reject"), "a note tells the distance of the far atoms"
    assert (table["formula"] != "").all() and np.isfinite(table["saturation_T"]).all()
    assert done.manifest["licensed"] and done.manifest["withheld"]
    assert "ids and formulas only" in (done.folder / "report.html").read_text()


def test_reasons_stay_and_details_of_files_too(export: Path, where: Settings, ensemble: Ensemble, tmp_path: Path) -> None:
    done = run(export, where, ensemble, tmp_path / "out")
    rows = {row["candidate_id"]: row for row in csv.DictReader((done.folder / "rejected.csv").open())}
    assert {code: rows[code]["reason"] for code in ("200", "201", "202")} == {
        "200": "partial_occupancy", "201": "overlapping_sites", "202": "bad_coordinates",
    }  # fmt: skip
    assert {rows[code]["detail"] for code in ("200", "201", "202")} == {WITHHELD}
    assert "zip" in rows["broken.zip"]["detail"].lower()


def test_the_details_on_request(export: Path, where: Settings, ensemble: Ensemble, tmp_path: Path) -> None:
    shown, withheld = (run(export, where, ensemble, tmp_path / str(d), "majority", details=d) for d in (True, False))
    assert shown.manifest["id"] != withheld.manifest["id"]
    assert shown.manifest["licensed"] and not shown.manifest["withheld"]
    assert shown.ranking()["n_sites"].notna().all()
    assert "majority taken" in "".join(shown.ranking()["note"])
    same = ["candidate_id", "formula", "moment_muB_per_atom", "saturation_T", "p_magnetic"]
    pd.testing.assert_frame_equal(shown.ranking()[same], withheld.ranking()[same])


def test_a_licensed_crystal_hides_only_itself(
    export: Path, cif_folder: Path, where: Settings, ensemble: Ensemble, tmp_path: Path
) -> None:
    """One file of ICSD among others: its details are withheld, theirs are shown, explained and exported."""
    (cif_folder / "theirs.cif").write_text((export / "0.cif").read_text())
    (cif_folder / "broken.cif").write_text("data_x\n_cell_length_a\n")
    source = candidate_source([cif_folder], Columns())
    done = screen(source, ensemble, tmp_path / "out", where, Quiet())
    rows = done.ranking().set_index("candidate_id")
    assert rows.index[rows["licensed"]].to_list() == ["100"] == rows.index[rows["n_sites"].isna()].to_list()
    assert (rows["moment_explained"] == "").equals(rows["licensed"]) and rows["uniaxial_possible"].isna().equals(rows["licensed"])
    assert rows["space_group"].isna().sum() == 1 and done.manifest["licensed_crystals"] == 1 and done.manifest["withheld"]
    assert done.rejected()["detail"].to_list() != [WITHHELD]
    cells = pd.read_parquet(done.folder / "structures.parquet")
    assert (cells["numbers"].map(len) == 0).to_list() == rows["licensed"].to_list(), "row k is that of rank k + 1"
    page = report_screen(done, ensemble).read_text()
    assert "1 crystal is licensed" in page
    _, columns = unpack(re.search('id="data">([^<]*)<', page)[1])  # type: ignore[index]
    assert (np.array(columns["cell_sites"]) == 0).sum() == 1
    written = write_export(done, 3, ["100", rows.index[0], rows.index[-1]], ["cif"], tmp_path / "e", Quiet())
    assert [one["candidate_id"] for one in written["left_out"]] == ["100"]
    assert {one["candidate_id"] for one in written["candidates"]} == {rows.index[0], rows.index[-1]} - {"100"}
    assert "licensed-details" in (tmp_path / "e" / "README.md").read_text()
    with pytest.raises(UserError, match="licensed-details"):
        write_export(done, 1, ["100"], ["cif"], tmp_path / "none", Quiet())


def test_one_more_licensed_file_is_compared_with_the_run_before(
    export: Path, cif_folder: Path, where: Settings, ensemble: Ensemble, tmp_path: Path
) -> None:
    first = screen(candidate_source([cif_folder], Columns()), ensemble, tmp_path / "first", where, Quiet())
    (cif_folder / "theirs.cif").write_text((export / "0.cif").read_text())
    second = screen(candidate_source([cif_folder], Columns()), ensemble, tmp_path / "second", where, Quiet())
    assert second.manifest["previous"] == first.manifest["id"]


def test_two_withheld_runs_can_be_compared(export: Path, where: Settings, ensemble: Ensemble, tmp_path: Path) -> None:
    first = run(export, where, ensemble, tmp_path / "first")
    source = candidate_source([export], Columns())
    second = screen(source, ensemble, tmp_path / "second", where, Quiet(), find_profile("low-cost"))
    assert second.manifest["previous"] == first.manifest["id"]
    changes = changes_since(where, second)
    assert changes is not None and sum(changes.counts.values()) == len(first.ranking())
    assert not changes.rows["why"].str.contains("space group|sites").any()
    back = compare(second, first)
    assert back.profile is not None and back.profile.missing == ("uniaxial_possible",), "no score is made of withheld cells"
    assert back.changes["moved_by_settings"].isna().all()


def test_structures_of_an_earlier_screen_do_not_stay(export: Path, where: Settings, ensemble: Ensemble, tmp_path: Path) -> None:
    run(export, where, ensemble, tmp_path / "out", details=True)
    assert len(pd.read_parquet(tmp_path / "out" / "structures.parquet"))
    done = run(export, where, ensemble, tmp_path / "out", force=True)
    assert not len(pd.read_parquet(tmp_path / "out" / "structures.parquet")) and done.manifest["previous"] is None


def test_an_open_source_shows_all(cif_folder: Path, where: Settings, ensemble: Ensemble, tmp_path: Path) -> None:
    done = screen(candidate_source([cif_folder], Columns()), ensemble, tmp_path / "out", where, Quiet())
    assert not done.manifest["licensed"] and not done.manifest["withheld"]
    assert done.ranking()["n_sites"].notna().all()
    assert "ids and formulas only" not in (report_screen(done, ensemble)).read_text()


def test_an_export_needs_the_details(export: Path, where: Settings, ensemble: Ensemble, tmp_path: Path) -> None:
    shown, withheld = (run(export, where, ensemble, tmp_path / str(d), details=d) for d in (True, False))
    with pytest.raises(UserError, match="licensed-details"):
        write_export(withheld, 2, [], ["cif"], tmp_path / "none", Quiet())
    assert not (tmp_path / "none").exists()
    done = write_export(shown, 2, [], ["cif"], tmp_path / "some", Quiet())
    assert len(list((tmp_path / "some").rglob("*.cif"))) == len(done["candidates"]) == 2
