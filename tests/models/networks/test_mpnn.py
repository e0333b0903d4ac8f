"""The shell weight and the continuity of the message-passing network; tests/contract holds it to what every family must pass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from data.crystal import Crystal
from models.graphs.crystal_graphs import DTYPES, CrystalGraphs, GraphBatch
from models.networks.mpnn import MPNN, MPNNSettings
from tests.contract.crystals import examples_of, hand_built, starter_examples
from tests.contract.models import trained

NEIGHBOURS, FADE_A = 12, 0.1
JUMP = 2e-3  # µB/atom; a neighbour that left at once moved a CGCNN of the first release by up to 0.046


def chain(distances: list[float], counts: list[int]) -> GraphBatch:
    """One iron atom with these neighbours."""
    values = {
        "node_ptr": [0, 1], "edge_ptr": [0, len(distances)], "numbers": [26], "node_weight": [1.0],
        "edge_source": np.zeros(len(distances)), "edge_target": np.zeros(len(distances)), "edge_distance": distances,
        "edge_count": counts, "volume_per_atom": [11.0], "n_atoms": [1], "space_group": [1],
    }  # fmt: skip
    graphs = CrystalGraphs(**{name: np.asarray(v, dtype=DTYPES[name]) for name, v in values.items()})
    return GraphBatch.collate(graphs, np.array([0]), torch.float64)


def test_the_weight_is_one_up_to_the_twelfth_neighbour_and_zero_at_the_end() -> None:
    weight = chain([2.0, 2.5, 2.55, 2.6], [8, 4, 6, 2]).shell_weight(NEIGHBOURS, FADE_A)
    np.testing.assert_allclose(weight, [1.0, 1.0, 0.5, 0.0], atol=1e-5)  # distances are float32


def test_the_order_of_the_edges_does_not_matter() -> None:
    one = chain([2.0, 2.5, 2.53, 2.57], [8, 4, 6, 2]).shell_weight(NEIGHBOURS, FADE_A)
    other = chain([2.57, 2.0, 2.53, 2.5], [2, 8, 6, 4]).shell_weight(NEIGHBOURS, FADE_A)
    np.testing.assert_array_equal(other, one[[3, 0, 2, 1]])


def test_an_atom_with_few_neighbours_keeps_them_all() -> None:
    np.testing.assert_array_equal(chain([2.0, 4.0], [4, 6]).shell_weight(NEIGHBOURS, FADE_A), [1.0, 1.0])


def test_every_atom_of_a_batch_has_its_own_shell() -> None:
    graphs = examples_of(list(hand_built().values())).graphs
    every = GraphBatch.collate(graphs, np.arange(len(graphs)))
    alone = [GraphBatch.collate(graphs, np.array([k])).shell_weight(NEIGHBOURS, FADE_A) for k in range(len(graphs))]
    together = every.shell_weight(NEIGHBOURS, FADE_A)
    np.testing.assert_array_equal(together, torch.cat(alone))
    assert 0 < float((together < 1).double().mean()) < 0.5


def stretched(crystal: Crystal, along_c: float) -> Crystal:
    return replace(crystal, lattice=crystal.lattice * np.array([1.0, 1.0, 1.0 + along_c])[:, None])


@pytest.mark.parametrize("name", ["Fe", "Ni", "MnSi", "CuFeO triclinic", "MnWO4", "Co2MnSi"])
def test_a_neighbour_leaves_the_shell_slowly(name: str) -> None:
    """The crystal is stretched in steps of 0.02 %, so that shells split and neighbours leave; no step jumps."""
    path = examples_of([stretched(hand_built()[name], x) for x in np.arange(0.0, 0.06, 2e-4)])
    edges = path.graphs.edges_per_crystal
    said = trained(MPNN)[0].predict(path).moment
    assert len(set(edges.tolist())) > 1, "no neighbour left or came, so this tests nothing"
    assert np.abs(np.diff(said)).max() < JUMP


def test_training_is_disturbed_and_predictions_are_not() -> None:
    examples = starter_examples().take(np.arange(20))
    for settings in (MPNNSettings(dropout=0.5, strain=0.0), MPNNSettings(dropout=0.0, strain=0.1)):
        model = MPNN(settings)
        np.testing.assert_array_equal(model.predict(examples).moment, model.predict(examples).moment)
        network, batch = model.network.train(), GraphBatch.collate(examples.graphs, np.arange(20))
        assert not torch.equal(network(batch).moment, network(batch).moment)
