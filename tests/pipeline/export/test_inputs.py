"""Every file that is written reads as the same crystal with the same moments."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from pymatgen.io.vasp.inputs import Poscar

from data.cif.disorder import Disorder
from data.cif.reader import read_cif
from data.crystal import Crystal
from data.symmetry import symmetrise
from pipeline.export.crystals import write_cif, write_poscar
from pipeline.export.espresso import read_espresso, write_espresso
from pipeline.export.export import same
from pipeline.export.vasp import frozen_4f, read_vasp, write_vasp
from pipeline.magnetism.competing_orderings import Ordering, orderings
from tests.contract.crystals import hand_built

NAMES = sorted(hand_built())


@pytest.mark.parametrize("name", NAMES)
def test_vasp(name: str, tmp_path: Path) -> None:
    for ordering in orderings(symmetrise(hand_built()[name])):
        folder = tmp_path / ordering.name
        write_vasp([ordering], tmp_path)
        assert sorted(p.name for p in folder.iterdir()) == ["INCAR", "KPOINTS", "POSCAR", "POTCAR.spec"], "and no POTCAR"
        assert same(ordering, read_vasp(folder))
        symbols = (folder / "POTCAR.spec").read_text().split()
        assert [s.split("_")[0] for s in symbols] == Poscar.from_file(folder / "POSCAR", check_for_potcar=False).site_symbols


@pytest.mark.parametrize("name", NAMES)
def test_espresso(name: str, tmp_path: Path) -> None:
    for ordering in orderings(symmetrise(hand_built()[name])):
        folder = tmp_path / ordering.name
        write_espresso([ordering], tmp_path)
        assert same(ordering, read_espresso(folder))


def test_espresso_as_plain_text(tmp_path: Path) -> None:
    """Read by hand, since writer and reader share a library: three species, up, down and none, in the order of the sites."""
    ordering = next(o for o in orderings(symmetrise(hand_built()["MnF2"])) if o.name.startswith("afm-gamma"))
    write_espresso([ordering], tmp_path)
    text = (tmp_path / ordering.name / "pw.in").read_text()
    moments = [float(m) for m in re.findall(r"starting_magnetization\(\d\) = (\S+)", text)]
    species = re.findall(r"^(\w+)\s+[\d.]+ (\w+)\.UPF$", text, re.MULTILINE)
    sites = re.findall(r"^([A-Z]\w*)\s+(?:[-\d.]+\s+){3}$", text[text.index("ATOMIC_POSITIONS") :], re.MULTILINE)
    assert [element for _, element in species] == [label.rstrip("0123456789") for label, _ in species]
    by_label = dict(zip([label for label, _ in species], moments, strict=True))
    assert [by_label[label] for label in sites] == ordering.moments.tolist()
    assert sorted(moments) == [-5.0, 0.0, 5.0] and "nspin            = 2" in text


def test_changed_files_are_noticed(tmp_path: Path) -> None:
    cell = symmetrise(hand_built()["MnWO4"])
    ordering = next(o for o in orderings(cell) if o.name.startswith("afm-gamma"))
    write_vasp([ordering], tmp_path)
    folder = tmp_path / ordering.name
    incar, poscar = (folder / "INCAR").read_text(), (folder / "POSCAR").read_text()
    up_down, down_up = "1*5.0 1*-5.0", "1*-5.0 1*5.0"
    assert (up_down in incar) != (down_up in incar)
    there, other_way = (up_down, down_up) if up_down in incar else (down_up, up_down)
    (folder / "INCAR").write_text(incar.replace(there, other_way))
    assert not same(ordering, read_vasp(folder)), "moments exchanged"
    (folder / "INCAR").write_text(incar)
    assert same(ordering, read_vasp(folder))
    line = poscar.splitlines()[8]
    (folder / "POSCAR").write_text(poscar.replace(line, " ".join(["0.123", *line.split()[1:]])))
    assert not same(ordering, read_vasp(folder)), "a site moved"
    other = Ordering("x", ordering.structure.copy())
    other.structure.scale_lattice(other.structure.volume * 1.001)
    assert not same(ordering, other)


@pytest.mark.parametrize("name", NAMES)
def test_cif_and_poscar(name: str, tmp_path: Path) -> None:
    structure = hand_built()[name].to_pymatgen()
    write_cif(structure, tmp_path / "a.cif")
    write_poscar(structure, tmp_path / "POSCAR")
    (crystal,) = read_cif((tmp_path / "a.cif").read_text(), "a.cif", "a", Disorder.REJECT)
    assert isinstance(crystal, Crystal)
    assert crystal.numbers.tolist() == [site.specie.Z for site in structure]
    apart = crystal.frac - structure.frac_coords
    assert np.abs(apart - np.round(apart)).max() < 1e-8
    assert np.allclose(crystal.to_pymatgen().lattice.parameters, structure.lattice.parameters, atol=1e-8)
    poscar = Poscar.from_file(tmp_path / "POSCAR", check_for_potcar=False).structure
    plain = Ordering("p", poscar.copy(site_properties={"magmom": [0.0] * len(poscar)}))
    assert same(plain, Ordering("s", structure.copy(site_properties={"magmom": [0.0] * len(structure)})))


def test_frozen_4f() -> None:
    assert frozen_4f(np.array([62, 27, 64, 57])) == ("Sm",), "Gd keeps its 4f electrons, La has none"
