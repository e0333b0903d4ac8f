"""What the model of orderings makes small in the one training loop (models/networks/training.py)."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models.graphs.site_graphs import SiteBatch
from models.networks.training import PREDICTION_EDGES, Task, TrainingSettings
from models.ordering.site_examples import OrderingExamples
from models.ordering.site_loss import LossWeights, ordering_loss
from models.ordering.site_network import OrderingNetwork
from models.packing import batches_by_edges

TRAINING = TrainingSettings(epochs=12, batch_size=48, learning_rate=3e-3, weight_decay=3e-2, patience=12)


def orderings_task(train: OrderingExamples, validation: OrderingExamples, weights: LossWeights) -> Task:
    """To predict the ordered moments of crystals; judged by the loss."""

    def loss(network: nn.Module, index: NDArray[np.int64]) -> torch.Tensor:
        return batch_loss(cast(OrderingNetwork, network), train, index, weights)

    def judge(network: nn.Module) -> float:
        return mean_loss(cast(OrderingNetwork, network), validation, weights)

    return Task(len(train), loss, judge, "validation_loss")


def batch_loss(
    network: OrderingNetwork, examples: OrderingExamples, index: NDArray[np.int64], weights: LossWeights
) -> torch.Tensor:
    """The loss of some crystals."""
    dtype = next(network.parameters()).dtype
    part = examples.take(index)
    batch = SiteBatch.collate(part.graphs, np.arange(len(index)), dtype)
    moment, ordering = torch.from_numpy(part.moment).to(dtype), torch.from_numpy(part.ordering)
    return ordering_loss(network(batch), batch, network.field, moment, ordering, weights)


def mean_loss(network: OrderingNetwork, examples: OrderingExamples, weights: LossWeights) -> float:
    """Over all crystals, with probes that are always the same."""
    network.eval()
    total = 0.0
    with torch.inference_mode(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for index in batches_by_edges(examples.graphs.trunk.edges_per_crystal, PREDICTION_EDGES):
            total += batch_loss(network, examples, index, weights).item() * len(index)
    return total / len(examples)
