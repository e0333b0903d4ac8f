"""Planted duplicates are found in any disguise; different crystals of one formula are not."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from data.crystal import Crystal, make_crystal
from data.symmetry import symmetrise
from pipeline.dedup.fingerprint import fingerprint
from pipeline.refresh.repeats import Repeat, find_repeats, repeated

A = 4.21  # Å, MgO
ROCK_SALT = make_crystal("MgO", A / 2 * (np.ones((3, 3)) - np.eye(3)), [[0, 0, 0], [0.5, 0.5, 0.5]], [12, 8])
CAESIUM_CHLORIDE = make_crystal("MgO, CsCl", 2.65 * np.eye(3), [[0, 0, 0], [0.5, 0.5, 0.5]], [12, 8])
ZINC_BLENDE = make_crystal("MgO, ZnS", 4.6 / 2 * (np.ones((3, 3)) - np.eye(3)), [[0, 0, 0], [0.25, 0.25, 0.25]], [12, 8])


def find(crystals: Iterable[tuple[int, Crystal]]) -> list[Repeat]:
    repeats = find_repeats(crystals, workers=1)
    assert repeats.not_compared == 0
    return repeats.found


def supercell(crystal: Crystal) -> Crystal:
    cell = crystal.to_pymatgen()
    cell.make_supercell([[1, 1, 0], [0, 2, 0], [0, 1, 3]])
    return Crystal.from_pymatgen(cell, "supercell")


def another_basis(crystal: Crystal) -> Crystal:
    turn = np.array([[1, 1, 0], [0, 1, 0], [0, -1, 1]])
    return make_crystal("basis", turn @ crystal.lattice, crystal.frac @ np.linalg.inv(turn), crystal.numbers)


def moved_origin(crystal: Crystal) -> Crystal:
    return make_crystal("origin", crystal.lattice, crystal.frac + np.array([0.13, -0.4, 0.77]), crystal.numbers)


def other_order(crystal: Crystal) -> Crystal:
    return make_crystal("order", crystal.lattice, crystal.frac[::-1], crystal.numbers[::-1])


def scaled(crystal: Crystal) -> Crystal:
    return make_crystal("scaled", 1.02 * crystal.lattice, crystal.frac, crystal.numbers)


def turned(crystal: Crystal) -> Crystal:
    c, s = np.cos(0.7), np.sin(0.7)
    return make_crystal("turned", crystal.lattice @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]), crystal.frac, crystal.numbers)


def a_little_off(crystal: Crystal) -> Crystal:
    return make_crystal("off", crystal.lattice * (1 + 1e-5), crystal.frac, crystal.numbers)


DISGUISES = [supercell, another_basis, moved_origin, other_order, scaled, turned, a_little_off]


@pytest.mark.parametrize("disguise", DISGUISES, ids=lambda d: d.__name__)
@pytest.mark.parametrize("crystal", [ROCK_SALT, CAESIUM_CHLORIDE, ZINC_BLENDE], ids=lambda c: c.id)
def test_planted_duplicates_are_found(crystal: Crystal, disguise: object) -> None:
    other = disguise(crystal)  # type: ignore[operator]
    assert fingerprint(symmetrise(crystal)) == fingerprint(symmetrise(other))
    (found,) = find([(4, crystal), (9, other)])
    assert (found.row, found.of) == (9, 4)
    expected = 1.02**3 if disguise is scaled else 1.0
    assert found.volume_ratio == pytest.approx(expected, rel=1e-4)


def test_different_structures_of_one_formula_are_not() -> None:
    assert (find(enumerate([ROCK_SALT, CAESIUM_CHLORIDE, ZINC_BLENDE]))) == []


def test_one_symmetry_and_other_distances_are_not() -> None:
    """Rutile and a made-up crystal of the same space group and orbits."""
    frac = lambda x: [[0, 0, 0], [0.5, 0.5, 0.5], [x, x, 0], [-x, -x, 0], [0.5 + x, 0.5 - x, 0.5], [0.5 - x, 0.5 + x, 0.5]]  # noqa: E731
    rutile, other = (make_crystal(str(x), np.diag([4.594, 4.594, 2.959]), frac(x), [22, 22, 8, 8, 8, 8]) for x in (0.305, 0.13))
    assert fingerprint(symmetrise(rutile)) == fingerprint(symmetrise(other))
    assert (find([(0, rutile), (1, other)])) == []


def test_the_first_of_many_stands_for_all() -> None:
    crystals = [ZINC_BLENDE, ROCK_SALT, *(disguise(ROCK_SALT) for disguise in DISGUISES)]
    assert {d.of for d in find(enumerate(crystals))} == {1}
    assert len(find(enumerate(crystals))) == len(DISGUISES)


def test_a_tenth_more_volume_is_another_crystal() -> None:
    """High and low spin differ so much."""
    larger = make_crystal("larger", 1.05 * ROCK_SALT.lattice, ROCK_SALT.frac, ROCK_SALT.numbers)
    assert find([(0, ROCK_SALT), (1, larger)]) == []


def test_repeated() -> None:
    assert repeated(["a", "b", "a", "c", "b"]) == {"a", "b"}
