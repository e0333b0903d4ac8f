"""Python in a CIF, wherever a reader might evaluate it (CVE-2024-23346: the transformation of a magnetic group), stays text."""

from __future__ import annotations

from pathlib import Path

from data.sources.cif_folder import CifFolder
from pipeline.ops.progress import Quiet
from pipeline.registry.ensemble import open_model
from pipeline.screening.screen import screen
from pipeline.settings import Settings
from tests.data.cif_texts import CELL, MNO, cif_text

PLACES = {
    "transformation": lambda code: cif_text(extra=f"_space_group_magn.transform_BNS_Pp_abc '{code},b,c;0,0,0'\n"),
    "operation": lambda code: cif_text(symmetry=f"loop_\n_symmetry_equiv_pos_as_xyz\n'x,y,z'\n'{code},y,z'\n"),
    "magnetic operation": lambda code: cif_text(symmetry=f"loop_\n_space_group_symop_magn_operation.xyz\n'{code},y,z,+1'\n"),
    "symbol of the group": lambda code: cif_text(symmetry=f"_symmetry_space_group_name_H-M '{code}'\n"),
    "length": lambda code: cif_text(cell=CELL.replace("4.445(2)", f"'{code}'", 1)),
    "coordinate": lambda code: cif_text(sites=MNO.replace("0.5", f"'{code}'", 1)),
    "element": lambda code: cif_text(sites=MNO.replace("Mn2+", f"'{code}'")),
    "formula": lambda code: cif_text(extra=f"_chemical_formula_sum '{code}'\n"),
}


def test_no_code_of_a_file_runs(trained_home: Path, tmp_path: Path) -> None:
    marker = tmp_path / "it-ran"
    code = f'[__import__("os").mkdir("{marker}")]'
    eval(code)
    marker.rmdir()  # the code works
    folder = tmp_path / "cifs"
    folder.mkdir()
    for name, text in PLACES.items():
        (folder / f"{name}.cif").write_text(text(code))
    (folder / "good.cif").write_text(cif_text())
    where = Settings(home=tmp_path / "home", workers=1)
    where.home.mkdir()
    (where.home / "models").symlink_to(trained_home / "models")
    done = screen(CifFolder(folder), open_model(where.models), None, where, Quiet())
    assert not marker.exists()
    ranked, rejected = set(done.ranking()["candidate_id"]), set(done.rejected()["candidate_id"])
    assert ranked | rejected == {*PLACES, "good"} and not ranked & rejected
    assert "good" in ranked and {"length", "coordinate", "element", "operation"} <= rejected
