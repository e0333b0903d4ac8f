"""The Python package: what the README shows, and odd input."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import read as read_with_ase
from pymatgen.core import Composition, Lattice, Molecule, Structure

import ferroscreen
from data.errors import UserError
from tests.data.test_site_moments import CIF

ROOT = Path(__file__).resolve().parents[1]
SAME = 1e-6  # µB/atom between two descriptions of one crystal
IMPORT_S = 1.0


def iron() -> Structure:
    return Structure(Lattice.cubic(2.86), ["Fe", "Fe"], [[0, 0, 0], [0.5, 0.5, 0.5]])


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.settings import settings

    monkeypatch.setenv("FERROSCREEN_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    yield
    settings.cache_clear()


def test_structures_atoms_and_files_give_the_same(tmp_path: Path) -> None:
    file = tmp_path / "iron.cif"
    iron().to(filename=str(file))
    table = ferroscreen.predict([iron(), bulk("Fe", "bcc", a=2.86, cubic=True), bulk("Fe", "bcc", a=2.86), file])
    assert table.index.tolist() == [0, 1, 2, 3]
    assert np.ptp(table["moment_muB_per_atom"]) < SAME
    assert (table["moment_low"] <= table["moment_muB_per_atom"]).all() and (table["rejected"] == "").all()
    assert 1.9 < table["moment_muB_per_atom"].iloc[0] < 2.5, "iron has 2.2 µB/atom"
    assert table["candidate_id"].tolist() == ["0", "1", "2", "iron"]


def test_one_alone_and_in_the_order_given() -> None:
    single = ferroscreen.predict(iron())
    assert len(single) == 1
    nickel = bulk("Ni", "fcc", a=3.52)
    both = ferroscreen.Model.load().predict([nickel, iron()])
    assert both["formula"].tolist() == ["Ni", "Fe"]
    assert both["moment_muB_per_atom"].iloc[1] == pytest.approx(single["moment_muB_per_atom"].iloc[0], abs=SAME)


def test_what_cannot_be_used_says_why_and_stops_nobody() -> None:
    shared = Structure(Lattice.cubic(2.86), [{"Fe": 0.5, "Co": 0.5}], [[0, 0, 0]])
    close = Structure(Lattice.cubic(2.86), ["Fe", "Fe"], [[0, 0, 0], [0.01, 0, 0]])
    molecule = bulk("Fe", "bcc", a=2.86)
    molecule.set_pbc(False)
    table = ferroscreen.predict([shared, iron(), close, molecule])
    assert table["rejected"].tolist() == ["", "", "overlapping_sites", "no_cell"]
    assert table["moment_muB_per_atom"].notna().tolist() == [True, True, False, False]
    assert table["formula"].iloc[0] == "Fe0.5Co0.5" and table["occupancies"].tolist()[:2] == ["Fe 0.5 Co 0.5 (1 site)", ""]
    assert table["n_approximants"].iloc[0] >= 2
    assert all(table.loc[table["rejected"] != "", "detail"])


def test_the_columns_do_not_depend_on_what_can_be_used() -> None:
    nowhere = bulk("Fe", "bcc", a=2.86)
    nowhere.set_pbc(False)
    one, mixed, bad, none = (ferroscreen.predict(given) for given in ([iron()], [iron(), nowhere], [nowhere], []))
    for table in (mixed, bad, none):
        assert table.dtypes.equals(one.dtypes) and table.index.name == "structure"
    assert one.dtypes[["n_sites", "uniaxial_possible", "tc_K"]].astype(str).tolist() == ["Int64", "boolean", "float64"]
    assert mixed[~mixed["uniaxial_possible"]]["formula"].tolist() == ["Fe"], "the opposite of an object is a number"
    assert bad[["rejected", "candidate_id"]].to_numpy().tolist() == [["no_cell", "0"]] and bad["formula"].isna().all()
    assert none.empty


def test_nothing_and_something_else() -> None:
    with pytest.raises(TypeError, match="structure 1 is a dict"):
        ferroscreen.predict([iron(), {}])
    with pytest.raises(UserError, match="does not exist"):
        ferroscreen.predict("/nowhere/at/all.cif")
    with pytest.raises(UserError, match="no single model"):
        ferroscreen.Model.load("nonsense")


@pytest.mark.parametrize("thing", [None, 3, {"a": 1}, b"a.cif", Molecule(["Fe"], [[0, 0, 0]]), Composition("Fe2O3")])
def test_what_is_no_structure_is_called_by_its_type(thing: object) -> None:
    with pytest.raises(TypeError, match=f"type {type(thing).__name__}; give pymatgen"):
        ferroscreen.predict(thing)  # type: ignore[arg-type]


def test_what_each_function_does_not_take_is_named() -> None:
    with pytest.raises(TypeError, match="of type DataFrame"):
        ferroscreen.predict(pd.DataFrame({"structure": [iron()]}))  # type: ignore[arg-type]
    for given, name in ((iron(), "Structure"), ([iron()], "Structure"), (None, "NoneType"), (b"a.cif", "bytes")):
        with pytest.raises(TypeError, match=f"not a {name}; predict takes structures"):
            ferroscreen.screen(given)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="by its id, not by a Model"):
        ferroscreen.predict(iron(), model=ferroscreen.Model.load())  # type: ignore[arg-type]


def test_sites_alone_and_a_text_are_no_structure() -> None:
    with pytest.raises(TypeError, match="structure 0 is a PeriodicSite"):
        ferroscreen.predict(iron().sites)  # type: ignore[arg-type]
    for text in (iron().to(fmt="cif"), ""):  # a text is no path, and an empty one does not mean the current folder
        with pytest.raises(UserError):
            ferroscreen.predict(text)


def test_a_slab_is_rejected_as_atoms_and_as_structure() -> None:
    atoms = bulk("Fe", "bcc", a=2.86, cubic=True)
    atoms.set_pbc((True, True, False))
    flat = Structure(Lattice(iron().lattice.matrix, pbc=(True, True, False)), ["Fe", "Fe"], iron().frac_coords)
    mixed = flat.copy()
    mixed[0] = {"Fe": 0.5, "Co": 0.5}
    table = ferroscreen.predict([atoms, flat, mixed])
    assert (table["rejected"] != "").all() and table["detail"].str.contains("three").all()


def test_occupancies_that_ase_keeps_beside_the_atoms_count(tmp_path: Path) -> None:
    """ase.io.read makes one atom of each shared site, and keeps the occupancies in `info`."""
    alloy = Structure(Lattice.cubic(2.86), [{"Fe": 0.7, "Co": 0.3}, "Ni"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    alloy.to(filename=str(tmp_path / "alloy.cif"))
    atoms = read_with_ase(tmp_path / "alloy.cif")
    replaced = atoms.copy()
    replaced.numbers[replaced.numbers == 28] = 25  # of a full site: the atom counts
    other = atoms.copy()
    other.numbers[:] = 29
    column = bulk("Fe", "bcc", a=2.86, cubic=True)
    column.set_array("occupancies", np.array([0.5, 1.0]))
    odd = atoms.copy()
    odd.info["occupancy"] = {"0": {"Fe": "most"}}
    table = ferroscreen.predict([tmp_path / "alloy.cif", atoms, atoms.repeat((2, 1, 1)), replaced, other, column, odd])
    assert table["formula"].tolist()[:3] == ["Fe0.7Co0.3Ni"] * 3 and "Mn" in table["formula"].iloc[3]
    assert np.ptp(table["moment_muB_per_atom"].iloc[:3]) < SAME
    assert table["rejected"].tolist() == [""] * 4 + ["not_structure"] * 3


def test_reasons_of_atoms() -> None:
    unknown, dummy, nowhere = (bulk("Fe", "bcc", a=2.86, cubic=True) for _ in range(3))
    unknown.numbers[0], dummy.numbers[0], nowhere.positions[0] = 104, 0, np.nan
    table = ferroscreen.predict([unknown, dummy, nowhere, Atoms(cell=[3, 3, 3], pbc=True)])
    assert table["rejected"].tolist() == ["unknown_element", "unknown_element", "bad_coordinates", "no_sites"]


def test_a_prediction_leaves_the_settings_of_its_caller(tmp_path: Path) -> None:
    """In a process of its own, in which the models are not loaded yet."""
    iron().to(filename=str(tmp_path / "iron.cif"))
    code = (
        "import sys, torch, ferroscreen; torch.set_num_threads(3); torch.manual_seed(7); before = torch.get_rng_state()\n"
        "ferroscreen.predict(sys.argv[1]); print(torch.get_num_threads(), torch.equal(before, torch.get_rng_state()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "iron.cif")], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["3", "True"]


def test_competing_orderings_are_those_of_an_export() -> None:
    found = ferroscreen.competing_orderings(iron())
    assert found[0][0] == "fm" and 2 <= len(found) <= 6
    for name, structure in found[1:]:
        moments = np.array(structure.site_properties["magmom"])
        assert moments.min() < 0 < moments.max(), name


def test_a_screen_from_python(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "feco.cif").write_text(CIF)
    level = os.environ.get("PREFECT_LOGGING_LEVEL")
    done = ferroscreen.screen([tmp_path / "in"], out=tmp_path / "out", profile="as-calculated")
    assert os.environ.get("PREFECT_LOGGING_LEVEL") == level, "the caller's own flows lost their log"
    assert done.ranking()["formula"].tolist() == ["FeCo"] and done.manifest["profile"] == "as-calculated"
    assert (tmp_path / "out" / "report.html").is_file() and done.fresh
    again = ferroscreen.screen([tmp_path / "in"], out=tmp_path / "out", profile="as-calculated")
    assert not again.fresh and again.manifest == done.manifest
    with pytest.raises(UserError, match="--profile is"):
        ferroscreen.screen([tmp_path / "in"], profile="best")


def test_a_script_without_its_guard_says_so_and_spoils_nothing(tmp_path: Path) -> None:
    """Each worker runs the script again: no file is read. The same screen from a guarded script took that for its result."""
    (tmp_path / "feco.cif").write_text(CIF)
    (tmp_path / "script.py").write_text("import ferroscreen\nferroscreen.screen('feco.cif', out='out')\n")
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True
    )
    assert done.returncode and "below `if __name__ == '__main__':`" in done.stderr
    assert "1 × reader_lost" in done.stderr
    again = ferroscreen.screen(tmp_path / "feco.cif", out=tmp_path / "out")
    assert again.ranking()["formula"].tolist() == ["FeCo"] and again.manifest["shards_taken_over"] == 0


def test_one_path_and_values_of_another_type() -> None:
    with pytest.raises(UserError, match=r"^no-such\.cif does not exist"):
        ferroscreen.screen("no-such.cif")
    with pytest.raises(UserError, match="working_temperature is 'hot': input should be a valid number"):
        ferroscreen.screen("tests", profile="magnetocaloric", working_temperature="hot")
    with pytest.raises(UserError, match="max_file_mb is 'many': input should be a valid number"):
        ferroscreen.screen("tests", max_file_mb="many")


@pytest.mark.parametrize(("disorder", "formulas"), [("average", ["Fe0.7Co0.3"]), ("majority", ["Fe"]), ("reject", [])])
def test_options_by_their_names_are_those_of_the_command(tmp_path: Path, disorder: str, formulas: list[str]) -> None:
    """A text instead of the member of its enumeration was another policy, under the id of the right run."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "feco.cif").write_text(CIF)
    Structure(Lattice.cubic(2.86), [{"Fe": 0.7, "Co": 0.3}], [[0, 0, 0]]).to(filename=str(folder / "alloy.cif"))
    done = ferroscreen.screen(folder, disorder=disorder, runner="threads")
    assert sorted(done.ranking()["formula"]) == sorted(["FeCo", *formulas])
    assert len(done.rejected()) == 1 - len(formulas)


def test_options_of_other_values_are_refused() -> None:
    with pytest.raises(UserError, match="disorder is 'averaged': input should be 'average', 'reject' or 'majority'"):
        ferroscreen.screen("tests", disorder="averaged")
    with pytest.raises(UserError, match="runner is 'fast': input should be"):
        ferroscreen.screen("tests", runner="fast")
    with pytest.raises(TypeError, match="nonsense"):
        ferroscreen.screen("tests", nonsense=1)


def test_import_is_quick_and_loads_no_network() -> None:
    code = (
        "import sys, time; start = time.process_time(); import ferroscreen; took = time.process_time() - start; "
        "heavy = {'torch', 'pymatgen', 'sklearn', 'prefect', 'pandas'} & set(sys.modules); print(took, sorted(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    took, heavy = done.stdout.split(" ", 1)
    assert heavy.strip() == "[]" and float(took) < IMPORT_S
