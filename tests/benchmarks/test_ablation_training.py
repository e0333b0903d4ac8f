"""Twins of the ablation: what is exchanged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from benchmarks.twins import Twins
from data.crystal import Crystal, make_crystal
from models.contract import Examples
from models.graphs.crystal_graphs import GraphBatch
from pipeline.featurise import Needs, featurise

LI, NA, SI, FE, CO = 3, 11, 14, 26, 27


def _pair(z: int, edge: float) -> Crystal:
    """Iron and another element in the structure of CsCl."""
    return make_crystal(f"Fe-{z}", (np.eye(3) * edge).tolist(), [[0, 0, 0], [0.5, 0.5, 0.5]], [FE, z])


def _examples(moments: dict[int, float]) -> Examples:
    crystals = [_pair(z, edge) for z in moments for edge in (3.0, 3.1)]
    return replace(featurise(crystals, Needs()).examples, moment=np.repeat(list(moments.values()), 2))


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
