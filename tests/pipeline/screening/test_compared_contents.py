"""Two screens of one folder: which differences come from the files, and which from the settings of reading."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from data.cif.disorder import Disorder
from data.sources.cif_folder import CifFolder
from data.sources.literature.snapshot import publish_literature
from pipeline.comparison.causes import Cause
from pipeline.comparison.compare import compare
from pipeline.export.chosen import choose, read_again
from pipeline.ops.progress import Quiet
from pipeline.registry.ensemble import Ensemble
from pipeline.screening.screen import Screened, screen
from pipeline.screening.structures import STRUCTURES_FILE
from pipeline.settings import Settings
from tests.data.cif_texts import cell_text, cif_text

SITES = "loop_\n_atom_site_label\n_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"
SHARED = f"{SITES}_atom_site_occupancy\nFe1 Fe 0 0 0 0.65\nNi1 Ni 0 0 0 0.35\n"


def two_sites(z: float) -> str:
    return f"data_x\n{cell_text(3.0, 3.0, 4.0)}_space_group_name_H-M_alt 'P 1'\n{SITES}Fe1 Fe 0 0 0\nCo1 Co 0 0 {z}\n"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """An ordered crystal, another one whose sites can be moved, and a disordered one."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "oxide.cif").write_text(cif_text())
    (folder / "layers.cif").write_text(two_sites(0.50))
    (folder / "invar.cif").write_text(f"data_i\n{cell_text(3.6, 3.6, 3.6)}_space_group_name_H-M_alt 'P 1'\n{SHARED}")
    return folder


def run(folder: Path, where: Settings, ensemble: Ensemble, out: Path, disorder: Disorder, most_mb: float = 20.0) -> Screened:
    return screen(CifFolder(folder, most_mb, disorder), ensemble, out, where, Quiet())


def test_times_of_files_are_no_difference(mine: Path, where: Settings, ensemble: Ensemble, tmp_path: Path) -> None:
    before = run(mine, where, ensemble, tmp_path / "a", Disorder.AVERAGE)
    os.utime(mine / "oxide.cif", ns=(1, 1))
    after = run(mine, where, ensemble, tmp_path / "b", Disorder.AVERAGE)
    assert before.manifest["input"] != after.manifest["input"]
    found = compare(before, after)
    assert found.differences == [] and found.changes.empty and found.unmoved == 3


@pytest.mark.parametrize("read", [Disorder.MAJORITY, Disorder.REJECT])
def test_settings_of_reading_are_no_other_files(
    mine: Path, where: Settings, ensemble: Ensemble, tmp_path: Path, read: Disorder
) -> None:
    before = run(mine, where, ensemble, tmp_path / "a", Disorder.AVERAGE)
    found = compare(before, run(mine, where, ensemble, tmp_path / "b", read))
    assert [one.cause for one in found.differences] == [Cause.SETTINGS]
    of_invar = found.changes[found.changes["source_file"] == "invar.cif"]
    assert len(of_invar) == 1 and found.unmoved <= 2, "it is another crystal now, or rejected"
    assert of_invar["why"].iloc[0].startswith("settings: ")
    wanted = "now rejected (partial_occupancy" if read is Disorder.REJECT else "formula Fe0.65Ni0.35 → "
    assert wanted in of_invar["why"].iloc[0]


def test_a_file_that_is_too_large_now_is_rejected_by_a_setting(
    mine: Path, where: Settings, ensemble: Ensemble, tmp_path: Path
) -> None:
    text = (mine / "oxide.cif").read_text()
    (mine / "oxide.cif").write_text("#" * 4096 + "\n" + text.replace("data_", "data_a") + text.replace("data_", "data_b"))
    before = run(mine, where, ensemble, tmp_path / "a", Disorder.AVERAGE)
    found = compare(before, run(mine, where, ensemble, tmp_path / "b", Disorder.AVERAGE, 4096 / 2**20))
    assert [one.cause for one in found.differences] == [Cause.SETTINGS]
    assert found.counts["withdrawn"] == 2


def exported(done: Screened) -> tuple[set[str], str]:
    """The ids of the crystals that an export finds again, and why it leaves others out."""
    chosen, left_out = read_again(done, choose(done.ranking(), 10, []))
    return {one.row["candidate_id"] for one in chosen}, "; ".join(one.why for one in left_out)


