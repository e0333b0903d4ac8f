"""Orderings: the textbook's, and what must hold for every crystal."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from data.crystal import Crystal
from data.sources.starter import StarterSource
from data.symmetry import symmetrise
from pipeline.dedup.fingerprint import fingerprint
from pipeline.dedup.matching import Bucket, match_bucket
from pipeline.magnetism.canonical_cell import canonical_cell
from pipeline.magnetism.competing_orderings import (
    MAX_ORDERINGS,
    MAX_SITES,
    Ordering,
    chosen_orderings,
    orderings,
    textbook,
)
from pipeline.magnetism.enumerate_orderings import enumerate_orderings
from pipeline.magnetism.sign_irreps import sign_characters, site_images
from pipeline.magnetism.starting_moments import start_moments
from pipeline.magnetism.textbook_orderings import NEAR, NearestPairs, families
from tests.contract.crystals import hand_built, of_space_group, permuted, random_rotation, rotated


def built(group: str, lattice: Lattice, species: list[str], sites: list[list[float]]) -> Crystal:
    return Crystal.from_pymatgen(of_space_group(group, lattice, species, sites), group)


CHROMIA = built("R-3c", Lattice.hexagonal(4.96, 13.6), ["Cr", "O"], [[0, 0, 0.3475], [0.306, 0, 0.25]])
PEROVSKITE = built("Pm-3m", Lattice.cubic(3.8), ["Sr", "Mn", "O"], [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0]])
GARNET_LIKE = built("P6/mmm", Lattice.hexagonal(5.0, 4.0), ["Gd", "Co", "Co"], [[0, 0, 0], [1 / 3, 2 / 3, 0], [0.5, 0, 0.5]])


@lru_cache(maxsize=1)
def crystals() -> dict[str, Crystal]:
    source = StarterSource(equilibrium_only=True)
    starter = [item.crystal for shard in source.shards() for item in source.read(shard)]
    return {**hand_built(), "Cr2O3": CHROMIA, "SrMnO3": PEROVSKITE, "GdCo5": GARNET_LIKE, **{c.id: c for c in starter[::9]}}


def named(crystal: Crystal) -> dict[str, Ordering]:
    """The ferromagnet and the textbook's families."""
    cell = symmetrise(crystal)
    return {ordering.name: ordering for ordering in [orderings(cell)[0], *textbook(cell)]}


def opposite(ordering: Ordering, symbol: str, distance: float) -> tuple[int, int]:
    """(antiparallel, all) neighbours of an atom of the element at this distance (Å)."""
    structure = ordering.structure
    first = next(site for site in structure if site.specie.symbol == symbol)
    around = [n for n in structure.get_neighbors(first, distance + 0.05) if n.specie.symbol == symbol]
    shell = [n for n in around if n.nn_distance > distance - 0.05]
    return sum(n.properties["magmom"] * first.properties["magmom"] < 0 for n in shell), len(shell)


def test_rocksalt_has_the_types_one_and_two() -> None:
    """MnO and NiO order in type II: nearest neighbours half and half, all next-nearest antiparallel."""
    found = named(hand_built()["MnO"])
    a = 4.445
    shells = {n: (opposite(o, "Mn", a / 2**0.5), opposite(o, "Mn", a)) for n, o in found.items()}
    assert shells.pop("fm") == ((0, 12), (0, 6))
    assert sorted(shells.values()) == [((6, 12), (6, 6)), ((8, 12), (0, 6))]


def test_the_first_competitor_of_manganese_oxide_is_its_order() -> None:
    """Type II, as in MnO, FeO, CoO and NiO."""
    competitor = orderings(symmetrise(hand_built()["MnO"]))[1]
    assert (opposite(competitor, "Mn", 4.445 / 2**0.5), opposite(competitor, "Mn", 4.445)) == ((6, 12), (6, 6))


def test_perovskite_has_the_types_a_c_and_g() -> None:
    found = named(PEROVSKITE)
    assert sorted(opposite(o, "Mn", 3.8) for o in found.values()) == [(0, 6), (2, 6), (4, 6), (6, 6)]
    assert list(found)[1] == "afm-q111", "most antiparallel nearest neighbours first: type G"


def test_bcc_iron_has_the_cscl_order() -> None:
    assert (8, 8) in [opposite(o, "Fe", 2.866 * 3**0.5 / 2) for o in named(hand_built()["Fe"]).values()]


def test_chromia_has_its_three_antiferromagnets_in_the_chemical_cell() -> None:
    """Bertaut's +-+-, +--+ and ++-- along the trigonal axis."""
    cell = symmetrise(CHROMIA)
    chromium = np.flatnonzero(cell.numbers == 24)
    images, start = site_images(cell), chromium[0]
    patterns = set()
    for character in sign_characters(cell.operations()[0]):
        signs = {int(site): int(sign) for site, sign in zip(images[:, start], character, strict=True)}
        patterns.add(tuple(signs[k] for k in chromium.tolist()))
    assert len(patterns) == 3 and all(sum(pattern) == 0 for pattern in patterns)
    assert {"afm-gamma2", "afm-gamma3"} <= set(named(CHROMIA))


