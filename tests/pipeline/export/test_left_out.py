"""One candidate that cannot be written never takes the others down; ids are found as a person writes them."""

from __future__ import annotations

import bz2
import json
from pathlib import Path

import pandas as pd
import pytest
from pymatgen.core import Element, Lattice, Structure
from pymatgen.io.vasp.inputs import POTCAR_STATS_PATH

from data.crystal import MAX_ATOMIC_NUMBER
from data.errors import UserError
from data.sources.opening import candidate_source
from data.sources.parquet import Columns
from pipeline.export import export as module
from pipeline.export.chosen import choose, named_ids
from pipeline.export.export import export, same
from pipeline.export.potentials import BEYOND_MP, NONE, gap
from pipeline.export.vasp import read_vasp, write_vasp
from pipeline.magnetism.competing_orderings import Ordering
from pipeline.ops.progress import Quiet
from pipeline.registry.ensemble import Ensemble, open_model
from pipeline.screening.screen import Screened, screen
from pipeline.settings import Settings
from tests.data.cif_texts import cell_text

SYMBOLS = [Element.from_Z(z).symbol for z in range(1, MAX_ATOMIC_NUMBER + 1)]


def known_potentials() -> set[str]:
    """All that any of VASP's PBE sets have, by pymatgen's summary of them."""
    sets = json.loads(bz2.decompress(Path(POTCAR_STATS_PATH).read_bytes()))
    return {one["symbol"] for name in sets if name.startswith("PBE") for same_title in sets[name].values() for one in same_title}


def test_every_element_has_a_potential_of_vasp_or_a_named_gap(tmp_path: Path) -> None:
    there = known_potentials()
    for symbol in SYMBOLS:
        if gap([symbol]):
            assert symbol in NONE and not any(name.partition("_")[0] == symbol for name in there)
            continue
        moments = {"magmom": [3.0, 1.0]}
        iron = Structure(Lattice.cubic(4.0), ["Fe", symbol], [[0, 0, 0], [0.5, 0.5, 0.5]], site_properties=moments)
        ordering = Ordering("fm", iron)
        write_vasp([ordering], tmp_path / symbol)
        assert same(ordering, read_vasp(tmp_path / symbol / "fm"))
        assert set((tmp_path / symbol / "fm" / "POTCAR.spec").read_text().split()) <= there, symbol
    assert not set(BEYOND_MP) & NONE


def cif(name: str, a: float, *sites: str) -> str:
    rows = "".join(f"{symbol}{k} {symbol} {0.5 * k} {0.5 * k} {0.5 * k}\n" for k, symbol in enumerate(sites))
    loop = "loop_\n_atom_site_label\n_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"
    return f"data_{name}\n{cell_text(a, a, a)}_space_group_name_H-M_alt 'P 1'\n{loop}{rows}"


@pytest.fixture
def run(tmp_path: Path, trained_home: Path) -> Screened:
    """Iron, beside elements that VASP or the Materials Project lack, and an id with commas."""
    folder = tmp_path / "in"
    folder.mkdir()
    crystals = {"iron": ("Fe", "Fe"), "DyPo": ("Dy", "Po"), "FeBk": ("Fe", "Bk"), "FeCm": ("Fe", "Cm"), "(Fe,Co)2B": ("Fe", "Co")}
    for name, sites in crystals.items():
        (folder / f"{name}.cif").write_text(cif("x", 2.9 if name == "iron" else 4.0, *sites))
    home = tmp_path / "home"
    home.mkdir()
    (home / "models").symlink_to(trained_home / "models")
    ensemble: Ensemble = open_model(trained_home / "models")
    return screen(candidate_source([folder], Columns()), ensemble, tmp_path / "out", Settings(home=home, workers=1), Quiet())


