"""Signs of sublattices: the lowest energy, the same for every order of the sites, and lost symmetry."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from data.crystal import Crystal
from data.symmetry import symmetrise
from pipeline.magnetism import ferrimagnet, sublattices
from pipeline.magnetism.ferrimagnet import Compensation, compensation
from pipeline.magnetism.sublattices import FEW_ORBITS, MOST_EXACT, Sublattices, lowest
from tests.contract.crystals import of_space_group

GARNET = [[0, 0.25, 0.125], [0, 0, 0], [0, 0.25, 0.375], [-0.0272, 0.0571, 0.1495]]
SHIFT_A = 0.03


def problem(number: int, seed: int, strengths: tuple[int, ...] = (10, 10, -1, -10)) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(kind, sites, coupling) of random orbits of two sizes, of which each is coupled to about four others."""
    rng = np.random.default_rng(seed)
    half = np.triu(rng.choice(strengths, (number, number)) * (rng.random((number, number)) < 4.0 / number))
    return rng.choice([1.0, 2.1], (number, 1)), np.ones(number, dtype=np.int64), (half + half.T).astype(np.float64)


def renumbered(kind: np.ndarray, sites: np.ndarray, coupling: np.ndarray, order: np.ndarray) -> Sublattices:
    return lowest(kind[order], sites[order], coupling[np.ix_(order, order)])


@settings(deadline=None, max_examples=60)
@given(number=st.integers(2, MOST_EXACT + 8), seed=st.integers(0, 2**20), sites=st.integers(1, 3))
def test_the_numbering_of_orbits_does_not_matter(number: int, seed: int, sites: int) -> None:
    kind, ones, coupling = problem(number, seed)
    order = np.random.default_rng(seed).permutation(number)
    first, again = (renumbered(kind, sites * ones, coupling, one) for one in (np.arange(number), order))
    assert first.energy == again.energy and first.net == again.net, "the same bits"
    up = [sorted(kind[one, 0][found.signs > 0].tolist()) for one, found in ((np.arange(number), first), (order, again))]
    assert up[0] == up[1] or first.net == 0.0


@pytest.mark.parametrize("number", [2, 5, 8, 10])
def test_few_orbits_have_the_lowest_energy_of_all_signs_and_the_largest_moment_of_it(number: int) -> None:
    states = np.array(list(itertools.product([1.0, -1.0], repeat=number)))
    for seed in range(20):
        kind, sites, coupling = problem(number, seed)
        found = lowest(kind, sites, coupling)
        energy = np.einsum("ki,ij,kj->k", states, coupling, states)
        assert found.energy == energy.min() == found.signs @ coupling @ found.signs
        largest = np.abs(states[energy == energy.min()] @ kind[:, 0]).max()
        assert found.net == pytest.approx(largest / kind.sum()) and found.signs @ kind[:, 0] >= -1e-9


@pytest.mark.parametrize("number", [11, 13, 15])
def test_more_orbits_that_differ_have_the_lowest_energy_too(number: int) -> None:
    states = np.array(list(itertools.product([1.0, -1.0], repeat=number - 1)))
    states = np.concatenate([np.ones((len(states), 1)), states], axis=1)
    for seed in range(5):
        _, sites, coupling = problem(number, seed)
        kind = np.arange(1.0, number + 1.0)[:, None]
        assert lowest(kind, sites, coupling).energy == ((states @ coupling) * states).sum(axis=1).min()


