"""Pretraining and twins of the ablation: what is disturbed, hidden and exchanged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from benchmarks.pretraining import Pretext, edge_noise
from benchmarks.twins import Twins
from data.crystal import Crystal, make_crystal
from models.contract import Examples
from models.graphs.crystal_graphs import GraphBatch
from models.networks.mpnn import MPNNSettings
from pipeline.featurise import Needs, featurise

LI, NA, SI, FE, CO = 3, 11, 14, 26, 27


def _pair(z: int, edge: float) -> Crystal:
    """Iron and another element in the structure of CsCl."""
    return make_crystal(f"Fe-{z}", (np.eye(3) * edge).tolist(), [[0, 0, 0], [0.5, 0.5, 0.5]], [FE, z])


def _examples(moments: dict[int, float]) -> Examples:
    crystals = [_pair(z, edge) for z in moments for edge in (3.0, 3.1)]
    return replace(featurise(crystals, Needs()).examples, moment=np.repeat(list(moments.values()), 2))


def test_an_edge_and_its_reverse_are_disturbed_alike() -> None:
    batch = GraphBatch.collate(_examples({LI: 1.0}).graphs, np.arange(2))
    noise = edge_noise(batch)
    seen: dict[tuple[int, int, float], float] = {}
    edges = zip(batch.edge_source.tolist(), batch.edge_target.tolist(), batch.edge_distance.tolist(), noise.tolist(), strict=True)
    for a, b, length, said in edges:
        assert seen.setdefault((min(a, b), max(a, b), round(length, 4)), said) == said
    assert len(set(seen.values())) == len(seen)


def test_pretraining_leaves_the_batch_and_teaches_the_trunk() -> None:
    torch.manual_seed(0)
    batch = GraphBatch.collate(_examples({LI: 1.0, SI: 0.5}).graphs, np.arange(4))
    numbers, lengths = batch.numbers.clone(), batch.edge_distance.clone()
    network = Pretext(MPNNSettings(width=8), masks=True, disturbs=True)
    torch.autograd.backward(network.loss(batch))
    assert torch.equal(batch.numbers, numbers)
    assert torch.equal(batch.edge_distance, lengths)
    touched = {name.split(".")[0] for name, value in network.trunk.named_parameters() if value.grad is not None}
    assert touched == {"embedding", "of_properties", "layers", "norm"}


def test_twins_are_elements_of_one_group_with_the_same_labels() -> None:
    rows = _examples({LI: 1.0, NA: 1.02, SI: 0.5, CO: 1.01})
    assert Twins.of(rows).of_element == {LI: [NA], NA: [LI]}
    assert Twins.of(_examples({LI: 1.0, NA: 0.5})).of_element == {}


def test_only_twins_are_exchanged() -> None:
    torch.manual_seed(0)
    rows = _examples({LI: 1.0, NA: 1.02, CO: 1.01})
    index = np.tile(np.arange(len(rows)), 50)
    plain, changed = GraphBatch.collate(rows.graphs, index), Twins.of(rows).collate(rows, index, torch.float32)
    moved = plain.numbers != changed.numbers
    assert set(zip(plain.numbers[moved].tolist(), changed.numbers[moved].tolist(), strict=True)) == {(LI, NA), (NA, LI)}
    assert 0 < int(moved.sum()) < len(index) / 5
