from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from models.graphs.crystal_graphs import DTYPES, CrystalGraphs, GraphBatch
from models.packing import batches_by_edges
from tests.contract.crystals import SETTINGS, build_graph, hand_built, starter_examples
from tests.contract.models import trained

PER_NODE, PER_EDGE = ("numbers", "node_weight"), ("edge_source", "edge_target", "edge_distance", "edge_count")


@st.composite
def graph_sets(draw: st.DrawFn) -> CrystalGraphs:
    """Random packed graphs; a crystal has one node or more, and an edge or more into each node."""
    nodes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    parts = []
    for n in nodes:
        target = np.sort(np.concatenate([np.arange(n), rng.integers(0, n, rng.integers(0, 5))]))
        values = {
            "node_ptr": [0, n],
            "edge_ptr": [0, len(target)],
            "numbers": rng.integers(1, 104, n),
            "node_weight": rng.dirichlet(np.ones(n)),
            "edge_source": rng.integers(0, n, len(target)),
            "edge_target": target,
            "edge_distance": rng.uniform(1, 8, len(target)),
            "edge_count": rng.integers(1, 9, len(target)),
            "volume_per_atom": [rng.uniform(5, 50)],
            "n_atoms": [n],
            "space_group": [rng.integers(1, 231)],
        }
        parts.append(CrystalGraphs(**{name: np.asarray(v, dtype=DTYPES[name]) for name, v in values.items()}))
    return CrystalGraphs.join(parts)


def crystal(graphs: CrystalGraphs, k: int) -> dict[str, np.ndarray]:
    """One crystal's arrays, by plain slicing."""
    nodes, edges = slice(*graphs.node_ptr[k : k + 2]), slice(*graphs.edge_ptr[k : k + 2])
    own = {name: getattr(graphs, name)[nodes] for name in PER_NODE} | {name: getattr(graphs, name)[edges] for name in PER_EDGE}
    return own | {name: getattr(graphs, name)[k : k + 1] for name in ("volume_per_atom", "n_atoms", "space_group")}


def assert_is(graphs: CrystalGraphs, k: int, wanted: dict[str, np.ndarray]) -> None:
    for name, array in crystal(graphs, k).items():
        np.testing.assert_array_equal(array, wanted[name], err_msg=name)


@settings(deadline=None, derandomize=True)
@given(graph_sets(), st.data())
def test_take_is_picking_one_by_one(graphs: CrystalGraphs, data: st.DataObject) -> None:
    index = np.array(data.draw(st.lists(st.integers(0, len(graphs) - 1), max_size=8)), dtype=np.int64)
    taken = graphs.take(index)
    assert len(taken) == len(index)
    assert {n: a.dtype for n, a in taken.arrays().items()} == {n: np.dtype(t) for n, t in DTYPES.items()}
    for position, k in enumerate(index):
        assert_is(taken, position, crystal(graphs, k))


@settings(deadline=None, derandomize=True)
@given(st.lists(graph_sets(), min_size=1, max_size=4))
def test_concatenate_keeps_every_crystal_in_order(parts: list[CrystalGraphs]) -> None:
    joined = CrystalGraphs.join(parts)
    wanted = [crystal(p, k) for p in parts for k in range(len(p))]
    assert len(joined) == len(wanted)
    for k, one in enumerate(wanted):
        assert_is(joined, k, one)


@settings(deadline=None, derandomize=True)
@given(graph_sets(), st.data(), st.sampled_from([torch.float32, torch.float64]))
def test_collate_equals_a_loop_over_crystals(graphs: CrystalGraphs, data: st.DataObject, dtype: torch.dtype) -> None:
    index = np.array(data.draw(st.lists(st.integers(0, len(graphs) - 1), min_size=1, max_size=8)), dtype=np.int64)
    batch = GraphBatch.collate(graphs, index, dtype)
    rows: dict[str, list[float]] = {n: [] for n in (*PER_NODE, *PER_EDGE, "node_crystal")}
    offset = 0
    for position, k in enumerate(index):
        one = crystal(graphs, k)
        for name in (*PER_NODE, "edge_distance", "edge_count"):
            rows[name] += one[name].tolist()
        rows["edge_source"] += [j + offset for j in one["edge_source"].tolist()]
        rows["edge_target"] += [i + offset for i in one["edge_target"].tolist()]
        rows["node_crystal"] += [position] * len(one["numbers"])
        offset += len(one["numbers"])
    assert batch.n_crystals == len(index)
    for name, values in rows.items():
        tensor = getattr(batch, name)
        whole = name in ("numbers", "node_crystal", "edge_source", "edge_target")
        assert tensor.dtype == (torch.int64 if whole else dtype), name
        assert tensor.tolist() == values, name


@settings(deadline=None, derandomize=True)
@given(hnp.arrays(np.int64, st.integers(0, 40), elements=st.integers(1, 300)), st.integers(1, 500))
def test_batches_hold_every_crystal_once_and_keep_the_limit(edges: np.ndarray, limit: int) -> None:
    batches = list(batches_by_edges(edges, limit))
    assert sorted(k for b in batches for k in b.tolist()) == list(range(len(edges)))
    for b in batches:
        assert len(b) == 1 or edges[b].sum() <= limit
    for left, right in pairwise(batches):
        assert edges[left].sum() + edges[right[0]] > limit, "the next one would have fitted"


@pytest.mark.parametrize("name", ["forest", "cgcnn", "megnet"])
def test_memory_mapped_read_only_arrays_serve(tmp_path: Path, name: str) -> None:
    from models.contract import Examples
    from models.families import family

    examples = starter_examples().take(np.arange(0, 60))
    for key, array in examples.graphs.arrays().items():
        np.save(tmp_path / f"{key}.npy", array)
    mapped = CrystalGraphs(**{key: np.load(tmp_path / f"{key}.npy", mmap_mode="r") for key in DTYPES})
    assert not mapped.numbers.flags.writeable
    model = trained(family(name))[0]
    said = model.predict(Examples(mapped, examples.descriptors)).moment
    np.testing.assert_array_equal(said, model.predict(examples).moment)
    np.testing.assert_array_equal(mapped.take(np.array([3, 1])).numbers, examples.graphs.take(np.array([3, 1])).numbers)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.permutations(range(len(hand_built()))))
def test_real_graphs_keep_their_invariants_wherever_they_stand(order: list[int]) -> None:
    from data.symmetry import symmetrise

    crystals = list(hand_built().values())
    graphs = CrystalGraphs.join([build_graph(symmetrise(crystals[k]), SETTINGS) for k in order])
    node_crystal = np.repeat(np.arange(len(graphs)), np.diff(graphs.node_ptr))
    np.testing.assert_allclose(np.bincount(node_crystal, weights=graphs.node_weight), 1.0, atol=1e-6)
    for k in range(len(graphs)):
        one = crystal(graphs, k)
        assert (np.diff(one["edge_target"]) >= 0).all()
        assert set(one["edge_target"].tolist()) == set(range(len(one["numbers"])))
