"""The same disordered crystal, described differently, has the same approximants."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from data.disordered import DisorderedCrystal, Occupants, Species
from pipeline.disorder.approximants import Approximants
from tests.contract.crystals import random_rotation

SAME = 1e-5  # Å, and fractional coordinates
SEEDS = 3
NOISE = 1e-9  # fractional; what programs leave when they convert a cell


def mixed(**shares: float) -> Occupants:
    numbers = {"Gd": 64, "Tb": 65, "Fe": 26, "Co": 27, "Sb": 51, "Si": 14, "Mn": 25}
    return tuple(Species(numbers[name], share, None) for name, share in sorted(shares.items(), key=lambda p: numbers[p[0]]))


def crystal(lattice: np.ndarray, places: list[tuple[Occupants, list[list[float]]]]) -> DisorderedCrystal:
    frac = np.array([place for _, several in places for place in several], dtype=np.float64)
    kind = np.repeat(np.arange(len(places)), [len(several) for _, several in places])
    return DisorderedCrystal("x", np.array(lattice, dtype=np.float64), frac, kind, tuple(occupants for occupants, _ in places))


FCC = [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
HEXAGONAL = np.array([[4.0, 0, 0], [-2.0, 4.0 * np.sqrt(0.75), 0], [0, 0, 5.1]])
CRYSTALS = {
    "bcc alloy": crystal(2.86 * np.eye(3), [(mixed(Fe=0.7, Co=0.3), [[0, 0, 0], [0.5, 0.5, 0.5]])]),
    "Laves": crystal(
        7.35 * np.eye(3),
        [
            (mixed(Gd=0.7, Tb=0.3), [[x + 0.125, y + 0.125, z + 0.125] for x, y, z in FCC]
             + [[x + 0.875, y + 0.875, z + 0.875] for x, y, z in FCC]),
            (mixed(Fe=1.0), [[x + a, y + b, z + c] for x, y, z in FCC
                             for a, b, c in ([0.5, 0.5, 0.5], [0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.25, 0.25, 0.5])]),
        ],
    ),
    "vacancies": crystal(
        HEXAGONAL, [(mixed(Fe=0.9), [[0, 0, 0], [0, 0, 0.5]]), (mixed(Sb=1.0), [[1 / 3, 2 / 3, 0.25], [2 / 3, 1 / 3, 0.75]])]
    ),
    "no symmetry": crystal(
        np.array([[3.1, 0, 0], [0.4, 4.2, 0], [-0.6, 0.9, 5.3]]),
        [
            (mixed(Fe=0.5, Mn=0.5), [[0.02, 0.05, 0.01]]), (mixed(Co=0.8), [[0.47, 0.52, 0.49]]),
            (mixed(Si=1.0), [[0.2, 0.3, 0.74]]),
        ],
    ),
    "equal occupants on two orbits": crystal(
        np.diag([3.6, 3.6, 5.9]),
        [(mixed(Fe=0.6, Co=0.4), [[0, 0, 0], [0.5, 0.5, 0.3], [0.5, 0.5, 0.7]]), (mixed(Si=1.0), [[0, 0, 0.5]])],
    ),
}  # fmt: skip


def described_differently(one: DisorderedCrystal, seed: int) -> Iterator[tuple[str, DisorderedCrystal]]:
    rng = np.random.default_rng(seed)
    order = rng.permutation(one.n_sites)
    moved = (one.frac + rng.random(3) + NOISE * rng.standard_normal(one.frac.shape))[order] % 1.0
    turned = one.lattice @ random_rotation(seed).T
    yield "origin, orientation and order of sites", DisorderedCrystal("y", turned, moved, one.kind[order], one.kinds)
    shear = np.array([[1, 1, 0], [0, 1, 0], [-1, 0, 1]])
    yield "basis", DisorderedCrystal("y", shear @ one.lattice, one.frac @ np.linalg.inv(shear), one.kind, one.kinds)
    repeats = np.array(((2, 1, 1), (1, 2, 1), (1, 1, 2))[seed % 3])
    first = one.frac / repeats
    frac = np.concatenate([first, first + (repeats > 1) / repeats])
    yield "supercell", DisorderedCrystal("y", one.lattice * repeats[:, None], frac, np.tile(one.kind, 2), one.kinds)


@pytest.mark.parametrize("name", list(CRYSTALS))
def test_one_crystal_has_one_set_of_approximants(name: str) -> None:
    expected = Approximants(CRYSTALS[name])
    number = expected.most
    wanted = expected.make(number)
    for seed in range(SEEDS):
        for what, other in described_differently(CRYSTALS[name], seed):
            made = Approximants(other)
            assert len(made.cell.frac) == len(expected.cell.frac), what
            for one, two in zip(wanted, made.make(number), strict=True):
                assert np.allclose(one.lattice, two.lattice, atol=SAME), what
                assert np.array_equal(one.numbers, two.numbers), what
                apart = one.frac - two.frac
                assert np.allclose(apart - np.rint(apart), 0.0, atol=SAME), what


@pytest.mark.parametrize("name", list(CRYSTALS))
def test_a_place_of_the_source_stands_for_each_orbit(name: str) -> None:
    one = CRYSTALS[name]
    cell = Approximants(one).cell
    assert [one.kinds[one.kind[place]] for place in cell.of_source] == list(cell.occupants)