def test_rutile_orders_without_a_larger_cell() -> None:
    found = {n: o for n, o in named(hand_built()["MnF2"]).items() if n.startswith("afm-gamma")}
    assert [len(o.structure) for o in found.values()] == [6]
    assert all(o.total == 0 for o in found.values())


def test_rare_earth_against_cobalt() -> None:
    found = named(GARNET_LIKE)
    assert found["fim-Gd"].total == pytest.approx(25 - 7.94)
    assert found["fm"].total == pytest.approx(25 + 7.94)


@pytest.mark.parametrize(("group", "expected"), [(2, 1), (195, 0), (221, 3), (123, 7), (191, 7), (1, 0), (167, 3)])
def test_number_of_characters(group: int, expected: int) -> None:
    """2^d - 1, with d that of the point group's largest quotient of elements of order two."""
    import moyopy

    operations = moyopy.operations_from_number(group, primitive=True)
    rotations = np.array(operations.rotations)
    found = sign_characters(rotations)
    assert len(found) == expected == len({c.tobytes() for c in found})
    place = {w.tobytes(): k for k, w in enumerate(rotations)}
    for character in found:
        for a, w in enumerate(rotations):
            assert all(character[a] * character[b] == character[place[(w @ v).tobytes()]] for b, v in enumerate(rotations))


@pytest.mark.parametrize("name", sorted(crystals()))
def test_every_ordering_is_the_same_crystal_with_other_signs(name: str) -> None:
    cell = symmetrise(crystals()[name])
    sizes = start_moments(cell.numbers)
    ferromagnet, *competitors = orderings(cell)
    assert ferromagnet.name == "fm" and np.array_equal(ferromagnet.moments, sizes) and (sizes >= 0).all() and sizes.any()
    assert 1 <= len(competitors) < MAX_ORDERINGS
    for found in (competitors, textbook(cell)):
        assert len({o.name for o in [ferromagnet, *found]}) == len(found) + 1
        for ordering in found:
            again = symmetrise(Crystal.from_pymatgen(ordering.structure, name))
            assert fingerprint(again) == fingerprint(cell) and match_bucket(Bucket([cell, again])).first[1] == 0
            copies = len(ordering.structure) // len(sizes)
            assert sorted(np.abs(ordering.moments)) == sorted(np.tile(sizes, copies))
            assert (ordering.moments > 0).any() and (ordering.moments < 0).any()
            if ordering.name.startswith("afm"):
                assert abs(ordering.total) < 1e-9
            if "-q" in ordering.name:
                assert copies == 2
            if "-x" in ordering.name:
                assert ordering.name.split("-")[1] == f"x{copies}"


def antiparallel(ordering: Ordering) -> float:
    """The share of antiparallel pairs among magnetic neighbours up to NEAR times a site's nearest one, site by site."""
    turned = []
    magnetic = ordering.structure.copy()
    magnetic.remove_sites(np.flatnonzero(ordering.moments == 0).tolist())
    for site in magnetic:
        around = magnetic.get_neighbors(site, 8.0)
        nearest = min(n.nn_distance for n in around)
        near = [n for n in around if n.nn_distance <= NEAR * nearest + 1e-6]
        turned += [n.properties["magmom"] * site.properties["magmom"] < 0 for n in near]
    return float(np.mean(turned))


@pytest.mark.parametrize("name", ["MnF2", "SmCo5", "Cr2O3", "SrMnO3", "MnO"])
def test_the_share_of_antiparallel_pairs_is_that_of_the_structures(name: str) -> None:
    cell = canonical_cell(symmetrise(crystals()[name]))
    sizes, made = start_moments(cell.numbers), {ordering.name: ordering for ordering in textbook(cell)}
    pairs, found = NearestPairs.of(cell, sizes > 0), families(cell, sizes)
    assert {family.name for family in found} == set(made)
    for family in found:
        assert pairs.antiparallel(family) == pytest.approx(antiparallel(made[family.name]), abs=1e-9), family.name


def moved(crystal: Crystal, repeats: tuple[int, int, int]) -> Crystal:
    """A supercell whose atoms are moved by 0.02 Å."""
    supercell = crystal.to_pymatgen().get_primitive_structure() * repeats
    supercell.perturb(0.02, seed=3)
    return Crystal.from_pymatgen(supercell, "moved")


@pytest.mark.parametrize("name", ["MnO", "SrMnO3", "MnF2"])
def test_a_supercell_with_moved_atoms_has_the_orderings_of_its_primitive_cell(name: str) -> None:
    """In the same sequence. Before, each of its atoms was an orbit of its own, and single ones were turned."""
    crystal = crystals()[name]
    given, small = symmetrise(moved(crystal, (2, 2, 2))), orderings(symmetrise(crystal))
    ferromagnet, *competitors = orderings(given)
    assert np.array_equal(ferromagnet.moments, start_moments(given.numbers))
    assert any(len(ordering.structure) == len(given.numbers) for ordering in competitors), "a doubled cell is there already"
    for own, ordering in zip(small[1:], competitors, strict=True):
        assert "-x" in own.name or own.name == ordering.name
        assert antiparallel(ordering) == pytest.approx(antiparallel(own), abs=0.05), "but for pairs at the limit of NEAR"
        assert abs(ordering.total) < 1e-9 or not ordering.name.startswith("afm")
        again = symmetrise(Crystal.from_pymatgen(ordering.structure, name))
        assert match_bucket(Bucket([given, again])).first[1] == 0, "no atom has moved"


