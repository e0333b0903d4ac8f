"""The look-up of measurements beside predictions: a crystal that is nearly of the measured structure has it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Lattice, Structure

from data.crystal import Crystal
from data.disordered import DisorderedCrystal, Species
from data.symmetry import NEARLY_A, SymmetricCell, symmetrise
from pipeline.dedup.fingerprint import fingerprint
from pipeline.disorder.averaged_cell import averaged_cell
from pipeline.screening.measured import with_measured
from tests.contract.crystals import of_space_group

IRON = of_space_group("Im-3m", Lattice.cubic(2.866), ["Fe"], [[0, 0, 0]])
RUTILE = of_space_group("P4_2/mnm", Lattice.tetragonal(4.421, 2.917), ["Cr", "O"], [[0, 0, 0], [0.303, 0.303, 0]])
LAVES = of_space_group("Fd-3m", Lattice.cubic(7.22), ["Y", "Co"], [[0, 0, 0], [0.625] * 3])  # the handbook: without order
CLOSE_PACKED = of_space_group("P6_3/mmc", Lattice.hexagonal(2.45, 3.93), ["Fe"], [[1 / 3, 2 / 3, 0.25]])


def noisy(structure: Structure, by_A: float) -> Structure:
    return structure.make_supercell([2, 1, 1], in_place=False).perturb(by_A, seed=0)


def cell_of(structure: Structure) -> SymmetricCell:
    return symmetrise(Crystal.from_pymatgen(structure, "x"))


def rows(formulas: list[str], groups: list[int]) -> pd.DataFrame:
    """Predictions of magnets, the same of each."""
    return pd.DataFrame(
        {
            "formula": formulas, "space_group": groups, "p_magnetic": 0.95, "p_ferromagnetic": 0.8, "p_ferrimagnetic": 0.1,
            "p_fm_or_fim_predicted": 0.95, "moment_muB_per_atom": 1.0, "moment_low": 0.9, "moment_high": 1.1, "tc_K": 800.0,
            "tc_low_K": 700.0, "tc_high_K": 900.0, "p_tc_above_300": 0.95, "p_tc_above_450": 0.7, "p_tc_above_600": 0.2,
            "p_tc_260_to_340": 0.1, "volume_per_atom": 12.0,
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("structure", "basis"),
    [
        (IRON, "measured"),
        (IRON.apply_strain([0.005, 0, 0], inplace=False), "measured"),
        (noisy(IRON, 0.03), "measured"),
        (noisy(RUTILE, 0.03), "measured"),
        (noisy(LAVES, 0.02), "measured"),
        (IRON.apply_strain([0.10, -0.05, -0.05], inplace=False), "another structure measured"),
        (CLOSE_PACKED, "another structure measured"),
        (noisy(CLOSE_PACKED, 0.03), "another structure measured"),
    ],
)
def test_a_small_strain_or_shift_is_no_other_structure(structure: Structure, basis: str) -> None:
    cell = symmetrise(Crystal.from_pymatgen(structure, "x"))
    assert 0.05 * IRON.lattice.a > NEARLY_A
    asked = []

    def cells(rows: list[int]) -> list:
        asked.extend(rows)
        return [cell for _ in rows]

    frame = rows(["NaCl", structure.composition.reduced_formula], [225, cell.space_group]).assign(fingerprint=fingerprint(cell))
    found = with_measured(frame.assign(tc_K=5.0, tc_low_K=1.0, tc_high_K=9.0), cells, None)
    assert found["order_basis"].tolist() == ["predicted", basis]
    assert (found["known_elsewhere"][1] == "") == (basis == "measured")
    assert set(asked) <= {1}, "the crystals of other compositions are not asked for"
    assert found["space_group"][1] == cell.space_group


TETRAGONAL = of_space_group("P4/mmm", Lattice.tetragonal(2.724, 3.712), ["Fe", "Pt"], [[0, 0, 0], [0.5, 0.5, 0.5]])
CUBIC = of_space_group("Pm-3m", Lattice.cubic(3.6), ["Mn", "Ni"], [[0, 0, 0], [0.5, 0.5, 0]])


@pytest.mark.parametrize("tc", [900.0, 20.0])
def test_a_small_strain_or_shift_neither_gives_nor_takes_an_axis(tc: float) -> None:
    """Only magnets at 300 K are looked at again: without magnetisation an axis is of no use."""
    strain = [0.005, 0, 0]
    cells = [
        cell_of(one)
        for one in (
            TETRAGONAL, TETRAGONAL.apply_strain(strain, inplace=False), noisy(TETRAGONAL, 0.03),
            CUBIC, CUBIC.apply_strain(strain, inplace=False), noisy(CUBIC, 0.03),
        )
    ]  # fmt: skip
    groups = [cell.space_group for cell in cells]
    assert groups[0] == 123 and groups[3] == 221 and 75 <= groups[4] < 195 and max(groups[1:3]) < 75
    frame = rows(["FeX"] * 6, groups).assign(tc_K=tc, tc_low_K=tc - 10, tc_high_K=tc + 10, fingerprint=[*map(fingerprint, cells)])
    found = with_measured(frame, lambda wanted: [cells[k] for k in wanted], None)
    assert found["uniaxial_possible"].dtype == bool
    exact = [True, False, False, False, True, False]
    assert found["uniaxial_possible"].tolist() == ([True] * 3 + [False] * 3 if tc > 300 else exact)
    assert with_measured(frame.iloc[:0], lambda wanted: [], None).empty


def test_places_of_one_main_element_stay_apart() -> None:
    """Layers of Fe and of Fe0.55Pt0.45 in a lattice that is nearly cubic have an axis; in the cell both are iron."""
    iron, mixed = Species(26, 1.0, None), (Species(26, 0.55, None), Species(78, 0.45, None))
    places = np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]])
    crystal = DisorderedCrystal("x", np.diag([2.73, 2.73, 3.80]), places, np.arange(2), ((iron,), mixed))
    found = averaged_cell(crystal)
    cell = found.symmetric
    assert cell.numbers.tolist() == [26, 26] and cell.space_group == 123
    frame = rows(["FeX"] * 2, [123] * 2).assign(fingerprint=[found.fingerprint, fingerprint(cell)])
    assert with_measured(frame, lambda wanted: [cell for _ in wanted], None)["uniaxial_possible"].tolist() == [True, False]


def test_places_of_the_same_occupants_are_one_kind() -> None:
    """A cubic alloy whose places are off by 0.02 Å has no axis, although each is an orbit of its own."""
    face_centred = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    noise = np.random.default_rng(0).normal(0.0, 0.005, (4, 3))
    mixed = (Species(26, 0.6, None), Species(28, 0.4, None))
    found = averaged_cell(DisorderedCrystal("x", 3.59 * np.eye(3), face_centred + noise, np.zeros(4, dtype=np.int64), (mixed,)))
    assert found.symmetric.orbit.tolist() == [0, 1, 2, 3] and found.symmetric.space_group == 1
    frame = rows(["FeX"], [1]).assign(fingerprint=found.fingerprint, uniaxial_possible=True)
    assert with_measured(frame, lambda wanted: [found.symmetric], None)["uniaxial_possible"].tolist() == [False]
