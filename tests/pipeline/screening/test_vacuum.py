"""Slabs are told from bulk crystals by the widest layer without atoms."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.screening.vacuum import vacuum_note
from tests.contract.crystals import hand_built

SHEAR = np.array([[1, 0, 0], [0, 1, 0], [1, 0, 1]])


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("shift", [0.0, 0.37, -0.01])
def test_a_slab_along_any_axis_and_at_any_height(axis: int, shift: float) -> None:
    lattice, frac = np.diag([3.0, 3.0, 3.0]), np.zeros((2, 3))
    lattice[axis, axis] = 20.0
    frac[1, axis] = 0.1
    assert "a layer of 18 Å" in vacuum_note(lattice, frac + shift)


def test_a_slab_in_an_oblique_cell_is_as_thick_as_it_is() -> None:
    lattice = SHEAR @ np.diag([3.0, 3.0, 20.0])
    assert "a layer of 18 Å" in vacuum_note(lattice, np.array([[0.0, 0, 0], [0.4, 0, 0.1]]))


def test_bulk_crystals_have_none() -> None:
    for name, crystal in hand_built().items():
        note = vacuum_note(crystal.lattice, crystal.frac)
        assert (note != "") == (name == "CrI3 layer"), (name, note)
    long = np.diag([3.0, 3.0, 60.0])
    assert vacuum_note(long, np.array([[0.0, 0, k / 20] for k in range(20)])) == ""