def test_an_export_leaves_out_only_what_changed(mine: Path, where: Settings, ensemble: Ensemble, tmp_path: Path) -> None:
    done = run(mine, where, ensemble, tmp_path / "a", Disorder.AVERAGE)
    os.utime(mine / "oxide.cif", ns=(1, 1))
    (mine / "again.cif").write_text(cif_text())
    assert exported(done) == ({"oxide", "layers", "invar"}, ""), "a file was touched and one was added"
    (mine / "layers.cif").write_text(two_sites(0.45))
    text = (mine / "invar.cif").read_text()
    (mine / "invar.cif").write_text(text.replace("3.6", "3.7"))
    (mine / "oxide.cif").unlink()
    kept, why = exported(done)
    assert not kept and "layers (FeCo) has changed in layers.cif" in why and "oxide (MnO) is no longer in oxide.cif" in why
    assert "invar (Fe0.65Ni0.35) has changed in invar.cif" in why and "screen again" in why
    (mine / "invar.cif").write_text(text)
    assert exported(done)[0] == {"invar"}
    (done.folder / STRUCTURES_FILE).unlink()
    kept, why = exported(done)
    assert not kept and "keeps no cell of invar" in why


def test_what_another_release_read_otherwise_is_left_out(mine: Path, where: Settings, ensemble: Ensemble, tmp_path: Path) -> None:
    """Names, sizes and times of the files are the same, but an older release took an atom to be somewhere else."""
    moment = (mine / "layers.cif").stat().st_mtime_ns

    def write(z: float) -> None:
        (mine / "layers.cif").write_text(two_sites(z))
        os.utime(mine / "layers.cif", ns=(moment, moment))

    write(0.4)
    done = run(mine, where, ensemble, tmp_path / "a", Disorder.AVERAGE)
    write(0.5)
    kept, why = exported(done)
    assert kept == {"oxide", "invar"}
    assert f"this release reads layers (FeCo) in layers.cif otherwise than run {done.manifest['id']} did: screen again" in why


def test_a_dopant_on_another_place_is_a_change(mine: Path, where: Settings, ensemble: Ensemble, tmp_path: Path) -> None:
    """Of a disordered crystal a run keeps the main element of each place, and that is iron on both."""

    def doped(first: float, second: float) -> str:
        rows = "".join(
            f"{name}1 {name} {place} {share}\n"
            for place, cobalt in (("0 0 0", first), ("0.5 0.5 0", second))
            for name, share in (("Fe", 1 - cobalt), ("Co", cobalt))
        )
        symmetry = "_space_group_name_H-M_alt 'P 4/m m m'\n"
        return f"data_i\n{cell_text(3.6, 3.6, 3.6)}{symmetry}{SITES}_atom_site_occupancy\n{rows}N1 N 0.5 0.5 0.5 1\n"

    (mine / "invar.cif").write_text(doped(0.25, 0.0))
    before = run(mine, where, ensemble, tmp_path / "a", Disorder.AVERAGE)
    (mine / "invar.cif").write_text(doped(0.0, 0.25))
    kept, why = exported(before)
    assert kept == {"oxide", "layers"} and "has changed in invar.cif" in why
    found = compare(before, run(mine, where, ensemble, tmp_path / "b", Disorder.AVERAGE)).changes.set_index("source_file")
    assert found["why"]["invar.cif"] == "data: cell or positions"


def test_other_contents_are_told_apart(mine: Path, where: Settings, ensemble: Ensemble, tmp_path: Path) -> None:
    before = run(mine, where, ensemble, tmp_path / "a", Disorder.AVERAGE)
    (mine / "layers.cif").write_text(two_sites(0.45))
    moved = run(mine, where, ensemble, tmp_path / "b", Disorder.AVERAGE)
    found = compare(before, moved)
    assert [one.cause for one in found.differences] == [Cause.DATA]
    of_layers = found.changes[found.changes["source_file"] == "layers.cif"]
    assert len(of_layers) == 1 and of_layers["why"].iloc[0].startswith("data: ")
    (mine / "again.cif").write_text(cif_text())
    added = compare(moved, run(mine, where, ensemble, tmp_path / "c", Disorder.MAJORITY))
    assert [one.cause for one in added.differences] == [Cause.DATA, Cause.SETTINGS]


def test_new_measured_values_do_not_hide_other_contents(mine: Path, where: Settings, ensemble: Ensemble, tmp_path: Path) -> None:
    (mine / "layers.cif").write_text(two_sites(0.45))
    before = run(mine, where, ensemble, tmp_path / "a", Disorder.AVERAGE)
    (mine / "layers.cif").write_text(two_sites(0.40))
    tables = tmp_path / "tables"
    tables.mkdir()
    (tables / "mine.csv").write_text("formula,kind,value_K,ref\nFeCo,Tc,210,doi:10.1/a\n")
    publish_literature(where.literature, tables)
    found = compare(before, run(mine, where, ensemble, tmp_path / "b", Disorder.AVERAGE))
    assert [one.cause for one in found.differences] == [Cause.DATA, Cause.MEASURED]
    why = found.changes.set_index("source_file")["why"]
    assert why["layers.cif"].startswith("data: cell or positions")
