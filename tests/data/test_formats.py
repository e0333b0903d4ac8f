"""Files that are no CIF: read as the same crystal, or refused with the reason; folders of many formats."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase.io import write as write_ase
from pymatgen.core import Lattice, Structure
from pymatgen.io.vasp.inputs import Poscar

from data.cif.disorder import Disorder
from data.crystal import Crystal
from data.errors import UserError
from data.rejection import Reason, Rejection
from data.sources import Record
from data.sources.cif_folder import CifFolder
from data.sources.csv_table import CsvSource
from data.sources.formats import Format, format_of, read_text, sniff, without_ending
from data.sources.opening import candidate_source, ignored_files
from data.sources.parquet import Columns
from tests.data.cif_texts import cif_text

SAME_PLACE = 1e-6  # fractional; formats write six to ten digits
# No two sites or axes alike, so that a lost sign, scale or order shows
CRYSTAL = Structure(
    Lattice.from_parameters(5.1, 6.2, 7.3, 80, 95, 105), ["Fe", "Co", "Fe", "O"],
    [[0.01, 0.02, 0.03], [0.31, 0.42, 0.53], [0.61, 0.12, 0.83], [0.77, 0.7, 0.2]],
)  # fmt: skip


def poscar(cartesian: bool = False, scale: float | None = None) -> str:
    text = Poscar(CRYSTAL).get_str(direct=not cartesian, significant_figures=12)
    if scale is None:
        return text
    lines = text.splitlines()
    lines[1] = str(scale)
    return "\n".join(lines)


def extended_xyz(tmp_path: Path) -> str:
    write_ase(tmp_path / "made.extxyz", CRYSTAL.to_ase_atoms(), format="extxyz")
    return (tmp_path / "made.extxyz").read_text()


def read(kind: Format, text: str, disorder: Disorder = Disorder.REJECT) -> list[Crystal | Rejection]:
    return list(read_text(kind, text, "a/file", "a/file", disorder))


def same(crystal: Crystal | Rejection) -> bool:
    assert isinstance(crystal, Crystal), crystal
    mine, theirs = crystal.to_pymatgen(), CRYSTAL.copy(site_properties={})
    apart = {site.species_string + str(k): site for k, site in enumerate(theirs)}
    assert np.allclose(mine.lattice.matrix, theirs.lattice.matrix, atol=1e-6) or np.allclose(
        mine.lattice.parameters, theirs.lattice.parameters, atol=1e-6
    )
    left = list(apart.values())
    for site in mine:
        near = [o for o in left if o.species == site.species and _near(o.frac_coords, site.frac_coords)]
        assert len(near) == 1, site
        left.remove(near[0])
    return not left


def _near(one: Any, other: Any) -> bool:
    apart = one - other
    return bool(np.abs(apart - np.round(apart)).max() < SAME_PLACE)


@pytest.mark.parametrize(
    "text",
    [poscar(), poscar(cartesian=True), poscar(scale=-CRYSTAL.volume), poscar(cartesian=True, scale=-CRYSTAL.volume)],
    ids=["direct", "cartesian", "volume", "volume, cartesian"],
)
def test_poscar(text: str) -> None:
    (crystal,) = read(Format.POSCAR, text)
    assert same(crystal) and crystal.id == "a/file"  # type: ignore[union-attr]


def test_a_poscar_without_elements_is_no_hydrogen() -> None:
    lines = Poscar(CRYSTAL).get_str().splitlines()
    numbers = [" ".join(line.split()[:3]) for line in lines[8:]]
    (refused,) = read(Format.POSCAR, "\n".join([*lines[:5], *lines[6:8], *numbers]))
    assert isinstance(refused, Rejection) and refused.reason is Reason.NOT_STRUCTURE and "elements" in refused.detail


@pytest.mark.parametrize(
    ("more", "refused"), [('Lattice="9 0 0 0 9 0 0 0 9"', True), ("PBC=T", True), ('title="was pbc=F"', False)]
)
def test_extended_xyz_that_says_a_thing_twice(more: str, refused: bool) -> None:
    (found,) = read(Format.XYZ, f'1\nLattice="3 0 0 0 3 0 0 0 3" pbc="T T T" {more}\nFe 0 0 0\n')
    assert isinstance(found, Rejection) == refused
    assert not isinstance(found, Rejection) or "stands twice" in found.detail


@pytest.mark.parametrize("kind", [Format.POSCAR, Format.JSON, Format.XYZ])
def test_an_empty_file_is_called_empty(kind: Format) -> None:
    (refused,) = read(kind, " \n")
    assert isinstance(refused, Rejection) and refused.detail == "the file is empty"


def test_extended_xyz(tmp_path: Path) -> None:
    text = extended_xyz(tmp_path)
    assert all(map(same, read(Format.XYZ, text)))
    assert [c.id for c in read(Format.XYZ, text + text)] == ["a/file#1", "a/file#2"]  # type: ignore[union-attr]
    (flat,) = read(Format.XYZ, text.replace('pbc="T T T"', 'pbc="T T F"'))
    assert isinstance(flat, Rejection) and "2 directions" in flat.detail
    (molecule,) = read(Format.XYZ, "2\n\nH 0 0 0\nH 0 0 0.74\n")
    assert isinstance(molecule, Rejection) and "lattice" in molecule.detail


def test_json() -> None:
    one = CRYSTAL.as_dict()
    forms = {
        "structure": one, "list": [one], "named": {"id": "x", "structure": one},
        "as text": {"id": "x", "structure": json.dumps(one)},
        "list of named": [{"material_id": "x", "structure": one}], "by name": {"x": one},
    }  # fmt: skip
    for name, form in forms.items():
        (crystal,) = read(Format.JSON, json.dumps(form))
        assert same(crystal), name
        assert crystal.id == ("a/file" if name in ("structure", "list") else "x")  # type: ignore[union-attr]
    two = read(Format.JSON, json.dumps([one, {"id": "bad", "structure": {"lattice": 1, "sites": []}}, one]))
    assert [type(item) for item in two] == [Crystal, Rejection, Crystal], "one that is broken does not stop the others"


@pytest.mark.parametrize("text", ["{}", "[]", "{", '"x"', '{"lattice": 1}', "[1, 2]", "null"])
def test_other_json_is_a_rejection(text: str) -> None:
    refused = read(Format.JSON, text)
    assert refused
    for one in refused:
        assert isinstance(one, Rejection) and one.reason is Reason.NOT_STRUCTURE and one.detail


def test_they_meet_the_rules_of_cif() -> None:
    shared = CRYSTAL.copy()
    shared[0] = {"Fe": 0.7, "Co": 0.3}
    text = json.dumps(shared.as_dict())
    (refused,) = read(Format.JSON, text)
    assert isinstance(refused, Rejection) and refused.reason is Reason.PARTIAL_OCCUPANCY
    (taken,) = read(Format.JSON, text, Disorder.MAJORITY)
    assert same(taken) and "majority" in taken.note  # type: ignore[union-attr]
    near = CRYSTAL.copy()
    near.append("O", [0.77, 0.7, 0.21])
    (refused,) = read(Format.JSON, json.dumps(near.as_dict()))
    assert isinstance(refused, Rejection) and refused.reason is Reason.OVERLAPPING_SITES
    dummy = json.dumps(CRYSTAL.as_dict()).replace('"Co"', '"X"')
    (refused,) = read(Format.JSON, dummy)
    assert isinstance(refused, Rejection)


def test_charged_species_keep_their_element() -> None:
    charged = CRYSTAL.copy()
    charged.add_oxidation_state_by_element({"Fe": 3, "Co": 2, "O": -2})
    (crystal,) = read(Format.JSON, json.dumps(charged.as_dict()))
    assert same(crystal)


@pytest.mark.parametrize(
    ("name", "kind", "plain"),
    [
        ("a.cif", Format.CIF, "a"), ("a.MCIF.gz", Format.CIF, "a"), ("POSCAR", Format.POSCAR, "POSCAR"),
        ("CONTCAR.gz", Format.POSCAR, "CONTCAR"), ("POSCAR_Fe", Format.POSCAR, "POSCAR_Fe"), ("a.vasp", Format.POSCAR, "a"),
        ("Fe1.5Co.json", Format.JSON, "Fe1.5Co"), ("x.extxyz", Format.XYZ, "x"), ("notes.txt", None, "notes.txt"),
        ("POTCAR", None, "POTCAR"), ("Fe.1", None, "Fe.1"), ("POSCARS", None, "POSCARS"),
    ],
)  # fmt: skip
def test_names(name: str, kind: Format | None, plain: str) -> None:
    assert format_of(name) is kind and without_ending(name) == plain


def test_sniffing(tmp_path: Path) -> None:
    assert sniff(poscar()) is Format.POSCAR and sniff(poscar(scale=-10.0)) is Format.POSCAR
    assert sniff(cif_text()) is Format.CIF and sniff("# comment\n\n" + cif_text()) is Format.CIF
    assert sniff(json.dumps(CRYSTAL.as_dict())) is Format.JSON and sniff(extended_xyz(tmp_path)) is Format.XYZ
    assert sniff("hello\nworld\n") is None and sniff("") is None


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    folder = tmp_path / "mixed"
    (folder / "run").mkdir(parents=True)
    (folder / "a.cif").write_text(cif_text())
    (folder / "b.cif.gz").write_bytes(gzip.compress(cif_text().encode()))
    (folder / "run" / "POSCAR").write_text(poscar())
    (folder / "run" / "vasprun.xml").write_text("<a/>")
    (folder / "c.json").write_text(json.dumps(CRYSTAL.as_dict()))
    (folder / "manifest.json").write_text('{"id": "no crystal"}')
    (folder / "d.extxyz").write_text(extended_xyz(tmp_path))
    (folder / "README.txt").write_text("x")
    with zipfile.ZipFile(folder / "z.zip", "w") as archive:
        archive.writestr("in/e.vasp", poscar())
        archive.writestr("in/f.cif.gz", gzip.compress(cif_text().encode()))
        archive.writestr("in/readme.txt", "x")
    return folder


def test_a_folder_may_mix_them(mixed: Path) -> None:
    source = candidate_source([mixed], Columns())
    items = [item for shard in source.shards() for item in source.read(shard)]
    assert all(isinstance(item, Record) for item in items), items
    assert [item.crystal.id for item in items] == ["a", "b", "c", "d", "run/POSCAR", "z.zip/in/e", "z.zip/in/f"]  # type: ignore[union-attr]
    assert ignored_files(source) == 3, "manifest.json, README.txt and vasprun.xml"
    several = candidate_source([mixed, mixed / "run"], Columns())
    assert ignored_files(several) == 4


@pytest.mark.parametrize("name", ["a.cif.gz", "POSCAR.gz", "a.json.gz"])
def test_what_unpacks_to_too_much_is_rejected(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(gzip.compress(b" " * (2 << 20)))
    (refused,) = CifFolder(tmp_path / name, max_file_mb=1.0).read(next(CifFolder(tmp_path / name).shards()))
    assert isinstance(refused, Rejection) and refused.reason is Reason.TOO_LARGE
    (tmp_path / name).write_bytes(b"\x1f\x8b broken")
    (refused,) = CifFolder(tmp_path / name).read(next(CifFolder(tmp_path / name).shards()))
    assert isinstance(refused, Rejection) and refused.reason is Reason.UNREADABLE


def test_other_formats_are_refused_with_the_command_that_converts(tmp_path: Path) -> None:
    (tmp_path / "a.xsf").write_text("CRYSTAL")
    with pytest.raises(UserError, match=r"ase\.io"):
        candidate_source([tmp_path / "a.xsf"], Columns())
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="POSCAR"):
        candidate_source([tmp_path / "empty"], Columns()).identity()


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".csv.gz"])
def test_csv_of_cif(tmp_path: Path, ending: str) -> None:
    delimiter = "\t" if ".tsv" in ending else ","
    rows = [("material_id", "cif", "total_magnetization_muB"), ("a", cif_text(), "5.0"), ("b", "", "1"), ("c", "no CIF", "1")]
    quoted = "\n".join(delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)
    path = tmp_path / f"t{ending}"
    path.write_bytes(gzip.compress(quoted.encode()) if ending.endswith("gz") else quoted.encode())
    source = candidate_source([path], Columns())
    items = [item for shard in source.shards() for item in source.read(shard)]
    assert isinstance(items[0], Record) and items[0].crystal.id == "a" and items[0].crystal.formula == "MnO"
    assert [item.reason for item in items[1:]] == [Reason.MISSING_VALUE, Reason.NOT_CIF]  # type: ignore[union-attr]
    labelled = CsvSource(path, labelled=True)
    (first, *_) = labelled.read(next(labelled.shards()))
    assert isinstance(first, Record) and first.label is not None and first.label.moment_muB_per_cell == 5.0


def test_csv_of_structures(tmp_path: Path) -> None:
    quoted = json.dumps(CRYSTAL.as_dict()).replace('"', '""')
    (tmp_path / "t.csv").write_text(f'name,crystal\na,"{quoted}"\nb,"{{}}"\n')
    source = candidate_source([tmp_path / "t.csv"], Columns.parse("id=name,structure=crystal"))
    first, second = (item for shard in source.shards() for item in source.read(shard))
    assert isinstance(first, Record) and same(first.crystal)
    assert isinstance(second, Rejection) and second.reason is Reason.NOT_STRUCTURE
    with pytest.raises(UserError, match="--columns"):
        candidate_source([tmp_path / "t.csv"], Columns()).identity()
