"""CGCNN: crystal graph convolutional network (Xie and Grossman 2018) as used by Kaba et al. (arXiv 2111.14712).

    v_ij = [h_i, h_j, e_ij]
    h_i  <- h_i + sum_j sigmoid(W1 v_ij + b1) * silu(W2 v_ij + b2)

Differences, with reasons: nodes are orbits and edges carry multiplicities, which leaves the sums as they are; layer
normalisation stands in for batch normalisation, so that no crystal's prediction depends on its batch; the linear maps of
h_i and h_j are applied to nodes before they are spread over edges, which is the same sum for a fraction of the work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from models.graphs.crystal_graphs import GraphBatch
from models.networks.heads import TwoPart, TwoPartHead
from models.networks.layers import N_ELEMENTS, GaussianBasis, pick, silu, times, weighted_sum
from models.networks.network_model import NetworkModel
from models.networks.training import TrainingSettings


@dataclass(frozen=True)
class CGCNNSettings:
    """Shape of the network."""

    width: int = 64
    layers: int = 3
    gaussians: int = 32
    reach_A: float = 8.0  # last centre of the distance basis


class GatedConvolution(nn.Module):
    """One convolution on (nodes, width)."""

    def __init__(self, width: int, edge_width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.centre = nn.Linear(width, 2 * width)
        self.neighbour = nn.Linear(width, 2 * width, bias=False)
        self.edge = nn.Linear(edge_width, 2 * width, bias=False)

    def forward(self, node: Tensor, edge: Tensor, batch: GraphBatch) -> Tensor:
        h = self.norm(node)
        v = pick(self.centre(h), batch.edge_target).add_(pick(self.neighbour(h), batch.edge_source))
        v.addmm_(edge, self.edge.weight.T)  # one pass over the edges less than a sum of three
        gate, value = v.chunk(2, dim=1)
        message = times(torch.sigmoid(gate), silu(value))
        return node + weighted_sum(message, batch.edge_count, batch.edge_target, len(node))


class CGCNNNetwork(nn.Module):
    """Element embedding, convolutions, mean over atoms, two-part head."""

    def __init__(self, settings: CGCNNSettings) -> None:
        super().__init__()
        self.embedding = nn.Embedding(N_ELEMENTS, settings.width)
        self.basis = GaussianBasis(0.0, settings.reach_A, settings.gaussians, settings.reach_A / settings.gaussians)
        self.convolutions = nn.ModuleList(GatedConvolution(settings.width, settings.gaussians) for _ in range(settings.layers))
        self.norm = nn.LayerNorm(settings.width)
        self.head = TwoPartHead(settings.width)

    def forward(self, batch: GraphBatch) -> TwoPart:
        node, edge = self.embedding(batch.numbers), self.basis.shared(batch.edge_distance, batch.known_bases)
        for convolution in self.convolutions:
            node = convolution(node, edge, batch)
        said: TwoPart = self.head(weighted_sum(self.norm(node), batch.node_weight, batch.node_crystal, batch.n_crystals))
        return said


class CGCNN(NetworkModel):
    family: ClassVar[str] = "cgcnn"
    settings_type = CGCNNSettings
    training = TrainingSettings()

    def build(self) -> nn.Module:
        return CGCNNNetwork(self.settings)
