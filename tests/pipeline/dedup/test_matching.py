"""What is the same crystal, and what is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice
from pymatgen.core.structure_matcher import ElementComparator, StructureMatcher

from data.crystal import Crystal
from data.symmetry import symmetrise
from pipeline.dedup.fingerprint import fingerprint
from pipeline.dedup.matching import ANGLES_DEG, LENGTHS, SITES, Bucket, Matched, Reduced, match_bucket
from pipeline.dedup.superpose import superposed
from tests.contract.crystals import (
    hand_built,
    of_space_group,
    permuted,
    random_rotation,
    rebased,
    rotated,
    supercell,
    translated,
    without_orbits,
)

WITHIN, BEYOND = 1.03, 1.05  # lengths: 9 % and 16 % of volume, the tolerance is 10 %
seeds = st.integers(0, 2**32 - 1)


def scaled(crystal: Crystal, factor: float) -> Crystal:
    return replace(crystal, lattice=crystal.lattice * factor)


def equal(one: Crystal, other: Crystal) -> bool:
    a, b = symmetrise(one), symmetrise(other)
    return fingerprint(a) == fingerprint(b) and match_bucket(Bucket([a, b])).first[1] == 0


def built(group: str, lattice: Lattice, *sites: tuple[str, tuple[float, float, float]]) -> Crystal:
    return Crystal.from_pymatgen(of_space_group(group, lattice, [s for s, _ in sites], [p for _, p in sites]), group)


@given(
    st.sampled_from(sorted(hand_built())), seeds, st.sampled_from([1, -1]), st.tuples(*[st.integers(1, 2)] * 3),
    st.integers(-2, 2), st.floats(1 / WITHIN, WITHIN), st.tuples(*[st.floats(-1, 1)] * 3),
)  # fmt: skip
@settings(max_examples=40)
def test_another_description_is_the_same_crystal(
    name: str, seed: int, hand: int, copies: tuple[int, int, int], shear: int, factor: float, shift: tuple[float, float, float]
) -> None:
    crystal = hand_built()[name]
    other = supercell(crystal, copies) if crystal.n_sites * np.prod(copies) <= 32 else crystal
    other = rebased(other, [[1, shear, 0], [0, 1, 0], [0, 0, 1]])
    other = permuted(translated(rotated(scaled(other, factor), random_rotation(seed, hand)), shift), seed)
    assert equal(crystal, other) and equal(other, crystal)


@given(st.sampled_from(sorted(hand_built())), st.none() | st.sampled_from(sorted(hand_built())), seeds, st.floats(0.0, 0.2))
def test_the_quick_yes_is_never_more_than_the_matchers(name: str, other: str | None, seed: int, noise: float) -> None:
    """A crystal against itself or another one, with sites moved by up to 0.2 Å: where it says yes, StructureMatcher does."""
    crystal = hand_built()[other or name]
    moved = np.random.default_rng(seed).uniform(-noise, noise, crystal.frac.shape) @ np.linalg.inv(crystal.lattice)
    cells = [without_orbits(symmetrise(hand_built()[name])), symmetrise(replace(crystal, frac=crystal.frac + moved), 1e-5)]
    if superposed(*cells):
        one, two = (Reduced(cell).structure for cell in cells)
        assert StructureMatcher(LENGTHS, SITES, ANGLES_DEG, primitive_cell=False, comparator=ElementComparator()).fit(one, two)
    assert superposed(cells[0], cells[0]) and superposed(cells[1], cells[1])


@given(st.sampled_from(sorted(hand_built())), seeds)
def test_small_noise_is_the_same_crystal(name: str, seed: int) -> None:
    crystal = hand_built()[name]
    noise = np.random.default_rng(seed).uniform(-5e-4, 5e-4, crystal.frac.shape)  # Å: what four decimals of a CIF leave
    assert equal(crystal, replace(crystal, frac=crystal.frac + noise @ np.linalg.inv(crystal.lattice)))


@pytest.mark.parametrize("name", sorted(hand_built()))
def test_another_volume_is_another_crystal(name: str) -> None:
    assert not equal(hand_built()[name], scaled(hand_built()[name], BEYOND))


cubic = Lattice.cubic
HALF_HEUSLER = [
    built("F-43m", cubic(5.9), (a, (0, 0, 0)), (b, (0.25,) * 3), (c, (0.5,) * 3))
    for a, b, c in (("Ni", "Mn", "Sb"), ("Mn", "Ni", "Sb"), ("Mn", "Sb", "Ni"))
]
DECORATIONS = {
    "full and inverse Heusler": (
        built("Fm-3m", cubic(5.8), ("Mn", (0.25,) * 3), ("Co", (0, 0, 0)), ("Ga", (0.5,) * 3)),
        built("F-43m", cubic(5.8), ("Mn", (0, 0, 0)), ("Mn", (0.25,) * 3), ("Co", (0.5,) * 3), ("Ga", (0.75,) * 3)),
    ),
    "half Heusler, Ni or Mn in the middle": (HALF_HEUSLER[0], HALF_HEUSLER[1]),
    "half Heusler, Ni or Sb in the middle": (HALF_HEUSLER[0], HALF_HEUSLER[2]),
    "perovskite, cations exchanged": tuple(
        built("Pm-3m", cubic(4.0), (a, (0, 0, 0)), (b, (0.5,) * 3), ("O", (0.5, 0.5, 0))) for a, b in (("Sr", "Fe"), ("Fe", "Sr"))
    ),
    "normal and inverse spinel": (
        built("Fd-3m", cubic(8.4), ("Co", (0, 0, 0)), ("Fe", (0.625,) * 3), ("O", (0.385,) * 3)),
        built("Imma", Lattice.orthorhombic(5.94, 5.94, 8.4), ("Fe", (0, 0.25, 0.875)), ("Co", (0, 0, 0.5)),
              ("Fe", (0.25, 0.25, 0.25)), ("O", (0, 0.02, 0.76)), ("O", (0.27, 0.25, 0.01))),
    ),
}  # fmt: skip
POLYMORPHS = {
    "bcc and fcc": (built("Im-3m", cubic(2.87), ("Fe", (0, 0, 0))), built("Fm-3m", cubic(3.61), ("Fe", (0, 0, 0)))),
    "fcc and hcp": (
        built("Fm-3m", cubic(3.54), ("Co", (0, 0, 0))),
        built("P6_3/mmc", Lattice.hexagonal(2.51, 4.07), ("Co", (1 / 3, 2 / 3, 0.25))),
    ),
    "zincblende and rocksalt": (
        built("F-43m", cubic(4.5), ("Mn", (0, 0, 0)), ("S", (0.25,) * 3)),
        built("Fm-3m", cubic(4.5), ("Mn", (0, 0, 0)), ("S", (0.5,) * 3)),
    ),
    "perovskite, cubic and tetragonal": (
        built("Pm-3m", cubic(4.0), ("Sr", (0, 0, 0)), ("Fe", (0.5,) * 3), ("O", (0.5, 0.5, 0))),
        built("P4mm", Lattice.tetragonal(3.95, 4.1), ("Sr", (0, 0, 0)), ("Fe", (0.5, 0.5, 0.52)), ("O", (0.5, 0.5, 0.0)),
              ("O", (0.5, 0, 0.5))),
    ),
    "one fingerprint, a free coordinate apart": tuple(
        built("P6_3mc", Lattice.hexagonal(3.8, 6.2), ("Mn", (1 / 3, 2 / 3, 0)), ("S", (1 / 3, 2 / 3, z))) for z in (0.375, 0.25)
    ),
}  # fmt: skip


@pytest.mark.parametrize("pair", [*DECORATIONS.values(), *POLYMORPHS.values()], ids=[*DECORATIONS, *POLYMORPHS])
def test_other_decorations_and_polymorphs_differ(pair: tuple[Crystal, Crystal]) -> None:
    one, other = pair
    assert one.formula == other.formula
    assert not equal(one, other) and not equal(other, one)
    assert not superposed(symmetrise(one), symmetrise(other))


def test_exchanging_the_two_sublattices_of_rocksalt_changes_nothing() -> None:
    oxide = hand_built()["MnO"]
    assert equal(oxide, replace(oxide, numbers=33 - oxide.numbers)), "8 and 25 exchanged are a shift of the origin"


def test_mirror_images_are_one() -> None:
    quartz = [
        built(group, Lattice.hexagonal(4.91, 5.40), ("Si", (0.47, 0, z)), ("O", (0.413, 0.267, z + 0.119 * hand)))
        for group, z, hand in (("P3_121", 1 / 3, -1), ("P3_221", 2 / 3, 1))
    ]
    groups = {symmetrise(crystal).space_group for crystal in quartz}
    assert groups == {152, 154} and equal(*quartz)


def test_a_bucket_names_first_originals_and_the_nearest_known() -> None:
    iron = hand_built()["Fe"]
    cells = [symmetrise(scaled(iron, factor)) for factor in (1.0, 1.01, 1.06, 1.07)]
    known = [symmetrise(scaled(iron, factor)) for factor in (0.98, 1.002, 1.3)]
    assert match_bucket(Bucket(cells, known)) == Matched([None, 0, None, 2], [1, 1, None, None])
