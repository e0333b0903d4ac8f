"""Graphs with directions: the asymmetric unit and its rotations say exactly what the full cell says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from data.snapshot import publish_snapshot
from data.sources.starter import StarterSource
from data.symmetry import symmetrise
from models.graphs.vector_graphs import VectorBatch, VectorGraphs
from models.networks.mcegnn import MCEGNN
from pipeline.features.graphs import graph_store
from pipeline.features.neighbours import build_graphs
from pipeline.features.vectors import build_vectors, vector_arrays
from pipeline.features.vectorstore import vector_store
from tests.contract import crystals as made
from tests.contract.models import TRANSFORMATIONS

EXACT_A = 1e-4  # Å; symmetrised cells agree far better, float32 vectors to 1e-6
NAMES = sorted(made.hand_built())


def assert_equal_graphs(one: VectorGraphs, other: VectorGraphs) -> None:
    for name, array in one.arrays().items():
        np.testing.assert_array_equal(array, getattr(other, name), err_msg=name)


@pytest.mark.parametrize("name", NAMES)
def test_each_site_sees_its_representatives_shell_turned(name: str) -> None:
    cell = symmetrise(made.hand_built()[name])
    folded, full = build_vectors([cell], made.SETTINGS), build_vectors([made.without_orbits(cell)], made.SETTINGS)
    turns = folded.rotation[folded.site_rotation]
    np.testing.assert_allclose(turns @ turns.transpose(0, 2, 1), np.tile(np.eye(3), (len(turns), 1, 1)), atol=1e-5)
    for site, (orbit, turn) in enumerate(zip(folded.site_node, turns, strict=True)):
        here, there = folded.edge_target == orbit, full.edge_target == site
        apart = np.linalg.norm((folded.edge_vector[here] @ turn.T)[:, None] - full.edge_vector[there], axis=2)
        partner = apart.argmin(axis=1)
        assert sorted(partner.tolist()) == list(range(there.sum())), "each neighbour has one partner"
        assert apart.min(axis=1).max() < EXACT_A
        np.testing.assert_array_equal(folded.edge_kind[here], full.edge_kind[there][partner])
        np.testing.assert_array_equal(folded.edge_source[here], folded.site_node[full.edge_source[there][partner]])


@pytest.mark.parametrize("name", NAMES)
def test_lengths_and_counts_are_those_of_the_plain_graph(name: str) -> None:
    cell = symmetrise(made.hand_built()[name])
    plain, _ = build_graphs([cell], made.SETTINGS)
    directed = build_vectors([cell], made.SETTINGS)
    assert len(directed.edge_vector) == plain.edge_count.sum()
    lengths = np.linalg.norm(directed.edge_vector, axis=1)
    np.testing.assert_allclose(np.sort(lengths), np.sort(np.repeat(plain.edge_distance, plain.edge_count.astype(int))), atol=1e-4)
    np.testing.assert_array_equal(directed.numbers, plain.numbers)
    np.testing.assert_array_equal(directed.node_weight, plain.node_weight)


@pytest.mark.parametrize("change", TRANSFORMATIONS)
@pytest.mark.parametrize("name", NAMES)
def test_kinds_of_cells_do_not_depend_on_how_the_crystal_is_written(name: str, change: str) -> None:
    crystal = made.hand_built()[name]

    def said(graphs: VectorGraphs) -> list[tuple[int, int, int, float]]:
        lengths = np.round(np.linalg.norm(graphs.edge_vector, axis=1), 3)
        sources, kinds, own = graphs.numbers[graphs.edge_source], graphs.edge_kind, graphs.edge_translate
        return sorted(zip(sources.tolist(), kinds.tolist(), own.tolist(), lengths.tolist(), strict=True))

    plain = build_vectors([symmetrise(crystal)], made.SETTINGS)
    other = build_vectors([symmetrise(TRANSFORMATIONS[change](crystal))], made.SETTINGS)
    assert [row[:3] for row in said(plain)] == [row[:3] for row in said(other)]


def test_known_kinds() -> None:
    """bcc: 8 neighbours in the nearest kind of cell, 6 in the next; every neighbour is a translate."""
    iron = build_vectors([symmetrise(made.hand_built()["Fe"])], made.SETTINGS)
    assert sorted(iron.edge_kind.tolist()) == [1 << 1] * 8 + [1 << 2] * 6
    assert iron.edge_translate.all()
    oxide = build_vectors([symmetrise(made.hand_built()["MnO"])], made.SETTINGS)
    # a neighbour at (½ 0 0) lies as near to the lattice points (½ ±½ 0), (½ 0 ±½) as to the origin itself
    near = np.linalg.norm(oxide.edge_vector, axis=1) < 2.3
    assert set(oxide.edge_kind[near].tolist()) == {0b111}
    assert oxide.edge_translate[~near].all() and not oxide.edge_translate[near].any()


@pytest.mark.parametrize("name", NAMES)
def test_vectors_turn_with_the_crystal(name: str) -> None:
    """Outputs of the network at every site: those of the turned crystal are the turned ones, reflections included."""
    torch.manual_seed(0)
    network = MCEGNN().network.double()
    for convolution in network.convolutions:
        torch.nn.init.xavier_uniform_(convolution.mix[2].weight)
    graphs = VectorGraphs(**vector_arrays([symmetrise(made.hand_built()[name])], made.SETTINGS))
    turn = made.random_rotation(3, handedness=-1)
    turned = VectorGraphs(
        **{**graphs.arrays(), "edge_vector": graphs.edge_vector @ turn.T, "rotation": turn @ graphs.rotation @ turn.T}
    )
    with torch.no_grad():
        one, other = (network.vectors(VectorBatch.collate(g, np.array([0]), torch.float64)) for g in (graphs, turned))
    size = float(one.abs().max())
    np.testing.assert_allclose(other.numpy(), np.einsum("ij,sjc->sic", turn, one.numpy()), rtol=0, atol=1e-12)
    if name == "MnSi":
        assert size > 1e-3, "no inversion symmetry, and yet no vector"


def test_taking_and_joining_are_inverse() -> None:
    parts = [build_vectors([symmetrise(made.hand_built()[name])], made.SETTINGS) for name in NAMES]
    whole = VectorGraphs.join(parts)
    assert len(whole) == len(NAMES)
    for k, part in enumerate(parts):
        assert_equal_graphs(whole.take(np.array([k])), part)
    order = np.random.default_rng(0).permutation(len(whole))
    assert_equal_graphs(whole.take(order), VectorGraphs.join([parts[k] for k in order]))


def test_a_store_holds_what_is_built_directly(tmp_path: Path) -> None:
    snapshot = publish_snapshot(tmp_path, StarterSource())
    graphs = graph_store(tmp_path / "graphs", snapshot, made.SETTINGS, workers=1)
    ticks: list[int] = []
    stored = vector_store(tmp_path / "graphs", snapshot, graphs, made.SETTINGS, 2, ticks.append)
    crystals = list(snapshot.crystals())
    assert_equal_graphs(stored, build_vectors([symmetrise(crystals[k]) for k in graphs.rows], made.SETTINGS))
    assert sum(ticks) == len(graphs.rows)
    before = ticks.copy()
    assert_equal_graphs(stored, vector_store(tmp_path / "graphs", snapshot, graphs, made.SETTINGS, 2, ticks.append))
    assert ticks == before, "built twice"