def test_signs_improved_from_several_starts_are_nearly_always_the_lowest(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = [problem(number, seed) for seed in range(30) for number in (11, 14)]
    problems = [(np.arange(1.0, len(sites) + 1.0)[:, None], sites, coupling) for _, sites, coupling in problems]
    exact = [lowest(*one).energy for one in problems]
    monkeypatch.setattr(sublattices, "MOST_EXACT", 1)
    improved = [lowest(*one).energy for one in problems]
    assert all(b >= a for a, b in zip(exact, improved, strict=True))
    assert sum(b > a for a, b in zip(exact, improved, strict=True)) <= 1


def test_many_orbits_that_nothing_distinguishes_have_one_sign() -> None:
    """A ring in which each wants to be antiparallel to its neighbours: the sites of one orbit cannot be."""
    number = FEW_ORBITS + 2
    ring = 10.0 * (np.roll(np.eye(number), 1, axis=0) + np.roll(np.eye(number), -1, axis=0))
    same, sites = np.ones((number, 1)), np.ones(number, dtype=np.int64)
    assert abs(lowest(same, sites, ring).signs.sum()) == number and lowest(same, sites, ring).energy > 0
    two = same + np.arange(number)[:, None] % 2
    assert lowest(two, sites, ring).net == pytest.approx(1 / 3)


def garnet(seed: int, shift: float = SHIFT_A) -> Compensation | None:
    """Y3Fe5O12 with each atom moved by about `shift`, its sites in another order and its origin elsewhere."""
    whole = of_space_group("Ia-3d", Lattice.cubic(12.376), ["Y", "Fe", "Fe", "O"], GARNET).get_primitive_structure()
    moved = np.random.default_rng(0).normal(scale=shift, size=(len(whole), 3)) / whole.lattice.a
    rng = np.random.default_rng(seed)
    order, origin = rng.permutation(len(whole)), rng.random(3)
    whole = type(whole)(whole.lattice, [whole.species[k] for k in order], (whole.frac_coords + moved)[order] + origin)
    cell = symmetrise(Crystal.from_pymatgen(whole, "x"))
    assert (cell.space_group == 1) == (shift > 0)
    return compensation(cell)


def test_the_order_of_sites_changes_neither_moment_nor_words() -> None:
    """A garnet that lost its symmetry has 20 orbits of iron and the sublattices of the symmetric one."""
    assert {garnet(seed) for seed in range(4)} == {garnet(0, shift=0.0)}
    found = garnet(0)
    assert found is not None and found.share == pytest.approx(0.2)
    assert found.words == "Fe on 4-fold sites against Fe on 6-fold sites"


def test_words_are_sorted_on_both_sides() -> None:
    """The hexaferrite has two kinds of sites on either side."""
    frac = [
        [2 / 3, 1 / 3, 0.25], [0, 0, 0], [0, 0, 0.25], [1 / 3, 2 / 3, 0.0272], [1 / 3, 2 / 3, 0.1909], [0.1687, 0.3374, -0.1082],
        [0, 0, 0.1511], [1 / 3, 2 / 3, -0.0552], [0.1816, 0.3632, 0.25], [0.1562, 0.3124, 0.0521], [0.5028, 1.0056, 0.1493],
    ]  # fmt: skip
    species = ["Ba", *["Fe"] * 5, *["O"] * 5]
    whole = of_space_group("P6_3/mmc", Lattice.hexagonal(5.89, 23.18), species, frac)
    crystal = Crystal.from_pymatgen(whole, "x")
    for seed in range(4):
        order = np.random.default_rng(seed).permutation(crystal.n_sites)
        turned = Crystal(crystal.id, crystal.lattice, crystal.frac[order], crystal.numbers[order])
        found = compensation(symmetrise(turned))
        assert found is not None and found.share == pytest.approx(1 / 3)
        up, down = found.words.split(" against ")
        assert up.split(" and ") == sorted(up.split(" and ")) and down.split(" and ") == sorted(down.split(" and "))
        assert found.words == "Fe on 5-fold sites and Fe on 6-fold sites against Fe on 4-fold sites and Fe on 6-fold sites"


def of_cell(structure: Structure) -> Compensation | None:
    return compensation(symmetrise(Crystal.from_pymatgen(structure, "x")))


PEROVSKITE = ["Pm-3m", Lattice.cubic(3.835), ["Sr", "Co", "O"], [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0]]]
LAYERS = ["P-3m1", Lattice.hexagonal(3.79, 6.1), ["Cr", "Te"], [[0, 0, 0], [1 / 3, 2 / 3, 0.25]]]
ORDERED_ALLOY = ["P4/mmm", Lattice.tetragonal(2.747, 3.67), ["Mn", "Ga"], [[0, 0, 0], [0.5, 0.5, 0.5]]]
FERRIMAGNET = ["I4/mmm", Lattice.tetragonal(3.909, 7.098), ["Ga", "Mn", "Mn"], [[0, 0, 0], [0, 0, 0.5], [0, 0.5, 0.25]]]