def test_a_supercell_that_has_the_space_group_of_its_primitive_cell_has_its_orderings() -> None:
    """L1_0 FeNi, three cells along c, two of its atoms moved along c: both are P4/mmm. Before, single atoms were turned."""
    small = Structure(Lattice.tetragonal(2.53, 3.58), ["Fe", "Ni"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    large = small * (1, 1, 3)
    large.translate_sites([1], [0, 0, 0.04], frac_coords=False)
    large.translate_sites([2], [0, 0, -0.04], frac_coords=False)
    of_small, of_large = (symmetrise(Crystal.from_pymatgen(one, "FeNi")) for one in (small, large))
    assert of_small.space_group == of_large.space_group and len(of_large.numbers) == 6
    assert [o.name for o in orderings(of_large)] == [o.name for o in orderings(of_small)]


def test_a_large_cell_with_few_spins_has_competitors() -> None:
    """Four iron atoms among 180 of argon in one cell: their orderings in that cell were left out for its size."""
    places = np.stack(np.meshgrid(*[np.arange(6) / 6] * 3, indexing="ij"), axis=-1).reshape(-1, 3)[:184]
    places = places + np.random.default_rng(0).uniform(-0.02, 0.02, places.shape)
    found = orderings(symmetrise(Crystal.from_pymatgen(Structure(Lattice.cubic(20.0), ["Fe"] * 4 + ["Ar"] * 180, places), "few")))
    assert [len(o.structure) for o in found] == [184] * MAX_ORDERINGS


def test_no_two_competitors_are_images_of_each_other() -> None:
    """Chromia's competitors differ in their neighbours, or in the size of their cells, or in their totals."""
    found = orderings(symmetrise(CHROMIA))
    assert len({(len(o.structure), round(o.total, 6), *neighbours(o)) for o in found}) == len(found)


def neighbours(ordering: Ordering) -> list[tuple[int, int]]:
    return sorted(opposite(ordering, "Cr", distance) for distance in (2.65, 2.89, 3.43, 3.65))


def test_of_the_primitive_cell_one_at_least_is_offered() -> None:
    """Its calculation is the cheapest; where the trees prefer five larger cells it takes the fifth place."""
    orderings = enumerate_orderings(symmetrise(hand_built()["MnF2"]), start_moments(symmetrise(hand_built()["MnF2"]).numbers))
    assert orderings is not None
    (small,) = np.flatnonzero(orderings.index == 1).tolist()
    against, towards = np.arange(len(orderings), 0.0, -1.0), np.zeros(len(orderings))
    against[small], towards[small] = -1.0, 1.0
    assert chosen_orderings(orderings, against) == [*[k for k in range(len(orderings)) if k != small][:4], small]
    assert chosen_orderings(orderings, towards)[0] == small and len(chosen_orderings(orderings, towards)) == MAX_ORDERINGS - 1


def test_too_many_spins_have_the_textbook() -> None:
    """Gamma brass like cell of 14 iron atoms without symmetry."""
    rng = np.random.default_rng(4)
    crystal = Crystal.from_pymatgen(Structure(Lattice.cubic(7.0), ["Fe"] * 14, grid(rng)), "many")
    cell = symmetrise(crystal)
    assert enumerate_orderings(cell, start_moments(cell.numbers)) is None
    assert [o.name for o in orderings(cell)[1:]] == [o.name for o in textbook(cell)[: MAX_ORDERINGS - 1]]
    assert all(len(o.structure) <= MAX_SITES for o in orderings(cell))


def grid(rng: np.random.Generator) -> np.ndarray:
    """Fourteen places that are not too near each other."""
    every = np.stack(np.meshgrid(*[np.arange(3) / 3] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    return every[rng.permutation(len(every))[:14]] + rng.uniform(-0.04, 0.04, (14, 3))


@pytest.mark.parametrize("name", ["MnF2", "SmCo5", "Cr2O3", "Co2MnSi", "MnO"])
def test_the_cell_does_not_decide(name: str) -> None:
    """Another description of the crystal offers orderings of the same kind in the same sequence (numbers in names may differ:
    settings do)."""
    crystal = crystals()[name]
    other = permuted(rotated(crystal, random_rotation(5)), 6)

    def kinds(c: Crystal) -> list[tuple[int, float, float]]:
        found = orderings(symmetrise(c))
        return [(len(o.structure), round(abs(o.total), 6), round(antiparallel(o), 6)) for o in found]

    assert kinds(crystal) == kinds(other)
