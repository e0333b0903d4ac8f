"""Models asked together say bit for bit what each says alone, in the order in which they were named."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.contract import Examples, FitControl, Model
from models.graphs.vector_graphs import VectorBatch
from models.members import predict_members
from models.networks.cgcnn import CGCNN
from models.networks.ecn import ECN
from models.networks.mcegnn import MCEGNN
from models.networks.megnet import MEGNet
from models.networks.network_model import NetworkModel
from models.trees.forest import Forest, ForestSettings
from tests.contract.crystals import starter_examples

GRADIENTS = 1e-5  # µB/atom; with gradients sums run in another order


class Doubled(CGCNN):
    """A family that does something of its own with what the network says."""

    def predict(self, examples: Examples):  # type: ignore[no-untyped-def]
        said = super().predict(examples)
        return type(said)(2.0 * said.moment, said.p_magnetic)


def members() -> dict[str, Model]:
    torch.manual_seed(0)
    double = CGCNN()
    double.network.double()
    forest = Forest(ForestSettings(n_estimators=3))
    forest.fit(starter_examples(), starter_examples(), FitControl())
    return {
        "mcegnn-0": MCEGNN(), "cgcnn-0": CGCNN(), "forest-0": forest, "ecn-0": ECN(), "cgcnn-1": CGCNN(), "double": double,
        "doubled": Doubled(), "megnet-0": MEGNet(), "mcegnn-1": MCEGNN(),
    }  # fmt: skip


def test_together_as_alone() -> None:
    asked, examples = members(), starter_examples()
    together = predict_members(asked, examples)
    assert list(together) == list(asked)
    for name, model in asked.items():
        alone = model.predict(examples)
        np.testing.assert_array_equal(together[name].moment, alone.moment, err_msg=name)
        np.testing.assert_array_equal(together[name].p_magnetic, alone.p_magnetic, err_msg=name)
    assert len({round(float(said.moment.sum()), 6) for said in together.values()}) == len(asked), "they differ"


@pytest.mark.parametrize("kind", [CGCNN, MEGNet, MCEGNN, ECN])
def test_inference_says_what_training_sees(kind: type[NetworkModel]) -> None:
    """Without gradients, results are written in place and sums take another way."""
    torch.manual_seed(1)
    model, examples = kind(), starter_examples()
    if kind is MCEGNN:
        for convolution in model.network.convolutions:  # type: ignore[union-attr]
            torch.nn.init.xavier_uniform_(convolution.mix[2].weight)
    every = np.arange(len(examples))
    recorded = model.network(model.collate(examples, every, torch.float32)).moment.detach().numpy()
    np.testing.assert_allclose(model.predict(examples).moment, recorded, rtol=0, atol=GRADIENTS)


def test_each_edge_names_the_site_it_ends_on() -> None:
    vectors = starter_examples().vectors
    assert vectors is not None
    batch = VectorBatch.collate(vectors, np.arange(len(vectors))[::-1].copy())
    assert torch.equal(batch.site_node[batch.edge_site], batch.edge_source)
    assert torch.equal(batch.site_rotation[batch.edge_site], batch.edge_rotation)
