"""The look-up of measurements beside predictions: a crystal that is nearly of the measured structure has it."""

from __future__ import annotations

import pandas as pd
import pytest
from pymatgen.core import Lattice, Structure

from data.crystal import Crystal
from data.symmetry import symmetrise
from pipeline.screening.measured import NEARLY_A, with_measured
from tests.contract.crystals import of_space_group

IRON = of_space_group("Im-3m", Lattice.cubic(2.866), ["Fe"], [[0, 0, 0]])
RUTILE = of_space_group("P4_2/mnm", Lattice.tetragonal(4.421, 2.917), ["Cr", "O"], [[0, 0, 0], [0.303, 0.303, 0]])
CLOSE_PACKED = of_space_group("P6_3/mmc", Lattice.hexagonal(2.45, 3.93), ["Fe"], [[1 / 3, 2 / 3, 0.25]])


def noisy(structure: Structure, by_A: float) -> Structure:
    return structure.make_supercell([2, 1, 1], in_place=False).perturb(by_A)


@pytest.mark.parametrize(
    ("structure", "basis"),
    [
        (IRON, "measured"),
        (IRON.apply_strain([0.005, 0, 0], inplace=False), "measured"),
        (noisy(IRON, 0.03), "measured"),
        (noisy(RUTILE, 0.03), "measured"),
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

    frame = pd.DataFrame(
        {
            "formula": ["NaCl", structure.composition.reduced_formula],
            "space_group": [225, cell.space_group], "p_magnetic": 0.95,
            "p_ferromagnetic": 0.8, "p_ferrimagnetic": 0.1, "p_fm_or_fim_predicted": 0.95, "moment_muB_per_atom": 1.0,
            "moment_low": 0.9, "moment_high": 1.1, "tc_K": 500.0, "tc_low_K": 300.0, "tc_high_K": 700.0, "p_tc_above_300": 0.95,
            "p_tc_above_450": 0.7, "p_tc_above_600": 0.2, "p_tc_260_to_340": 0.1, "volume_per_atom": 12.0,
        }
    )  # fmt: skip
    found = with_measured(frame, cells, None)
    assert found["order_basis"].tolist() == ["predicted", basis]
    assert (found["known_elsewhere"][1] == "") == (basis == "measured")
    assert asked in ([], [1]), "the crystals of other compositions are not asked for"
    assert found["space_group"][1] == cell.space_group
