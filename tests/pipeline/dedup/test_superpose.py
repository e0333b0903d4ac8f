"""The fast test of two cells by its limits: scale, lengths, angles and places, each a fifth of what StructureMatcher allows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from data.symmetry import SymmetricCell, symmetrise
from pipeline.dedup.matching import Bucket, match_bucket
from pipeline.dedup.superpose import superposed
from tests.contract.crystals import hand_built

FRAC = np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.1], [0.1, 0.5, 0.5], [0.6, 0.1, 0.5], [0.3, 0.3, 0.7]])
NUMBERS = np.array([26, 26, 8, 8, 8])
EDGE_A = 4.0


def cell(lattice: np.ndarray | None = None, frac: np.ndarray = FRAC, numbers: np.ndarray = NUMBERS) -> SymmetricCell:
    lattice = EDGE_A * np.eye(3) if lattice is None else lattice
    return SymmetricCell(lattice, frac % 1.0, numbers, np.arange(len(numbers)), 1, True)


def both_ways(other: SymmetricCell) -> bool:
    found = superposed(cell(), other)
    assert superposed(other, cell()) == found
    return found


@pytest.mark.parametrize("seed", range(5))
def test_neither_size_nor_origin_nor_the_order_of_sites_matters(seed: int) -> None:
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(NUMBERS))
    assert both_ways(cell(rng.uniform(0.7, 1.4) * EDGE_A * np.eye(3), (FRAC + rng.random(3))[order], NUMBERS[order]))
    assert both_ways(cell(frac=FRAC + rng.random(3)))


def test_other_elements_or_other_numbers_of_them_are_another_crystal() -> None:
    assert not both_ways(cell(numbers=np.array([26, 8, 8, 8, 8])))
    assert not both_ways(cell(numbers=np.array([26, 8, 26, 8, 8])))
    assert not both_ways(cell(frac=FRAC[:4], numbers=NUMBERS[:4]))


@pytest.mark.parametrize(("stretched", "same"), [(1.025, True), (0.975, True), (1.035, False), (0.965, False)])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_each_axis_agrees_to_two_per_cent_of_a_cell_of_the_same_volume(axis: int, stretched: float, same: bool) -> None:
    """Of an axis that is 3 % longer than the others, 2 % are left."""
    lattice = EDGE_A * np.eye(3)
    lattice[axis] *= stretched
    assert both_ways(cell(lattice)) is same


@pytest.mark.parametrize(("cosine", "same"), [(0.009, True), (-0.009, True), (0.012, False), (-0.012, False)])
@pytest.mark.parametrize("pair", [(0, 1), (1, 2), (2, 0)])
def test_each_angle_agrees_to_a_hundredth_of_its_cosine(pair: tuple[int, int], cosine: float, same: bool) -> None:
    lattice = EDGE_A * np.eye(3)
    lattice[pair[0]] = EDGE_A * (np.sqrt(1 - cosine**2) * np.eye(3)[pair[0]] + cosine * np.eye(3)[pair[1]])
    assert both_ways(cell(lattice)) is same


@pytest.mark.parametrize(("share", "same"), [(0.9, True), (1.1, False)])
@pytest.mark.parametrize("site", [2, 3, 4])
@pytest.mark.parametrize("turned", [False, True])
def test_each_place_agrees_to_two_per_cent_of_the_size_of_an_atom(site: int, turned: bool, share: float, same: bool) -> None:
    """0.02 of the root of the volume of an atom; site by site in the same order, and among all of an element in another one."""
    moved = FRAC.copy()
    moved[site, 1] -= share * 0.02 * (EDGE_A**3 / 5) ** (1 / 3) / EDGE_A
    order = np.array([1, 0, 4, 2, 3]) if turned else np.arange(5)
    assert both_ways(cell(frac=moved[order], numbers=NUMBERS[order])) is same


def test_a_duplicate_is_one_of_an_original() -> None:
    """Of three volumes, 9 % apart each, the last is like the second only, which is a duplicate itself."""
    iron = symmetrise(hand_built()["Fe"])
    cells = [replace(iron, lattice=iron.lattice * factor) for factor in (1.0, 1.03, 1.06)]
    assert match_bucket(Bucket(cells)).first == [None, 0, None]
    assert match_bucket(Bucket(cells[1:])).first == [None, 0]