@pytest.mark.parametrize("group", [PEROVSKITE, LAYERS, ORDERED_ALLOY, FERRIMAGNET])
def test_small_shifts_that_split_an_orbit_change_no_sublattice(group: list) -> None:
    """A doubled cell with one atom moved by 0.02 Å has two to four magnetic orbits instead of one, or of two."""
    whole = of_space_group(*group)
    doubled = whole.make_supercell([2, 1, 1], in_place=False)
    doubled.translate_sites([len(doubled) - 1], [0.02, 0, 0], frac_coords=False)
    strained = whole.apply_strain([0.004, 0, 0], inplace=False)
    noisy = whole.make_supercell([2, 1, 1], in_place=False).perturb(0.02, min_distance=None, seed=1)
    orbits = [symmetrise(Crystal.from_pymatgen(one, "x")).multiplicities for one in (whole, doubled, noisy)]
    assert len(orbits[0]) < len(orbits[1]) and len(orbits[0]) < len(orbits[2])
    assert of_cell(doubled) == of_cell(noisy) == of_cell(strained) == of_cell(whole)
    assert (of_cell(whole) is None) == (group is not FERRIMAGNET)


@pytest.mark.parametrize("seed", [31, 36])
def test_nearly_equivalent_sites_have_one_answer_for_every_order(seed: int) -> None:
    """Chromium sites of a noisy layer, of which some have neighbours beyond the distance at which exchange changes its sign."""
    whole = of_space_group("P-3m1", Lattice.hexagonal(3.185, 6.0), *LAYERS[2:]).make_supercell([2, 2, 1], in_place=False)
    rng = np.random.default_rng(seed)
    moved = whole.cart_coords + rng.normal(scale=0.012, size=(len(whole), 3))
    orders = (rng.permutation(len(whole)) for _ in range(8))
    made = (Structure(whole.lattice, [whole.species[k] for k in o], moved[o], coords_are_cartesian=True) for o in orders)
    assert len({of_cell(one) for one in made}) == 1


