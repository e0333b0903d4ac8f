from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.graphs.crystal_graphs import GraphBatch
from models.networks.megnet import WeightedSet2Set, Weights
from tests.contract.crystals import starter_examples

COPIES = 1e-12  # float64: weight w against w copies


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.lists(st.integers(1, 6), min_size=1, max_size=5), min_size=1, max_size=4), st.integers(0, 10**6))
def test_an_item_of_weight_w_counts_like_w_copies(weights: list[list[int]], seed: int) -> None:
    torch.manual_seed(seed)
    read_out = WeightedSet2Set(6, steps=3).double()
    owner = torch.tensor([k for k, own in enumerate(weights) for _ in own])
    weight = torch.tensor([w for own in weights for w in own])
    items = 3 * torch.randn(len(owner), 6, dtype=torch.float64)
    folded = read_out(items, weight.double(), owner, len(weights))
    copies, ones = items.repeat_interleave(weight, dim=0), torch.ones(int(weight.sum()), dtype=torch.float64)
    unfolded = read_out(copies, ones, owner.repeat_interleave(weight), len(weights))
    np.testing.assert_allclose(folded.detach(), unfolded.detach(), rtol=0, atol=COPIES)


def test_only_the_ratio_of_weights_counts_and_the_weights_do_count() -> None:
    torch.manual_seed(1)
    read_out = WeightedSet2Set(6, steps=3).double()
    items, owner = torch.randn(4, 6, dtype=torch.float64), torch.tensor([0, 0, 1, 1])
    plain = torch.tensor([1.0, 3.0, 2.0, 2.0], dtype=torch.float64)
    said = read_out(items, plain, owner, 2)
    np.testing.assert_allclose(read_out(items, plain * 0.01, owner, 2).detach(), said.detach(), rtol=0, atol=COPIES)
    even = read_out(items, torch.ones(4, dtype=torch.float64), owner, 2)
    assert (even[0] - said[0]).abs().max() > 1e-3
    np.testing.assert_allclose(even[1].detach(), said[1].detach(), rtol=0, atol=COPIES)


def test_shares_sum_to_one() -> None:
    examples = starter_examples()
    batch = GraphBatch.collate(examples.graphs, np.arange(len(examples)), torch.float64)
    weights = Weights.of(batch)
    nodes = torch.zeros(len(batch.numbers), dtype=torch.float64).index_add_(0, batch.edge_target, weights.incoming)
    crystals = torch.zeros(batch.n_crystals, dtype=torch.float64).index_add_(0, weights.bond_crystal, weights.bond)
    np.testing.assert_allclose(nodes, 1.0, atol=1e-12)
    np.testing.assert_allclose(crystals, 1.0, atol=1e-12)
