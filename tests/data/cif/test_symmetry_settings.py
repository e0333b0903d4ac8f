"""Every tabulated setting of the 230 space groups, written in every way a file can name it, comes back as the same crystal."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache

import gemmi
import moyopy
import numpy as np
import pytest
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

from data.cif.reader import read_cif
from data.crystal import Crystal
from data.rejection import Reason, Rejection

SEED = 230
PLACES_A = 1e-3  # sites beside the reference; coordinates are written with six digits
APART_A = 0.8  # least distance of two atoms of a random crystal
SYMPREC_A = 1e-2
EDGE_A = 13.0
SETTINGS = list(gemmi.spacegroup_table())
PARTS = 12  # of the table, a test each
SYMBOLS = {26: "Fe", 8: "O", 57: "La"}
MAGNETIC = [
    ("_space_group_symop_magn_operation.", "_space_group_symop_magn_centering."),
    ("_space_group_symop.magn_operation_", "_space_group_symop.magn_centering_"),
    ("_space_group_symop_magn_operation_", "_space_group_symop_magn_centering_"),
]


@dataclass(frozen=True)
class Sample:
    """A crystal in one setting: what stands in a file, and all of its atoms."""

    cell: tuple[float, ...]
    sites: str
    frac: np.ndarray
    numbers: np.ndarray
    group: gemmi.SpaceGroup

    def text(self, symmetry: str, formula: bool = False) -> str:
        names = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
        cell = "".join(f"_cell_{name} {value:.8f}\n" for name, value in zip(names, self.cell, strict=True))
        counts = Counter(self.numbers.tolist())
        stated = " ".join(f"{SYMBOLS[z]}{n}" for z, n in counts.items())
        more = f"_chemical_formula_sum '{stated}'\n_cell_formula_units_Z 1\n" if formula else ""
        loop = "loop_\n" + "".join(f"_atom_site_{name}\n" for name in ("label", "type_symbol", "fract_x", "fract_y", "fract_z"))
        return f"data_x\n{cell}{more}{symmetry}{loop}{self.sites}"


@cache
def sample(index: int) -> Sample:
    """Two general positions and a special one where the group has any, in a cell with the metric of the group and no more."""
    group = SETTINGS[index]
    random = np.random.default_rng([SEED, index])
    operations = list(group.operations())
    rotations = np.array([op.rot for op in operations]) // gemmi.Op.DEN
    shifts = np.array([op.tran for op in operations]) / gemmi.Op.DEN
    step = random.normal(0.0, 0.08, (3, 3))
    metric = EDGE_A**2 * (np.eye(3) + step @ step.T + np.diag(random.random(3)))
    metric = np.mean([r.T @ metric @ r for r in rotations], axis=0)
    lattice = np.linalg.cholesky(metric)
    for _ in range(200):
        places = [random.random(3), random.random(3), special_position(random, rotations, shifts)]
        numbers = [26, 8, 57]
        places = [np.round(place, 6) for place in places]
        orbits = [orbit(place, rotations, shifts, lattice) for place in places]
        frac = np.concatenate(orbits)
        if least_distance(frac, lattice) > APART_A:
            break
    else:
        raise AssertionError(f"no crystal found for {group.xhm()}")
    edges = np.sqrt(metric.diagonal())
    angles = [np.degrees(np.arccos(metric[i, j] / edges[i] / edges[j])) for i, j in ((1, 2), (0, 2), (0, 1))]
    named = [(SYMBOLS[z], *place) for z, place in zip(numbers, places, strict=True)]
    sites = "".join(f"{name}1 {name} {x:.6f} {y:.6f} {z:.6f}\n" for name, x, y, z in named)
    every = np.repeat(numbers, [len(atoms) for atoms in orbits])
    return Sample((*edges.tolist(), *angles), sites, frac, every, group)


def special_position(random: np.random.Generator, rotations: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """A point that a random operation fixes, if it fixes any: the mean of the images under its powers."""
    for k in random.permutation(len(rotations))[:20]:
        point = random.random(3)
        images = [point]
        for _ in range(5):
            images.append(rotations[k] @ images[-1] + shifts[k])
        order = next((n for n in range(1, 6) if np.allclose(np.linalg.matrix_power(rotations[k], n), np.eye(3))), 6)
        mean = np.mean(images[:order], axis=0)
        if order > 1 and np.allclose(rotations[k] @ mean + shifts[k], mean):
            return np.asarray(mean % 1.0)
    return random.random(3)


def orbit(place: np.ndarray, rotations: np.ndarray, shifts: np.ndarray, lattice: np.ndarray) -> np.ndarray:
    """All images of a place, one of each position."""
    found: list[np.ndarray] = []
    for image in (rotations @ place + shifts) % 1.0:
        if not found or distances(np.array(found), image, lattice).min() > 1e-3:
            found.append(image)
    return np.array(found)


def distances(places: np.ndarray, place: np.ndarray, lattice: np.ndarray) -> np.ndarray:
    shift = places - place
    shift -= np.rint(shift)
    return np.asarray(np.linalg.norm(shift @ lattice, axis=1))


def least_distance(frac: np.ndarray, lattice: np.ndarray) -> float:
    return min(float(distances(frac[k + 1 :], frac[k], lattice).min()) for k in range(len(frac) - 1))


def read(text: str) -> Crystal | Rejection:
    (item,) = read_cif(text, "file.cif", "file")
    return item


def assert_same(found: Crystal | Rejection, wanted: Sample, how: str) -> None:
    name = f"{wanted.group.xhm()} by {how}"
    assert isinstance(found, Crystal), f"{name}: {found}"
    assert Counter(found.numbers.tolist()) == Counter(wanted.numbers.tolist()), name
    for place, number in zip(wanted.frac, wanted.numbers, strict=True):
        assert distances(found.frac[found.numbers == number], place, found.lattice).min() < PLACES_A, name


def plain(group: gemmi.SpaceGroup) -> str:
    return "loop_\n_space_group_symop_operation_xyz\n" + "".join(f"'{op.triplet()}'\n" for op in group.operations())


def magnetic(group: gemmi.SpaceGroup, names: tuple[str, str]) -> str:
    operations = group.operations()
    first = f"loop_\n{names[0]}id\n{names[0]}xyz\n"
    first += "".join(f"{k} {op.triplet()},+1\n" for k, op in enumerate(operations.sym_ops))
    centring = [gemmi.Op().translated(shift).wrap() if any(shift) else gemmi.Op("x,y,z") for shift in operations.cen_ops]
    return first + f"loop_\n{names[1]}id\n{names[1]}xyz\n" + "".join(f"{k} {op.triplet()},+1\n" for k, op in enumerate(centring))


@pytest.mark.parametrize("part", range(PARTS))
def test_each_setting_by_operations_symbol_and_hall_symbol(part: int) -> None:
    for index in range(part, len(SETTINGS), PARTS):
        wanted = sample(index)
        group = wanted.group
        crystal = read(wanted.text(plain(group)))
        assert_same(crystal, wanted, "operations")
        assert isinstance(crystal, Crystal) and not re.sub("^no atoms are bonded: .*", "", crystal.note)
        cell = moyopy.Cell(crystal.lattice.tolist(), crystal.frac.tolist(), crystal.numbers.tolist())
        assert moyopy.MoyoDataset(cell, symprec=SYMPREC_A).number == group.number, group.xhm()
        assert_same(read(wanted.text(f"_space_group_name_H-M_alt '{group.xhm()}'\n")), wanted, "symbol")
        assert_same(read(wanted.text(f"_space_group_name_Hall '{group.hall}'\n")), wanted, "Hall symbol")
        both = f"_symmetry_space_group_name_H-M '{group.hm}'\n_symmetry_Int_Tables_number {group.number}\n"
        assert_same(read(wanted.text(plain(group) + both)), wanted, "operations, symbol and number")


@pytest.mark.parametrize("part", range(PARTS))
def test_each_setting_by_magnetic_operations(part: int) -> None:
    for index in range(part, len(SETTINGS), PARTS):
        wanted = sample(index)
        for names in MAGNETIC:
            family = "_symmetry_space_group_name_H-M 'P -1'\n" if index % 2 else ""
            assert_same(read(wanted.text(family + magnetic(wanted.group, names))), wanted, names[0])


@pytest.mark.parametrize("part", range(PARTS))
def test_each_setting_by_number_or_bare_symbol_is_right_or_refused(part: int) -> None:
    """Where the number or the symbol has several settings, formula × Z may decide; a guess is never made."""
    for index in range(part, len(SETTINGS), PARTS):
        wanted = sample(index)
        number = wanted.group.number
        if not any(wanted.group.hall == g.hall for g in gemmi.spacegroup_table_itb()):
            continue  # a number means a setting of International Tables
        for formula in (False, True):
            found = read(wanted.text(f"_symmetry_Int_Tables_number {number}\n", formula))
            if isinstance(found, Rejection):
                assert found.reason is Reason.UNKNOWN_SYMMETRY
                several = [g for g in gemmi.spacegroup_table_itb() if g.number == number]
                assert len(several) > 1 and any(g.xhm() in found.detail for g in several), found
            else:
                assert_same(found, wanted, "number")
        found = read(wanted.text(f"_symmetry_space_group_name_H-M '{wanted.group.hm}'\n", formula=True))
        if isinstance(found, Rejection):
            assert wanted.group.ext in "12" and found.reason is Reason.UNKNOWN_SYMMETRY, found
        else:
            assert_same(found, wanted, "symbol without its origin")


@pytest.mark.parametrize("index", range(0, len(SETTINGS), 47))
def test_pymatgen_finds_the_same_group(index: int) -> None:
    wanted = sample(index)
    found = read(wanted.text(f"_space_group_name_H-M_alt '{wanted.group.xhm()}'\n"))
    assert isinstance(found, Crystal)
    assert SpacegroupAnalyzer(found.to_pymatgen(), SYMPREC_A).get_space_group_number() == wanted.group.number
