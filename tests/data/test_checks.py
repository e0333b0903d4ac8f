"""The checks of every crystal: limits of the cell, and atoms on one another, against all images one by one."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

import numpy as np
import pytest

from data.checks import MAX_COORDINATE, MAX_EDGE_A, MAX_SITES, Unsound, check_cell, check_crystal, check_distances
from data.crystal import Crystal, make_crystal
from data.rejection import Reason

CUBE = 4.0 * np.eye(3)
IMAGES = np.array(list(itertools.product(range(-6, 7), repeat=3)))  # enough for cells that `oblique` makes


def oblique(rng: np.random.Generator, flat: bool) -> np.ndarray:
    """A sheared cell; a flat one has lattice planes less than 1 Å apart."""
    edges = np.diag(rng.uniform(0.45, 0.95, 3) if flat else rng.uniform(1.2, 4.0, 3))
    shear = np.eye(3) + np.tril(rng.uniform(-1.5, 1.5, (3, 3)), -1)
    return shear @ edges


def reason(check: Callable[[Crystal], None], crystal: Crystal) -> Reason | None:
    """Why a check refuses a crystal; None where it does not."""
    try:
        check(crystal)
    except Unsound as fault:
        return fault.reason
    return None


def nearest(crystal: Crystal) -> np.ndarray:
    """(n,) Å from each atom to the nearest other atom or image of itself, over all IMAGES."""
    apart = (crystal.frac[:, None, None] - crystal.frac[None, :, None] + IMAGES) @ crystal.lattice
    distance = np.linalg.norm(apart, axis=-1)
    itself = (np.arange(crystal.n_sites)[:, None, None] == np.arange(crystal.n_sites)[None, :, None]) & ~IMAGES.any(axis=1)
    return np.where(itself, np.inf, distance).min(axis=(1, 2))


@pytest.mark.parametrize("flat", [False, True])
def test_an_atom_within_half_an_angstrom_is_found_in_every_cell(flat: bool) -> None:
    rng, kinds = np.random.default_rng(0), {False: 0, True: 0}
    while min(kinds.values()) < 40:
        sites = int(rng.integers(1, 5))
        lattice, frac = oblique(rng, flat), rng.uniform(-0.5, 1.5, (sites, 3))
        if rng.random() < 0.5 and sites > 1:  # two atoms near each other, across whatever face
            frac[1] = frac[0] + rng.normal(scale=0.25, size=3) @ np.linalg.inv(lattice) + rng.integers(-1, 2, 3)
        crystal = make_crystal("x", lattice, frac, [26] * sites)
        shortest = nearest(crystal)
        overlaps = bool(shortest.min() < 0.5)
        kinds[overlaps] += 1
        if not overlaps:
            check_crystal(crystal)
            continue
        with pytest.raises(Unsound) as found:
            check_crystal(crystal)
        assert found.value.reason is Reason.OVERLAPPING_SITES
        site, distance = re.fullmatch(r"site (\d+) has another atom at (\d\.\d{3}) Å", found.value.detail).groups()
        assert float(distance) == pytest.approx(shortest[int(site) - 1], abs=6e-4)


@pytest.mark.parametrize(("apart_A", "sound"), [(0.501, True), (0.499, False), (0.0, False)])
def test_half_an_angstrom_is_the_limit(apart_A: float, sound: bool) -> None:
    crystal = make_crystal("x", CUBE, [[0.99, 0, 0], [0.99 + apart_A / 4.0 - 1.0, 0, 0]], [26, 27])
    assert reason(check_distances, crystal) is (None if sound else Reason.OVERLAPPING_SITES)


def test_an_atom_near_its_own_image() -> None:
    """A cell edge of 0.45 Å; the atom of the same place does not count."""
    check_distances(make_crystal("x", np.diag([0.55, 9.0, 9.0]), [[0.3, 0.3, 0.3]], [26]))
    with pytest.raises(Unsound, match=r"site 1 has another atom at 0.450 Å"):
        check_distances(make_crystal("x", np.diag([0.45, 9.0, 9.0]), [[0.3, 0.3, 0.3]], [26]))


@pytest.mark.parametrize("where", [3, 300, 1500])
def test_places_are_checked_against_all_atoms_and_named(where: int) -> None:
    """However many there are: a place beyond the first rows that are worked on together, too."""
    grid = np.array(list(itertools.islice(itertools.product(range(13), repeat=3), 1600))) / 13
    frac = np.concatenate([grid, [grid[where] + 0.003 * np.eye(3)[2]]])
    crystal = make_crystal("x", 26.0 * np.eye(3), frac, [26] * len(frac))
    with pytest.raises(Unsound, match=rf"site {where + 1} has another atom at 0.078 Å"):
        check_distances(crystal)
    with pytest.raises(Unsound, match=rf"site 'Fe{where}' has"):
        check_distances(crystal, grid, lambda k: f"Fe{k}")
    check_distances(crystal, np.delete(grid, where, axis=0))


@pytest.mark.parametrize(
    ("lattice", "frac", "expected"),
    [
        (np.diag([MAX_EDGE_A, 3.0, 3.0]), [[0.1, 0, 0]], None),
        (np.diag([3.0, 1.001 * MAX_EDGE_A, 3.0]), [[0.1, 0, 0]], Reason.NO_CELL),
        (CUBE, [[0, 0, -MAX_COORDINATE]], None),
        (CUBE, [[0, 0, -1.001 * MAX_COORDINATE]], Reason.BAD_COORDINATES),
    ],
)
def test_limits_of_edges_and_coordinates(lattice: np.ndarray, frac: list[list[float]], expected: Reason | None) -> None:
    crystal = make_crystal("x", lattice, frac, [26])
    assert reason(check_cell, crystal) is reason(check_crystal, crystal) is expected


@pytest.mark.parametrize(("sites", "sound"), [(MAX_SITES, True), (MAX_SITES + 1, False)])
def test_the_limit_of_sites(sites: int, sound: bool) -> None:
    grid = np.array(list(itertools.islice(itertools.product(range(13), repeat=3), sites))) / 13
    crystal = make_crystal("x", 26.0 * np.eye(3), grid, [26] * sites)
    assert reason(check_cell, crystal) is reason(check_crystal, crystal) is (None if sound else Reason.TOO_LARGE)


def test_a_cell_too_flat_for_its_neighbours_to_be_counted() -> None:
    flat = make_crystal("x", np.diag([900.0, 900.0, 1e-4]), np.random.default_rng(0).random((400, 3)), [26] * 400)
    with pytest.raises(Unsound, match="lattice planes only") as found:
        check_distances(flat)
    assert found.value.reason is Reason.NO_CELL
