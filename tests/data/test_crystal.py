"""The crystal: what it refuses, its formula, and the way to pymatgen and back."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Composition, Element, Lattice, Structure

from data.crystal import MAX_ATOMIC_NUMBER, Crystal, CrystalError, make_crystal

ROUND_TRIP_TOLERANCE = 1e-12
CUBE = 3.0 * np.eye(3)
NOBLE_GASES = {2, 10, 18}  # without an electronegativity, so that pymatgen itself has no firm order for them
ELEMENTS = [z for z in range(1, MAX_ATOMIC_NUMBER + 1) if z not in NOBLE_GASES]


@pytest.mark.parametrize(
    ("lattice", "frac", "numbers", "told"),
    [
        (np.eye(2), [[0, 0, 0]], [26], "lattice has shape"),
        (CUBE, np.zeros((0, 3)), [], "no atomic site"),
        (CUBE, [[0, 0, 0], [0.5, 0.5, 0.5]], [26], "1 atomic numbers but coordinates"),
        (CUBE, [[0, math.nan, 0]], [26], "not a finite"),
        (CUBE, [[0, math.inf, 0]], [26], "not a finite"),
        (CUBE * math.nan, [[0, 0, 0]], [26], "not a finite"),
        ([[1, 0, 0], [2, 0, 0], [0, 0, 1]], [[0, 0, 0]], [26], "cell volume"),
        (CUBE * 0.01, [[0, 0, 0]], [26], "cell volume"),
        (CUBE * 1e150, [[0, 0, 0]], [26], "cell volume"),
        (CUBE, [[0, 0, 0]], [0], "atomic numbers must lie"),
        (CUBE, [[0, 0, 0]], [MAX_ATOMIC_NUMBER + 1], "atomic numbers must lie"),
    ],
)
def test_numbers_that_are_no_crystal_are_refused(lattice: object, frac: object, numbers: object, told: str) -> None:
    with np.errstate(over="ignore"), pytest.raises(CrystalError, match=told):
        make_crystal("x", lattice, frac, numbers)


def test_the_heaviest_and_the_lightest_element_are_accepted() -> None:
    assert make_crystal("x", CUBE, [[0, 0, 0], [0.5, 0.5, 0.5]], [1, MAX_ATOMIC_NUMBER]).n_sites == 2


def test_a_left_handed_cell_has_a_positive_volume() -> None:
    assert make_crystal("x", -CUBE, [[0, 0, 0]], [26]).volume == pytest.approx(27.0)


@given(st.dictionaries(st.sampled_from(ELEMENTS), st.integers(1, 12), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_formula_and_chemical_system_are_those_of_pymatgen(counts: dict[int, int], shuffle: object) -> None:
    numbers = [z for z, n in counts.items() for _ in range(n)]
    shuffle.shuffle(numbers)  # type: ignore[attr-defined]
    crystal = make_crystal("x", 20.0 * np.eye(3), np.arange(3 * len(numbers)).reshape(-1, 3) / 300, numbers)
    composition = Composition({Element.from_Z(z).symbol: n for z, n in counts.items()})
    assert crystal.formula == composition.reduced_formula
    assert crystal.chemsys == composition.chemical_system


@given(
    st.lists(st.floats(2.0, 9.0), min_size=3, max_size=3),
    st.lists(st.floats(65.0, 115.0), min_size=3, max_size=3),
    st.lists(st.tuples(*[st.floats(-2.0, 2.0)] * 3, st.sampled_from(ELEMENTS)), min_size=1, max_size=8),
)
def test_the_way_to_pymatgen_and_back_changes_nothing(
    lengths: list[float], angles: list[float], sites: list[tuple[float, float, float, int]]
) -> None:
    matrix = Lattice.from_parameters(*lengths, *angles).matrix
    crystal = make_crystal("x", matrix, [s[:3] for s in sites], [s[3] for s in sites])
    back = Crystal.from_pymatgen(crystal.to_pymatgen(), "y")
    assert back.id == "y"
    np.testing.assert_allclose(back.lattice, crystal.lattice, atol=ROUND_TRIP_TOLERANCE)
    np.testing.assert_allclose(back.frac, crystal.frac, atol=ROUND_TRIP_TOLERANCE)
    assert back.numbers.tolist() == crystal.numbers.tolist()


def test_oxidation_states_do_not_matter() -> None:
    charged = Structure(Lattice(CUBE), ["Fe3+", "O2-"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    assert Crystal.from_pymatgen(charged, "x").numbers.tolist() == [26, 8]


@pytest.mark.parametrize("species", [{"Fe": 0.5, "Co": 0.5}, {"Fe": 0.9}, {"Fe2+": 0.5, "Fe3+": 0.5}])
def test_a_disordered_structure_is_refused(species: dict[str, float]) -> None:
    structure = Structure(Lattice(CUBE), [species], [[0, 0, 0]])
    with pytest.raises(CrystalError, match="occupancy"):
        Crystal.from_pymatgen(structure, "x")
