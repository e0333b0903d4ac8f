"""With filler crystals in a batch, a crystal's prediction has the same bits whatever crystals stand beside it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.contract import Examples
from models.graphs.filler import ROWS, padded
from models.networks.cgcnn import CGCNN
from models.networks.ecn import ECN
from models.networks.mcegnn import MCEGNN
from models.networks.megnet import MEGNet
from models.networks.network_model import NetworkModel
from tests.contract.crystals import starter_examples

SIZES = (1, 2, 3, 7, 20, 65)


@pytest.mark.parametrize("size", [0, *SIZES])
def test_rows_come_in_whole_blocks_and_the_examples_first(size: int) -> None:
    examples = starter_examples().take(np.arange(size))
    filled = padded(examples)
    graphs, vectors = filled.graphs, filled.vectors
    assert vectors is not None and examples.vectors is not None
    counts = [len(graphs), len(graphs.numbers), len(graphs.edge_source), len(vectors.numbers), len(vectors.edge_source)]
    counts += [len(vectors.site_node), int(vectors.edge_translate.sum()), len(filled.descriptors)]
    assert all(count % ROWS == 0 for count in counts)
    for mine, given in ((graphs, examples.graphs), (vectors, examples.vectors)):
        back = mine.take(np.arange(size)).arrays()
        for name, values in given.arrays().items():
            np.testing.assert_array_equal(back[name], values, err_msg=name)
        first = np.diff(mine.node_ptr)
        assert (first > 0).all() and (np.diff(mine.edge_ptr) >= first).all()
        assert (mine.edge_target < np.repeat(first, np.diff(mine.edge_ptr))).all()
        np.testing.assert_allclose(np.add.reduceat(mine.node_weight, mine.node_ptr[:-1]), 1.0, rtol=1e-6)


@pytest.mark.parametrize("kind", [CGCNN, MEGNet, MCEGNN, ECN])
def test_a_prediction_has_the_same_bits_in_every_batch(kind: type[NetworkModel]) -> None:
    torch.manual_seed(0)
    model, examples = kind(), starter_examples()
    if kind is MCEGNN:
        for convolution in model.network.convolutions:  # type: ignore[union-attr]
            torch.nn.init.xavier_uniform_(convolution.mix[2].weight)
    together, random = model.predict(examples), np.random.default_rng(0)
    for size in SIZES:
        some = random.choice(len(examples), size, replace=False)
        part = model.predict(examples.take(some))
        np.testing.assert_array_equal(part.moment, together.moment[some])
        np.testing.assert_array_equal(part.p_magnetic, together.p_magnetic[some])
    assert isinstance(examples, Examples) and len(np.unique(together.moment)) > len(examples) // 2