@pytest.mark.parametrize("group", [PEROVSKITE, LAYERS, ORDERED_ALLOY, FERRIMAGNET])
def test_near_symmetry_is_looked_for_only_where_it_decides(group: list, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes longer than all the rest: sublattices that are parallel without it are so with it."""
    both = (of_space_group(*group).make_supercell([times, 1, 1], in_place=False) for times in (1, 2))
    noisy = [one.perturb(0.02, min_distance=None, seed=1) for one in both]
    cells = [symmetrise(Crystal.from_pymatgen(one, "x")) for one in noisy]
    quick = [compensation(cell) for cell in cells]
    monkeypatch.setattr(ferrimagnet, "FEW_ORBITS", -1)
    assert [compensation(cell) for cell in cells] == quick
    monkeypatch.undo()
    monkeypatch.setattr(ferrimagnet, "alike", None)
    iron = of_space_group("Im-3m", Lattice.cubic(2.87), ["Fe"], [[0, 0, 0]]).make_supercell([2, 2, 1], in_place=False)
    assert of_cell(iron.perturb(0.02, min_distance=None, seed=1)) is ferrimagnet.PARALLEL, "not asked of parallel moments"


def test_ions_between_the_magnetic_ones_of_a_salt_make_no_sublattices() -> None:
    """An ordered cell of a doped manganite has the sublattices of the undoped one, a metal's neighbours decide for themselves."""
    doped = of_space_group(*PEROVSKITE[:2], ["La", "Mn", "O"], PEROVSKITE[3]).make_supercell([3, 1, 1], in_place=False)
    lanthanum = [k for k, site in enumerate(doped) if site.specie.symbol == "La"]
    doped.replace(lanthanum[0], "Sr")
    cell = symmetrise(Crystal.from_pymatgen(doped, "x"))
    assert len(set(cell.orbit[cell.numbers == 25])) > 1
    assert of_cell(doped) is None
    inverse = [[0, 0, 0], [0.5, 0.5, 0.5], [0.75, 0.75, 0.75], [0.25, 0.25, 0.25]]
    heusler = of_space_group("F-43m", Lattice.cubic(5.996), ["Ga", "Mn", "Ru", "Mn"], inverse)
    found = of_cell(heusler)
    assert found is not None and found.words.count("Mn") == 2


@pytest.mark.parametrize("seed", [3, 7])
def test_a_noisy_cell_has_the_same_words_for_every_order_of_its_sites(seed: int) -> None:
    """Some sites are nearly 0.1 Å from where symmetry puts them, and some neighbours at the edge of the first shell."""
    frac = [
        [2 / 3, 1 / 3, 0.25], [0, 0, 0], [0, 0, 0.25], [1 / 3, 2 / 3, 0.0272], [1 / 3, 2 / 3, 0.1909], [0.1687, 0.3374, -0.1082],
        [0, 0, 0.1511], [1 / 3, 2 / 3, -0.0552], [0.1816, 0.3632, 0.25], [0.1562, 0.3124, 0.0521], [0.5028, 1.0056, 0.1493],
    ]  # fmt: skip
    whole = of_space_group("P6_3/mmc", Lattice.hexagonal(5.89, 23.18), ["Ba", *["Fe"] * 5, *["O"] * 5], frac)
    rng = np.random.default_rng(seed)
    moved = whole.cart_coords + rng.normal(scale=0.02, size=(len(whole), 3))
    whole = Structure(whole.lattice, whole.species, moved, coords_are_cartesian=True)
    found = set()
    for _ in range(6):
        order = rng.permutation(len(whole))
        origin = rng.random(3)
        found.add(of_cell(Structure(whole.lattice, [whole.species[k] for k in order], whole.frac_coords[order] + origin)))
    assert len(found) == 1


@pytest.mark.parametrize(("follower", "leader"), [("Cr", "Fe"), ("V", "Fe"), ("Cr", "Co"), ("V", "Mn")])
def test_vanadium_and_chromium_follow_in_metals(follower: str, leader: str) -> None:
    """A calculation finds their sign from any start, so that no rule may oppose them once more."""
    ordered = of_space_group("Pm-3m", Lattice.cubic(2.87), [leader, follower], [[0.0] * 3, [0.5] * 3])
    found = of_cell(ordered)
    assert found is None or (found.share == 1.0 and not found.words)


def test_vanadium_and_chromium_do_not_follow_in_salts() -> None:
    found = of_cell(of_space_group("Fd-3m", Lattice.cubic(8.4), ["Fe", "Cr", "O"], [[0.0] * 3, [0.625] * 3, [0.3872] * 3]))
    assert found is not None and found.share < 0.8 and "Cr" in found.words


@pytest.mark.parametrize("a", [5.65, 5.80, 5.89, 5.91, 6.06])
def test_cobalt_of_an_inverse_heusler_alloy_follows_its_nearest_manganese(a: float) -> None:
    """Mn2CoGa: 2 µB a formula unit, as Mn of 8 magnetic neighbours and Co against Mn of 4, at any lattice constant."""
    structure = of_space_group("F-43m", Lattice.cubic(a), ["Mn", "Mn", "Co", "Ga"], [[x] * 3 for x in (0.0, 0.25, 0.5, 0.75)])
    found = compensation(symmetrise(Crystal.from_pymatgen(structure, "x")))
    assert found is not None and found.words == "Co on 4-fold sites and Mn on 6-fold sites against Mn on 4-fold sites"
    assert found.share == pytest.approx(0.3, abs=0.1)
