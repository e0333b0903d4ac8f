"""The one table of starting moments."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.analysis.magnetism.analyzer import DEFAULT_MAGMOMS

from data.crystal import MAX_ATOMIC_NUMBER, symbol
from data.elements import FROZEN_4F, HUND, ODD_BESIDE_FROZEN_4F, STRONGLY_MAGNETIC, four_f_moment, lande_factor, starting_moment
from pipeline.magnetism.starting_moments import start_moments

LEAST_MUB = 1.0


def test_sizes_are_those_of_pymatgen() -> None:
    """Where its table has the neutral element; smaller ones are raised to what Quantum ESPRESSO takes for µB."""
    for z in range(1, 96):
        if symbol(z) in DEFAULT_MAGMOMS:
            assert starting_moment(z) == max(DEFAULT_MAGMOMS[symbol(z)], LEAST_MUB), symbol(z)


def test_every_element_has_one() -> None:
    assert all(LEAST_MUB <= starting_moment(z) <= 11 for z in range(1, MAX_ATOMIC_NUMBER + 1))
    assert all(starting_moment(z) > LEAST_MUB for z in range(92, 102)), "5f electrons"


def test_an_f_shell_carries_its_moment_beside_iron() -> None:
    for z in (60, 64, 70, 92, 96, 98, 101):
        assert z in STRONGLY_MAGNETIC
        assert start_moments(np.array([z, 26])).tolist() == [starting_moment(z), 5.0]
    assert start_moments(np.array([8, 26])).tolist() == [0.0, 5.0]


def test_the_two_sets_of_frozen_shells() -> None:
    """They differ by Pm and Lu, which are 3+, and by Yb, which is 2+ in the calculations of the labels."""
    assert set(ODD_BESIDE_FROZEN_4F) - FROZEN_4F == {61, 71} and FROZEN_4F - set(ODD_BESIDE_FROZEN_4F) == {70}
    assert not {58, 63, 64} & (FROZEN_4F | set(ODD_BESIDE_FROZEN_4F)), "their 4f electrons are valence electrons"


def test_lande_factors_are_those_of_the_textbook() -> None:
    """Jensen and Mackintosh, Rare Earth Magnetism, 1991, table 1.1; of Eu2+ that of Gd3+, which has as many electrons."""
    light = {58: 6 / 7, 59: 4 / 5, 60: 8 / 11, 61: 3 / 5, 62: 2 / 7}
    table = light | {64: 2, 65: 3 / 2, 66: 4 / 3, 67: 5 / 4, 68: 6 / 5, 69: 7 / 6, 70: 8 / 7}
    assert {z: lande_factor(z) for z in table} == pytest.approx(table)
    assert lande_factor(63) == lande_factor(64) and {*table, 63} == set(HUND)
    assert four_f_moment(66) == pytest.approx(10.0) and four_f_moment(26) == 0.0
