from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from data.crystal import make_crystal
from data.symmetry import SymmetricCell, symmetrise
from models.graphs.crystal_graphs import CrystalGraphs
from pipeline.features.neighbours import GraphSettings, build_graphs, isolated_atom
from tests.contract import crystals as made
from tests.contract.models import TRANSFORMATIONS

DISTANCE_A = 2e-5  # Å: float32 storage, and equal distances averaged over at most 1e-5 Å
BORDER_A = 1e-4  # Å: random cells whose shell ends this close to a neighbour decide nothing

A = 3.0  # Å, edge of the cubic cells


def cubic(*positions: tuple[float, float, float]) -> SymmetricCell:
    return symmetrise(make_crystal("cubic", A * np.eye(3), positions, [26] * len(positions)))


FCC = ((0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0))

# kept neighbours by hand: (how many, Å) a shell, up to and with the shell of the twelfth
SHELLS = {
    "simple cubic": (cubic((0, 0, 0)), [(6, A), (12, A * np.sqrt(2))]),
    "bcc": (cubic((0, 0, 0), (0.5, 0.5, 0.5)), [(8, A * np.sqrt(3) / 2), (6, A)]),
    "fcc": (cubic(*FCC), [(12, A / np.sqrt(2))]),
    "diamond": (
        cubic(*[(x + d, y + d, z + d) for d in (0, 0.25) for x, y, z in FCC]),
        [(4, A * np.sqrt(3) / 4), (12, A / np.sqrt(2))],
    ),
}


@pytest.mark.parametrize("name", SHELLS)
def test_whole_shells_of_textbook_lattices(name: str) -> None:
    cell, shells = SHELLS[name]
    graph = made.build_graph(cell, made.SETTINGS)
    assert len(graph.numbers) == 1
    assert graph.edge_count.tolist() == [n for n, _ in shells]
    np.testing.assert_allclose(graph.edge_distance, [d for _, d in shells], atol=DISTANCE_A)
    assert graph.volume_per_atom[0] == pytest.approx(abs(np.linalg.det(cell.lattice)) / len(cell.numbers), rel=1e-6)


def test_rutile() -> None:
    """MnF2: 2 + 4 F around Mn, then 2 Mn along c, then two more F end the shell of the twelfth at 3.71 Å."""
    graph = made.build_graph(symmetrise(made.hand_built()["MnF2"]), made.SETTINGS)
    manganese = int(np.flatnonzero(graph.numbers == 25)[0])
    into = graph.edge_target == manganese
    a, c, x = 4.873, 3.310, 0.305
    bonds = {
        "apical": (2, x * a * np.sqrt(2)),
        "equatorial": (4, np.sqrt(2 * ((0.5 - x) * a) ** 2 + (c / 2) ** 2)),
        "Mn along c": (2, c),
        "next F": (4, np.sqrt((x * a) ** 2 + ((1 - x) * a) ** 2)),
    }
    wanted = sorted((d, n) for n, d in bonds.values())
    np.testing.assert_allclose(np.sort(graph.edge_distance[into]), [d for d, _ in wanted], atol=DISTANCE_A)
    assert graph.edge_count[into][np.argsort(graph.edge_distance[into])].tolist() == [n for _, n in wanted]
    assert graph.node_weight.tolist() == pytest.approx([1 / 3, 2 / 3] if manganese == 0 else [2 / 3, 1 / 3])


@pytest.mark.parametrize(("neighbours", "kept"), [(1, 8), (8, 8), (9, 14), (12, 14), (14, 14), (15, 26)])
def test_a_tie_at_the_last_neighbour_is_kept_whole(neighbours: int, kept: int) -> None:
    graph = made.build_graph(SHELLS["bcc"][0], replace(made.SETTINGS, neighbours=neighbours))
    assert graph.edge_count.sum() == kept


@pytest.mark.parametrize(("tolerance", "kept"), [(0.01, 4), (0.15, 6)])
def test_a_neighbour_a_little_farther_belongs_to_the_shell(tolerance: float, kept: int) -> None:
    """Four neighbours at 3 Å, two at 3.09 Å."""
    stretched = symmetrise(make_crystal("stretched", np.diag([A, A, 1.03 * A]), [[0, 0, 0]], [26]))
    assert made.build_graph(stretched, GraphSettings(neighbours=4, shell_tolerance_A=tolerance)).edge_count.sum() == kept


def expanded(graph: CrystalGraphs) -> dict[tuple[int, int], list[float]]:
    """Distances by (centre, neighbour), each as often as it counts."""
    found: dict[tuple[int, int], list[float]] = {}
    edges = zip(graph.edge_target, graph.edge_source, graph.edge_distance, graph.edge_count, strict=True)
    for target, source, distance, count in edges:
        found.setdefault((int(target), int(source)), []).extend([float(distance)] * int(count))
    return {pair: sorted(distances) for pair, distances in found.items()}


def assert_equals_brute_force(cell: SymmetricCell, settings: GraphSettings) -> None:
    wanted: dict[tuple[int, int], list[float]] = {}
    for orbit, site in enumerate(cell.representatives):
        for neighbour, distance in zip(*made.shells_by_hand(cell, settings, site), strict=True):
            wanted.setdefault((orbit, int(cell.orbit[neighbour])), []).append(float(distance))
    found = expanded(made.build_graph(cell, settings))
    assert found.keys() == wanted.keys()
    for pair, distances in wanted.items():
        np.testing.assert_allclose(found[pair], sorted(distances), rtol=0, atol=DISTANCE_A, err_msg=str(pair))