def test_the_rest_is_written(run: Screened, tmp_path: Path) -> None:
    done = export(run, 5, [], ["vasp", "qe", "cif", "csv"], tmp_path / "e", Quiet())
    assert {one["candidate_id"] for one in done["candidates"]} == {"iron", "DyPo", "FeBk", "FeCm", "(Fe,Co)2B"}
    assert not done["left_out"]
    folders = {one["candidate_id"]: tmp_path / "e" / one["folder"] for one in done["candidates"]}
    assert not (folders["FeBk"] / "vasp").exists() and (folders["FeBk"] / "qe" / "fm" / "pw.in").is_file()
    gaps = {one["candidate_id"]: one["gaps"] for one in done["candidates"] if one["gaps"]}
    assert gaps == {"FeBk": ["no VASP input: VASP has no potential of Bk"]}
    readme = (tmp_path / "e" / "README.md").read_text()
    assert "no potential of Bk" in readme and "no potential of Cm, Po" in readme
    moments = read_vasp(folders["FeCm"] / "vasp" / "fm").moments.tolist()
    assert sorted(moments) == [5.0, 7.0], "5f7"


def test_a_crystal_that_no_chosen_format_can_hold(run: Screened, tmp_path: Path) -> None:
    done = export(run, 5, ["FeBk"], ["vasp", "csv"], tmp_path / "e", Quiet())
    assert [(one["candidate_id"], one["folder"]) for one in done["candidates"]] == [("FeBk", None)]
    assert "FeBk" in (tmp_path / "e" / "candidates.csv").read_text()
    with pytest.raises(UserError, match=r"no candidate can be written as vasp \(FeBk: no VASP input: .* no potential of Bk\)"):
        export(run, 5, ["FeBk"], ["vasp"], tmp_path / "f", Quiet())
    assert "no potential of Bk" in (tmp_path / "f" / "README.md").read_text()


def test_whatever_a_candidate_raises(run: Screened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The failing part is made to fail here: no crystal is known that does."""
    write = module.write_cif

    def failing(structure: Structure, path: Path) -> None:
        if "Po" in structure.composition:
            raise ZeroDivisionError("of | its `own`")
        write(structure, path)

    monkeypatch.setattr(module, "write_cif", failing)
    done = export(run, 5, [], ["cif", "csv"], tmp_path / "e", Quiet())
    assert [one["candidate_id"] for one in done["left_out"]] == ["DyPo"] and len(done["candidates"]) == 4
    told = json.loads((tmp_path / "e" / "export.json").read_text())
    assert "ZeroDivisionError" in told["left_out"][0]["why"]
    assert "DyPo" in (tmp_path / "e" / "README.md").read_text() and not list((tmp_path / "e").glob("*DyPo*"))
    assert "DyPo" not in (tmp_path / "e" / "candidates.csv").read_text()


def test_an_id_with_commas(run: Screened, tmp_path: Path) -> None:
    done = export(run, 1, ["(Fe,Co)2B"], ["cif"], tmp_path / "one", Quiet())
    assert [one["candidate_id"] for one in done["candidates"]] == ["(Fe,Co)2B"]
    assert len(choose(run.ranking(), 1, ["iron,(Fe,Co)2B"])) == 2


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (["a,b"], ["a,b"]), (["a, b"], ["a", "b"]), (["a", "b"], ["a", "b"]), (["c,a,b"], ["c", "a,b"]), ([" a "], ["a"]),
        (["(Fe,Co)2B,c"], ["(Fe,Co)2B", "c"]), (["c,"], ["c"]), (["d/e"], ["d/e"]),
        (["'=1+1"], ["=1+1"]), (["c,'=1+1"], ["c", "=1+1"]),
    ],
)  # fmt: skip
def test_ids_as_they_are_written(given: list[str], found: list[str]) -> None:
    assert named_ids(["a", "b", "a,b", "c", "(Fe,Co)2B", "d/e", "=1+1"], given) == found


def test_an_unknown_id_is_a_mistake() -> None:
    ranking = pd.DataFrame({"candidate_id": ["A/structure", "B/structure"]})
    with pytest.raises(UserError, match="A/structure or B/structure"):
        choose(ranking, 1, ["structure"])
    with pytest.raises(UserError, match="nothing"):
        choose(ranking, 1, ["nothing"])
    with pytest.raises(UserError, match="no candidate"):
        choose(ranking, 1, [","])
