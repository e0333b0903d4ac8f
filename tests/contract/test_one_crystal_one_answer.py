"""The same crystal, described differently, has the same competing orderings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from data.cif.reader import read_cif
from data.crystal import Crystal
from data.sources import Record
from data.sources.starter import StarterSource
from data.symmetry import SymmetricCell, symmetrise
from pipeline.magnetism.canonical_cell import CanonicalCell, canonical_cell, in_canonical_cell
from pipeline.magnetism.competing_orderings import orderings
from pipeline.magnetism.magnetic_cell import map_to_primitive
from tests.contract.crystals import hand_built, permuted, random_rotation, rebased, rotated, supercell, translated

CANDIDATES = 24
STEP = 20  # of the starter set, one crystal in so many
PLACES = 4  # decimals of Å, µB and fractional coordinates in which two answers must agree
SHEAR = ((1, 1, 0), (0, 1, 0), (-1, 0, 1))
Answer = list[tuple[object, ...]]


def described_differently(crystal: Crystal, seed: int) -> Iterator[tuple[str, Crystal]]:
    """Other origins, orientations, site orders, bases of the lattice, and a supercell."""
    rng = np.random.default_rng(seed)
    shift = rng.random(3).tolist()
    yield "origin and site order", permuted(translated(rotated(crystal, random_rotation(seed)), shift), seed)
    yield "setting", permuted(rebased(translated(crystal, shift), SHEAR), seed + 1)
    if crystal.n_sites <= 40:
        repeats = ((2, 1, 1), (1, 2, 1), (1, 1, 2))[seed % 3]
        yield "supercell", permuted(supercell(translated(crystal, shift), repeats), seed + 2)


def answer(crystal: Crystal) -> Answer:
    """Names, lattices, sites and moments of all orderings, in their order.

    An ordering is written as a crystal whose elements are (element, moment), in the canonical cell of that crystal.
    """
    found: Answer = []
    for ordering in orderings(symmetrise(crystal)):
        structure, moments = ordering.structure, np.round(ordering.moments, PLACES)
        kinds = {kind: k for k, kind in enumerate(sorted(set(zip(structure.atomic_numbers, moments.tolist(), strict=True))))}
        numbers = np.array([kinds[kind] for kind in zip(structure.atomic_numbers, moments.tolist(), strict=True)]) + 1
        sites = np.arange(len(numbers))
        cell = canonical_cell(SymmetricCell(structure.lattice.matrix, structure.frac_coords % 1.0, numbers, sites, 1, False))
        frac = np.round(np.round(cell.frac, PLACES) % 1.0, PLACES)
        rows = np.column_stack([cell.numbers, frac])
        found.append((ordering.name, list(kinds), np.round(cell.lattice, PLACES).tolist(), rows.tolist()))
    return found


@pytest.mark.parametrize("name", list(hand_built()))
def test_a_known_crystal_has_one_answer(name: str) -> None:
    crystal = hand_built()[name]
    expected = answer(crystal)
    for seed in range(4):
        for what, other in described_differently(crystal, seed):
            assert answer(other) == expected, what


def test_starter_crystals_have_one_answer() -> None:
    source = StarterSource()
    crystals = [found.crystal for shard in source.shards() for found in source.read(shard) if isinstance(found, Record)][::STEP]
    differing = []
    for seed, crystal in enumerate(crystals):
        expected = answer(crystal)
        differing += [(crystal.formula, what) for what, c in described_differently(crystal, seed) if answer(c) != expected]
    assert not differing


def test_candidates_have_one_answer(shared_data: Callable[[str], Path]) -> None:
    table = pq.read_table(shared_data("icsd_candidates.parquet"), columns=["cif"])
    rows = table.take(np.sort(np.random.default_rng(0).choice(len(table), CANDIDATES, replace=False)))
    differing = []
    for seed, text in enumerate(rows.column("cif").to_pylist()):
        crystal = next(read_cif(text, "candidates", str(seed)))
        if isinstance(crystal, Crystal):
            expected = answer(crystal)
            differing += [(crystal.formula, what) for what, c in described_differently(crystal, seed) if answer(c) != expected]
    assert not differing


@pytest.mark.parametrize("name", list(hand_built()))
def test_a_canonical_cell_is_the_crystal(name: str) -> None:
    """Same volume and composition; every operation maps the sites of each orbit onto each other; distances are kept."""
    cell = symmetrise(hand_built()[name])
    found = canonical_cell(cell)
    assert np.linalg.det(found.lattice) == pytest.approx(abs(np.linalg.det(cell.lattice)), rel=1e-6)
    assert np.linalg.det(found.lattice) > 0
    assert sorted(found.numbers.tolist()) == sorted(cell.numbers.tolist())
    rotations, shifts = found.operations()
    assert len(rotations) == len(cell.operations()[0])
    for w, t in zip(rotations, shifts, strict=True):
        apart = (found.frac @ w.T + t)[:, None] - found.frac
        near = np.linalg.norm((apart - np.rint(apart)) @ found.lattice, axis=-1) < 1e-4
        assert (near.sum(axis=1) == 1).all()
        assert np.array_equal(found.orbit[near.argmax(axis=1)], found.orbit)
    one, other = (
        np.sort(Crystal("x", c.lattice, c.frac, c.numbers).to_pymatgen().get_neighbor_list(4.0)[3]) for c in (cell, found)
    )
    np.testing.assert_allclose(other, one, atol=1e-6)


def test_mirror_images_of_a_chiral_crystal_stay_apart() -> None:
    chiral = hand_built()["MnSi"]
    mirror = rotated(chiral, random_rotation(0, handedness=-1))
    one, other = (canonical_cell(symmetrise(c)) for c in (chiral, mirror))
    assert not np.allclose(one.frac, other.frac, atol=1e-3)


@pytest.mark.parametrize("name", list(hand_built()))
def test_a_cell_in_terms_of_the_canonical_one_has_its_sites_where_they_were(name: str) -> None:
    placed = map_to_primitive(supercell(hand_built()[name], (1, 2, 1)))
    found = in_canonical_cell(placed)
    assert isinstance(found.cell, CanonicalCell)
    assert np.array_equal(found.cell.numbers[found.site], placed.cell.numbers[placed.site])
    whole = np.linalg.norm((found.cell.frac[found.site] + found.translation) @ found.cell.lattice, axis=1)
    ideal = np.linalg.norm((placed.cell.frac[placed.site] + placed.translation - found.cell.origin) @ placed.cell.lattice, axis=1)
    np.testing.assert_allclose(whole, ideal, atol=1e-6)
    volume = abs(np.linalg.det(found.supercell @ found.cell.lattice))
    assert volume == pytest.approx(abs(np.linalg.det(placed.supercell @ placed.cell.lattice)), rel=1e-6)
