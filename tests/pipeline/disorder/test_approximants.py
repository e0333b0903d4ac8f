"""Approximants of random disordered crystals: composition, distances, determinism, independence of the order of sites."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.checks import MIN_DISTANCE_A, Unsound
from data.crystal import Crystal
from data.disordered import DisorderedCrystal, Occupants, Species
from data.rejection import Reason
from pipeline.disorder.approximants import ACCEPTED, DEFAULT, Approximants
from pipeline.disorder.decorations import Decorations

SAME_A = 1e-6
ENOUGH = 25  # examples; each makes up to eight approximants
FCC = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0.0]])
BCC = np.array([[0, 0, 0], [0.5, 0.5, 0.5]])


def occupants(*shares: tuple[int, float], charges: dict[int, float] | None = None) -> Occupants:
    return tuple(Species(z, x, (charges or {}).get(z)) for z, x in sorted(shares))


def alloy(*shares: tuple[int, float], places: np.ndarray = BCC, edge_A: float = 2.87) -> DisorderedCrystal:
    return DisorderedCrystal("alloy", edge_A * np.eye(3), places, np.zeros(len(places), dtype=np.int64), (occupants(*shares),))


def mean_composition(made: Approximants, number: int) -> dict[int, float]:
    total: dict[int, float] = {}
    for one, weight in zip(made.make(number), made.weights(number).tolist(), strict=True):
        for z in one.numbers.tolist():
            total[z] = total.get(z, 0.0) + weight / one.n_sites
    return total


def composition_error(made: Approximants, number: int) -> float:
    crystal, found = made.crystal, mean_composition(made, number)
    numbers = crystal.composition.keys() | found.keys()
    return sum(abs(found.get(z, 0.0) - crystal.composition.get(z, 0.0) / crystal.n_atoms) for z in numbers)


def shortest_distance(crystal: Crystal) -> float:
    apart = crystal.frac[:, None] - crystal.frac
    images = np.array(np.meshgrid(*[[-1, 0, 1]] * 3)).reshape(3, -1).T
    vectors = ((apart - np.rint(apart))[:, :, None] + images) @ crystal.lattice
    lengths = np.linalg.norm(vectors, axis=-1)
    return float(lengths[lengths > SAME_A].min())


@st.composite
def disordered(draw: st.DrawFn) -> DisorderedCrystal:
    """One to three sublattices of a bcc, fcc or CsCl-like cell, each with up to four species and vacancies."""
    places = draw(st.sampled_from([BCC, FCC]))
    kinds, kind = [], []
    for k in range(len(places)):
        if kinds and draw(st.booleans()):
            kind.append(draw(st.integers(0, len(kinds) - 1)))
            continue
        numbers = draw(st.lists(st.sampled_from([12, 22, 23, 24, 25, 26, 27, 28, 29, 60]), min_size=1, max_size=4, unique=True))
        parts = [draw(st.integers(1, 60)) for _ in numbers]
        empty = draw(st.sampled_from([0, 0, 5, 40]))
        total = sum(parts) + empty
        kinds.append(occupants(*((z, n / total) for z, n in zip(numbers, parts, strict=True))))
        kind.append(k if k < len(kinds) else len(kinds) - 1)
    return DisorderedCrystal("x", draw(st.sampled_from([2.9, 3.6])) * np.eye(3), places, np.array(kind), tuple(kinds))


@settings(max_examples=ENOUGH, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(disordered())
def test_any_number_from_the_fewest_on_has_the_composition_of_the_crystal(crystal: DisorderedCrystal) -> None:
    made = Approximants(crystal)
    for number in range(made.fewest, made.most + 1):
        assert composition_error(made, number) <= ACCEPTED
        assert made.weights(number).sum() == pytest.approx(1.0)


@settings(max_examples=ENOUGH, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(disordered())
def test_approximants_are_sound_bounded_and_always_the_same(crystal: DisorderedCrystal) -> None:
    made, again = Approximants(crystal), Approximants(crystal)
    assert made.fewest <= made.most <= DEFAULT.most
    for one, other in zip(made.make(made.most), again.make(again.most), strict=True):
        assert one.n_sites <= DEFAULT.most_sites and shortest_distance(one) > MIN_DISTANCE_A
        assert np.array_equal(one.frac, other.frac) and np.array_equal(one.numbers, other.numbers)
        assert one.volume / made.size == pytest.approx(made.crystal.volume / (crystal.n_sites / len(made.cell.frac)))


@settings(max_examples=ENOUGH, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(disordered(), st.randoms(use_true_random=False))
def test_the_order_of_the_sites_changes_nothing(crystal: DisorderedCrystal, random) -> None:  # type: ignore[no-untyped-def]
    order = list(range(crystal.n_sites))
    random.shuffle(order)
    kinds = list(range(len(crystal.kinds)))
    random.shuffle(kinds)
    renamed = np.argsort(kinds)[crystal.kind]
    other = replace(crystal, frac=crystal.frac[order], kind=renamed[order], kinds=tuple(crystal.kinds[k] for k in kinds))
    for one, two in zip(Approximants(crystal).make(2), Approximants(other).make(2), strict=True):
        assert np.allclose(one.lattice, two.lattice, atol=SAME_A)
        assert np.allclose(one.frac, two.frac, atol=SAME_A) and np.array_equal(one.numbers, two.numbers)


def test_the_weights_make_a_composition_that_no_single_cell_has() -> None:
    made = Approximants(alloy((26, 0.987), (27, 0.013)))
    assert composition_error(made, made.fewest) < 0.005
    cobalt = [int((one.numbers == 27).sum()) for one in made.make(made.fewest)]
    assert 0 in cobalt and max(cobalt) == 1


def test_a_conventional_cell_and_its_primitive_cell_have_one_fingerprint() -> None:
    primitive = DisorderedCrystal(
        "p", 1.435 * (1 - 2 * np.eye(3)), np.zeros((1, 3)), np.zeros(1, dtype=np.int64), (occupants((26, 0.7), (27, 0.3)),)
    )
    conventional = alloy((26, 0.7), (27, 0.3))
    assert Approximants(primitive).cell.fingerprint == Approximants(conventional).cell.fingerprint
    other = alloy((26, 0.6), (27, 0.4))
    assert Approximants(other).cell.fingerprint != Approximants(conventional).cell.fingerprint


def test_the_decorations_are_mixed_better_than_at_random() -> None:
    """Fe0.5Co0.5: the mean number of unlike nearest neighbours comes nearer to one half than in a random cell of 16 sites."""
    made = Approximants(alloy((26, 0.5), (27, 0.5)))
    unlike = [_unlike_share(one) for one in made.make(made.most)]
    random = [_unlike_share(_shuffled(made.crystals[0], seed)) for seed in range(40)]
    assert abs(np.mean(unlike) - 0.5) < 0.05
    assert np.std(unlike) < np.std(random)


def _unlike_share(crystal: Crystal) -> float:
    structure = crystal.to_pymatgen()
    centre, other, _, _ = structure.get_neighbor_list(2.6)
    return float((crystal.numbers[centre] != crystal.numbers[other]).mean())


def _shuffled(crystal: Crystal, seed: int) -> Crystal:
    return replace(crystal, numbers=np.random.default_rng(seed).permutation(crystal.numbers))


def test_split_positions_are_never_both_occupied() -> None:
    """Two half occupied positions 0.8 Å apart stand for one atom."""
    frac = np.array([[0, 0, 0], [0.5, 0.5, 0.4], [0.5, 0.5, 0.6]])
    kinds = (occupants((26, 1.0)), occupants((29, 0.5)))
    crystal = DisorderedCrystal("split", 4.0 * np.eye(3), frac, np.array([0, 1, 1]), kinds)
    made = Approximants(crystal)
    for one in made.make(made.most):
        assert shortest_distance(one) > 1.5
        assert (one.numbers == 29).sum() == (one.numbers == 26).sum()


def test_a_ring_of_positions_holds_as_many_atoms_as_stated() -> None:
    """Six positions around an axis, one third full: two atoms a ring, never next to each other."""
    angle = np.arange(6) * np.pi / 3
    ring = np.stack([0.5 + 0.2 * np.cos(angle), 0.5 + 0.2 * np.sin(angle), np.full(6, 0.5)], axis=1)
    frac = np.concatenate([[[0, 0, 0]], ring])
    kinds = (occupants((26, 1.0)), occupants((11, 1 / 3)))
    made = Approximants(DisorderedCrystal("ring", 6.0 * np.eye(3), frac, np.array([0, *[1] * 6]), kinds))
    for one in made.make(made.most):
        assert (one.numbers == 11).sum() == 2 * (one.numbers == 26).sum()
        assert shortest_distance(one) > 1.3  # neighbours of the ring are 1.2 Å apart


def test_known_charges_are_balanced() -> None:
    """La0.7Sr0.3MnO3 with Mn3.3+ and Li0.3La0.57TiO3-like vacancies: each approximant is neutral within half a charge."""
    charges = {3: 1.0, 57: 3.0, 22: 4.0, 8: -2.0}
    kinds = (
        occupants((3, 0.3), (57, 1.7 / 3), charges=charges), occupants((22, 1.0), charges=charges),
        occupants((8, 1.0), charges=charges),
    )  # fmt: skip
    frac = np.array([[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    made = Approximants(DisorderedCrystal("llto", 3.87 * np.eye(3), frac, np.array([0, 1, 2, 2, 2]), kinds))
    assert made.mixture.neutral
    totals = [sum(charges[z] for z in one.numbers.tolist()) for one in made.make(made.most)]
    assert np.abs(totals).max() <= 1.0
    assert composition_error(made, made.fewest) <= ACCEPTED


@pytest.mark.parametrize("charges", [((2.0, 3.0), 2.5), ((2.0, None), None)])
def test_charges_of_one_element_on_several_places_are_their_mean(charges: tuple[tuple[float | None, ...], float | None]) -> None:
    """Whichever is listed first: two places of half an iron each, of two charges."""
    states, mean = charges
    places = np.array([[0, 0, 0], [0.5, 0.5, 0.4], [0, 0.5, 0.5], [0.5, 0, 0], [0.1, 0.5, 0.1]])
    iron = [(Species(26, 0.5, state),) for state in states]
    rest = [(Species(3, 0.5, 1.0),), (Species(8, 1.0, -2.0),)]
    made = []
    for kinds, kind in (([*iron, *rest], [0, 1, 2, 3, 3]), ([iron[1], iron[0], *rest], [1, 0, 2, 3, 3])):
        made.append(Approximants(DisorderedCrystal("x", 5 * np.eye(3), places, np.array(kind), tuple(kinds))))
    found = [{s.number: s.charge for occupants in one.cell.occupants for s in occupants} for one in made]
    assert found[0] == found[1] == {26: mean, 3: 1.0, 8: -2.0}
    for one, other in zip(made[0].make(2), made[1].make(2), strict=True):
        assert np.array_equal(one.numbers, other.numbers) and np.allclose(one.frac, other.frac, atol=SAME_A)


def test_nearly_equal_occupancies_are_their_mean() -> None:
    kinds = ((Species(26, 0.33331, None),), (Species(26, 0.33334, None),))
    crystal = DisorderedCrystal("x", 3.6 * np.eye(3), FCC, np.array([0, 0, 0, 1]), kinds)
    assert set(Approximants(crystal).cell.occupants) == {(Species(26, 0.3333175, None),)}


def test_places_that_cannot_be_filled_are_a_reason() -> None:
    frac = np.array([[0, 0, 0], [0, 0, 0.05]])
    crystal = DisorderedCrystal("x", 4.0 * np.eye(3), frac, np.array([0, 1]), (occupants((26, 0.9)), occupants((27, 0.9))))
    made = Approximants(crystal)
    with pytest.raises(Unsound, match="cannot be filled") as fault:
        made.make(made.most)
    assert fault.value.reason == "partial_occupancy"


class FillsOnly(Approximants):
    """Approximants of a crystal of which no more than so many decorations can be filled."""

    fills = 2

    def _first_sound(self, ranked: Decorations, number: int) -> tuple[np.ndarray, Crystal]:
        if number > self.fills:
            raise Unsound(Reason.PARTIAL_OCCUPANCY, "two atoms in one place")
        return super()._first_sound(ranked, number)


def test_where_no_more_can_be_made_those_before_are_all() -> None:
    made = FillsOnly(alloy((26, 0.7), (27, 0.3)))
    assert made.most > 2 == made.first
    assert len(made.make(8)) == 2 == made.most == len(made.make(8))
    assert composition_error(made, 2) <= ACCEPTED


def test_too_few_for_the_composition_are_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FillsOnly, "fills", 1)
    with pytest.raises(Unsound, match="two atoms in one place"):
        FillsOnly(alloy((26, 0.7), (27, 0.3))).make(8)


def spinel(inversion: float, charges: dict[int, float]) -> DisorderedCrystal:
    """MgFe2O4 of 8.39 Å with this share of the tetrahedral places filled by iron; the primitive cell."""
    octahedra = np.full((4, 3), 0.625) - 0.5 * np.eye(4, 3)
    bonds = 0.13 * (np.ones((4, 3)) - 4 * np.eye(4, 3))
    frac = np.concatenate([[[0.0] * 3, [0.25] * 3], octahedra, -bonds, 0.25 + bonds])
    kinds = (
        occupants((12, 1.0 - inversion), (26, inversion), charges=charges),
        occupants((12, inversion / 2), (26, 1.0 - inversion / 2), charges=charges), occupants((8, 1.0), charges=charges),
    )  # fmt: skip
    return DisorderedCrystal("spinel", 8.39 / 2 * (1 - np.eye(3)), frac, np.array([0] * 2 + [1] * 4 + [2] * 8), kinds)


@pytest.mark.parametrize("charges", [{}, {12: 2.0, 26: 3.0, 8: -2.0}])
@pytest.mark.parametrize("inversion", [0.07, 0.1, 0.3, 0.76, 0.9, 0.93])
def test_the_mean_has_the_occupancies_of_each_position(inversion: float, charges: dict[int, float]) -> None:
    """The composition MgFe2O4 is that of a normal and of an inverse spinel, whose net moments are 10 and 0 µB."""
    made = Approximants(spinel(inversion, charges))
    for number in range(made.fewest, made.most + 1):
        on_tetrahedra, places = 0.0, 0.0
        for one, weight in zip(made.make(number), made.weights(number).tolist(), strict=True):
            four = _oxygen_neighbours(one) == 4
            on_tetrahedra += weight * float((one.numbers[four] == 26).mean())
            places += weight * float(four.sum()) / one.n_sites
        assert places == pytest.approx(1 / 7)
        assert on_tetrahedra == pytest.approx(inversion, abs=0.02)


def _oxygen_neighbours(crystal: Crystal) -> np.ndarray:
    """(n,) oxygen atoms within 2.3 Å of each metal atom; 0 for oxygen."""
    centre, other, _, _ = crystal.to_pymatgen().get_neighbor_list(2.3)
    bond = (crystal.numbers[centre] != 8) & (crystal.numbers[other] == 8)
    return np.bincount(centre[bond], minlength=crystal.n_sites)


def test_counts_for_the_positions_keep_the_limit_of_atoms() -> None:
    """A cell of 130 atoms in which two positions exchange little: one approximant of its composition, as the limit says."""
    frac = np.stack([np.arange(130) / 130, np.zeros(130), np.zeros(130)], axis=1)
    kind = np.array([0] * 2 + [1] * 2 + [2] * 126)
    shares = (occupants((26, 0.9), (27, 0.1)), occupants((26, 0.1), (27, 0.9)), occupants((29, 1.0)))
    made = Approximants(DisorderedCrystal("large", np.diag([390.0, 3.0, 3.1]), frac, kind, shares))
    assert made.first == made.most == 1
    assert composition_error(made, 1) <= ACCEPTED


@pytest.mark.parametrize("other", [29, 47])
@pytest.mark.parametrize("share", [0.1, 0.3, 0.45, 0.5, 0.7])
def test_of_two_positions_that_exclude_each_other_each_cell_has_one(share: float, other: int) -> None:
    """Copper, and copper or silver 1.08 Å from it, in cells of an odd number: three pairs hold three atoms, not two and two."""
    iron = [[0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0.5, 0.5, 0], [0, 0, 0.5]]
    kinds = (occupants((26, 1.0)), occupants((29, share)), occupants((other, 1.0 - share)))
    frac = np.array([*iron, [0.5, 0.5, 0.4], [0.5, 0.5, 0.6]])
    made = Approximants(DisorderedCrystal("pair", np.diag([4.6, 5.0, 5.4]), frac, np.array([0] * 5 + [1, 2]), kinds))
    assert composition_error(made, made.fewest) <= DEFAULT.composition
    for one in made.make(made.most):
        assert np.isin(one.numbers, (29, 47)).sum() == made.size
        assert shortest_distance(one) > 1.5
    for counts in made.mixture.roundings():
        assert sum(np.array(counts)[np.isin(made.mixture.number, (29, 47))]) == made.size
