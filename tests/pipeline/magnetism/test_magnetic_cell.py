"""Cells as copies of their primitive cell, and the permutations of their sites."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.crystal import Crystal, make_crystal
from pipeline.magnetism.exchange_paths import exchange_pairs, magnetic_sites
from pipeline.magnetism.magnetic_cell import coset_index, coset_representatives, enlarge, map_to_primitive, symmetries
from pipeline.magnetism.site_graphs import build_site_graphs

EXACT_A = 1e-3  # Å
EXACT = 1e-6  # Å, or relative
CUBE = make_crystal("fcc", 3.6 / 2 * (1 - np.eye(3)), [[0, 0, 0]], [28])
SALT = make_crystal("salt", 2.22 * (1 - np.eye(3)), [[0, 0, 0], [0.5, 0.5, 0.5]], [25, 8])
SUPERCELLS = st.lists(st.integers(-2, 2), min_size=9, max_size=9).map(lambda v: np.array(v).reshape(3, 3))


def supercell_of(crystal: Crystal, matrix: np.ndarray, rng: np.random.Generator) -> Crystal:
    points = coset_representatives(matrix)
    frac = (crystal.frac[None] + points[:, None]).reshape(-1, 3) @ np.linalg.inv(matrix)
    numbers = np.tile(crystal.numbers, len(points))
    order = rng.permutation(len(numbers))
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    return make_crystal("big", matrix @ crystal.lattice @ turn, (frac + rng.random(3))[order], numbers[order])


def distances(crystal: Crystal) -> np.ndarray:
    """(n, n) shortest distances between sites, from 7³ cells."""
    steps = np.stack(np.meshgrid(*[np.arange(-3, 4)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    apart = crystal.frac[:, None] - crystal.frac[None]
    apart = (apart - np.rint(apart))[:, :, None] + steps
    return np.linalg.norm(apart @ crystal.lattice, axis=-1).min(axis=-1)


@given(SUPERCELLS, st.integers(0, 2**31))
def test_a_cell_is_put_together_from_its_primitive_cell(matrix: np.ndarray, seed: int) -> None:
    if not 1 <= abs(round(np.linalg.det(matrix))) <= 6:
        return
    big = supercell_of(SALT, matrix, np.random.default_rng(seed))
    placed = map_to_primitive(big)
    assert len(placed.cell.numbers) == 2 and placed.copies == abs(round(np.linalg.det(matrix)))
    frac = (placed.cell.frac[placed.site] + placed.translation) @ np.linalg.inv(placed.supercell)
    again = make_crystal("again", placed.supercell @ placed.cell.lattice, frac, placed.cell.numbers[placed.site])
    assert np.array_equal(again.numbers, big.numbers)
    assert np.abs(distances(again) - distances(big)).max() < EXACT_A


@given(SUPERCELLS, st.integers(0, 2**31))
def test_permutations_are_a_group_and_keep_all_distances(matrix: np.ndarray, seed: int) -> None:
    if not 1 <= abs(round(np.linalg.det(matrix))) <= 4:
        return
    big = supercell_of(SALT, matrix, np.random.default_rng(seed))
    rows = symmetries(map_to_primitive(big)).permutations
    assert np.array_equal(rows[0], np.arange(big.n_sites))
    found = {tuple(row) for row in rows.tolist()}
    assert len(found) == len(rows)
    assert all(tuple(a[b].tolist()) in found for a in rows[:6] for b in rows[:: max(1, len(rows) // 7)])
    apart = distances(big)
    for row in rows:
        assert np.array_equal(big.numbers[row], big.numbers)
        assert np.abs(apart[row][:, row] - apart).max() < EXACT_A


@pytest.mark.parametrize(("factor", "order"), [(1, 1), (2, 192)])
def test_the_group_of_a_doubled_face_centred_cell(factor: int, order: int) -> None:
    """All 48 rotations and 8 translations; inversion moves every site of the doubled lattice onto a copy of itself."""
    rows = symmetries(enlarge(map_to_primitive(CUBE).cell, factor * np.eye(3, dtype=np.int64))).permutations
    assert len(rows) == order


def test_cosets_are_numbered_through() -> None:
    matrix = np.array([[2, 1, 0], [0, 3, 0], [1, 0, 1]])
    points = coset_representatives(matrix)
    assert len(points) == 6 and sorted(coset_index(points, matrix).tolist()) == list(range(6))
    assert np.array_equal(coset_index(points + matrix[0] - 2 * matrix[1], matrix), coset_index(points, matrix))


def test_a_crystal_without_symmetry_is_its_own_primitive_cell() -> None:
    rng = np.random.default_rng(0)
    odd = make_crystal("odd", 4 * np.eye(3) + rng.normal(scale=0.4, size=(3, 3)), rng.random((3, 3)), [26, 27, 8])
    placed = map_to_primitive(odd)
    assert placed.copies == 1 and len(symmetries(placed).permutations) == 1


def test_links_are_the_neighbours_of_the_cell() -> None:
    big = supercell_of(SALT, np.array([[1, 0, 0], [0, 2, 0], [0, 0, 2]]), np.random.default_rng(5))
    graphs, _ = build_site_graphs([map_to_primitive(big)])
    apart = distances(big)
    assert len(graphs.link_pair)
    shortest = np.full((big.n_sites, big.n_sites), np.inf)
    np.minimum.at(shortest, (graphs.link_target, graphs.link_source), graphs.pair_distance[graphs.link_pair])
    there = np.isfinite(shortest)
    assert np.abs(shortest - apart)[there].max() < EXACT_A
    metal = big.numbers == 25
    assert there[np.ix_(metal, metal)].sum() == metal.sum() * (metal.sum() - 1)  # all pairs of different magnetic sites
    assert not there[:, ~metal].any()


def test_superexchange_angles_are_seen() -> None:
    """In rock salt nearest metals share two anions at 90°, next nearest one at 180°."""
    pairs = exchange_pairs(map_to_primitive(SALT).cell)
    metals = ~pairs.kind_induced
    order = np.argsort(pairs.kind_distance[metals])
    first, second = pairs.kind_paths[metals][order][:2]
    assert first[:6].argmax() in (2, 3) and first[2:4].sum() == pytest.approx(2 * 2 * np.exp(-((0.2 / 0.3) ** 2)), rel=0.05)
    assert second[:6].argmax() == 0 and second[0] == pytest.approx(1.0, rel=0.05)


def test_magnetic_sites_are_atoms_with_open_shells_or_all_atoms() -> None:
    assert magnetic_sites(np.array([25, 8, 30, 64])).tolist() == [True, False, False, True]
    assert magnetic_sites(np.array([19, 8, 8])).all()


def test_how_well_a_cell_obeys() -> None:
    """The identity is obeyed exactly, translations come first, and what was moved by 0.02 Å says so."""
    rng = np.random.default_rng(2)
    ideal = enlarge(map_to_primitive(CUBE).cell, 2 * np.eye(3, dtype=np.int64))
    crystal = make_crystal("doubled", ideal.lattice, ideal.cart @ np.linalg.inv(ideal.lattice), ideal.cell.numbers[ideal.site])
    exact = symmetries(map_to_primitive(crystal))
    assert exact.shift.max() < EXACT and exact.strain.max() < EXACT
    copies = map_to_primitive(crystal).copies
    free = [(row != np.arange(crystal.n_sites)).all() for row in exact.permutations[1:copies]]
    assert copies == 8 and all(free), "translations leave no site where it is"
    frac = crystal.frac.copy()
    frac[3] += 0.02 / np.linalg.norm(crystal.lattice[0]) * np.array([1.0, 0.0, 0.0])
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    moved = symmetries(map_to_primitive(make_crystal("moved", crystal.lattice @ turn, frac, crystal.numbers)))
    still = [k for k, row in enumerate(moved.permutations) if row[3] == 3]
    away = [k for k, row in enumerate(moved.permutations) if row[3] != 3]
    assert moved.shift[0] < EXACT
    assert moved.shift[away].min() == pytest.approx(0.02 * np.sqrt(2 / crystal.n_sites), rel=0.3)
    assert moved.shift[still].max() < moved.shift[away].min() * 1.5
    strained = make_crystal("strained", crystal.lattice * np.array([1.004, 1.0, 1.0]), crystal.frac, crystal.numbers)
    found = symmetries(map_to_primitive(strained))
    # (1.004² - 1) (a/2)², over the mean square a²/2 of the primitive vectors
    assert found.shift.max() < EXACT and found.strain.max() == pytest.approx(0.004, rel=0.05)
    assert 3 * (found.strain < EXACT).sum() == len(found.strain), "of the cubic group the tetragonal third"