@st.composite
def skewed_cells(draw: st.DrawFn) -> SymmetricCell:
    """Random triclinic cells with one to five atoms, some flat, some with long needles."""
    rng = np.random.default_rng(draw(st.integers(0, 10**9)))
    lengths = np.array(draw(st.tuples(*[st.floats(2.0, 9.0)] * 3)))
    skew = np.array(draw(st.tuples(*[st.floats(-1.2, 1.2)] * 3)))
    lattice = np.array([[1, 0, 0], [skew[0], 1, 0], [skew[1], skew[2], 1]]) * lengths[:, None]
    n = draw(st.integers(1, 5))
    assume(abs(np.linalg.det(lattice)) / n < 150)
    return SymmetricCell(lattice, rng.random((n, 3)), rng.integers(1, 100, n), np.arange(n), 1, False)


def decided(cell: SymmetricCell, settings: GraphSettings) -> bool:
    """No neighbour sits so close to the end of its centre's shell that rounding decides."""
    for site in cell.representatives:
        _, near = made.shells_by_hand(cell, settings, site)
        _, wide = made.shells_by_hand(cell, replace(settings, shell_tolerance_A=settings.shell_tolerance_A + BORDER_A), site)
        _, narrow = made.shells_by_hand(cell, replace(settings, shell_tolerance_A=settings.shell_tolerance_A - BORDER_A), site)
        if not len(near) == len(wide) == len(narrow) or (len(near) and near.min() < 0.01):
            return False
    return True


@settings(max_examples=60, deadline=None, derandomize=True)
@given(skewed_cells(), st.sampled_from([1, 6, 12]))
def test_neighbours_equal_brute_force_in_skewed_cells(cell: SymmetricCell, neighbours: int) -> None:
    wanted = replace(made.SETTINGS, neighbours=neighbours)
    assume(decided(cell, wanted))
    assert_equals_brute_force(cell, wanted)


@pytest.mark.parametrize("name", made.hand_built())
def test_neighbours_equal_brute_force_in_real_crystals(name: str) -> None:
    cell = symmetrise(made.hand_built()[name])
    assert_equals_brute_force(cell, made.SETTINGS)
    assert_equals_brute_force(made.without_orbits(cell), made.SETTINGS)


def test_the_largest_radius_ends_the_search() -> None:
    """A chain 5 Å apart in a 40 Å box: within 16 Å there are six neighbours, and the atom makes do with them."""
    chain = symmetrise(make_crystal("chain", np.diag([40.0, 40.0, 5.0]), [[0, 0, 0]], [26]))
    graph = made.build_graph(chain, made.SETTINGS)
    np.testing.assert_allclose(graph.edge_distance, [5.0, 10.0, 15.0], atol=DISTANCE_A)
    assert graph.edge_count.tolist() == [2, 2, 2]


def test_isolated_atoms_are_refused() -> None:
    for lattice, frac, numbers in (
        (20.0 * np.eye(3), [[0, 0, 0]], [26]),
        (40.0 * np.eye(3), [[0, 0, 0], [0.05, 0, 0], [0.5, 0.5, 0.5]], [26, 8, 2]),  # two bonded, one alone
    ):
        _, kept = build_graphs([symmetrise(make_crystal("alone", lattice, frac, numbers))], made.SETTINGS)
        assert not len(kept)
    assert "16 Å" in isolated_atom(made.SETTINGS)


@pytest.mark.parametrize("change", TRANSFORMATIONS)
@pytest.mark.parametrize("name", made.hand_built())
def test_the_graph_does_not_depend_on_how_the_crystal_is_written(name: str, change: str) -> None:
    crystal = made.hand_built()[name]
    plain = made.build_graph(symmetrise(crystal), made.SETTINGS)
    other = made.build_graph(symmetrise(TRANSFORMATIONS[change](crystal)), made.SETTINGS)
    assert signature(plain).keys() == signature(other).keys()
    for key, distances in signature(plain).items():
        np.testing.assert_allclose(signature(other)[key], distances, rtol=0, atol=DISTANCE_A, err_msg=str(key))
    assert (plain.n_atoms, plain.space_group) == (other.n_atoms, other.space_group)
    np.testing.assert_allclose(other.volume_per_atom, plain.volume_per_atom, rtol=1e-6)


def signature(graph: CrystalGraphs) -> dict[tuple[object, ...], list[float]]:
    """Edges by what they join, whatever the nodes' numbers: (Z and weight of both ends, count) to sorted distances."""
    found: dict[tuple[object, ...], list[float]] = {}
    weight = np.round(graph.node_weight.astype(np.float64), 6)
    for i, j, d, n in zip(graph.edge_target, graph.edge_source, graph.edge_distance, graph.edge_count, strict=True):
        key = (int(graph.numbers[i]), weight[i], int(graph.numbers[j]), weight[j], int(n))
        found.setdefault(key, []).append(float(d))
    return {key: sorted(distances) for key, distances in found.items()}
