"""Sizes, couplings and the class of a crystal's magnetic ordering: the parts that are invariant under its group.

A network of invariant answers can say how large a moment is, how two sites couple and whether a crystal is an antiferromagnet. It
cannot say which of two equivalent sites points up (Curie's principle): models/ordering/ising.py takes that over.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.graphs.site_graphs import SiteBatch
from models.networks.cgcnn import GatedConvolution
from models.networks.element_table import N_PROPERTIES, element_table
from models.networks.layers import N_ELEMENTS, GaussianBasis, mlp, pick, weighted_sum
from models.ordering.ising import SignField
from models.ordering.site_examples import ORDERINGS


@dataclass(frozen=True)
class OrderingSettings:
    """Shape of the network."""

    width: int = 64
    layers: int = 3
    gaussians: int = 32
    reach_A: float = 8.0  # last centre of the distance basis of bonds
    pair_width: int = 48
    pair_gaussians: int = 24
    pair_reach_A: float = 10.0  # the same for pairs of carriers
    paths: int = 15  # columns of SiteGraphs.pair_paths
    steps: int = 12  # of the sign field
    dropout: float = 0.2


@dataclass(frozen=True, eq=False)
class Invariants:
    """What the network says of a batch."""

    size: Tensor  # (nodes,) |moment| in µB
    coupling: Tensor  # (pairs,) J; positive: parallel
    logits: Tensor  # (crystals, 4) of ORDERINGS


class OrderingNetwork(nn.Module):
    """Convolutions over the primitive cell, then a head for sizes, one for pairs, one for the class."""

    elements: Tensor

    def __init__(self, settings: OrderingSettings) -> None:
        super().__init__()
        width, pair = settings.width, settings.pair_width
        self.embedding = nn.Embedding(N_ELEMENTS, width)
        self.register_buffer("elements", element_table())
        self.properties = nn.Linear(N_PROPERTIES, width)
        self.basis = GaussianBasis(0.0, settings.reach_A, settings.gaussians, settings.reach_A / settings.gaussians)
        self.convolutions = nn.ModuleList(GatedConvolution(width, settings.gaussians) for _ in range(settings.layers))
        self.norm = nn.LayerNorm(width)
        self.size = mlp(width, width, 2)
        self.pair_basis = GaussianBasis(
            0.0, settings.pair_reach_A, settings.pair_gaussians, settings.pair_reach_A / settings.pair_gaussians
        )
        self.ends, self.apart = nn.Linear(width, pair), nn.Linear(width, pair, bias=False)
        self.between = nn.Linear(settings.pair_gaussians + settings.paths + 1, pair)
        self.pair = mlp(pair, pair, pair)
        self.coupling = nn.Linear(pair, 1)
        self.dropout = nn.Dropout(settings.dropout)
        self.field = SignField(settings.steps)
        self.order = mlp(2 * width + pair, width, len(ORDERINGS))

    def forward(self, batch: SiteBatch) -> Invariants:
        graph = batch.graph
        node = self.embedding(graph.numbers) + self.properties(self.elements[graph.numbers])
        edge = self.basis(graph.edge_distance)
        for convolution in self.convolutions:
            node = convolution(node, edge, graph)
        h = self.dropout(self.norm(node))
        gate, amount = self.size(h).unbind(dim=1)
        size = torch.sigmoid(gate) * functional.softplus(amount)
        hidden = self._pairs(batch, h)
        carried = batch.pair_weight * (1.0 - batch.pair_induced)
        pooled = [
            weighted_sum(h, graph.node_weight, graph.node_crystal, graph.n_crystals),
            self._magnetic_mean(batch, h, size.detach()),
            weighted_sum(hidden, carried / 12.0, batch.pair_crystal, graph.n_crystals),
        ]
        logits = self.order(torch.cat(pooled, dim=1))
        return Invariants(size, self.coupling(hidden)[:, 0], logits)

    def _pairs(self, batch: SiteBatch, h: Tensor) -> Tensor:
        """(pairs, pair_width), the same for either end first."""
        a, b = pick(h, batch.pair_first), pick(h, batch.pair_second)
        seen = torch.cat(
            [self.pair_basis(batch.pair_distance), torch.log1p(batch.pair_paths), batch.pair_induced[:, None]], dim=1
        )
        hidden: Tensor = self.pair(functional.silu(self.ends(a + b) + self.apart((a - b) ** 2) + self.between(seen)))
        return functional.silu(hidden)

    def _magnetic_mean(self, batch: SiteBatch, h: Tensor, size: Tensor) -> Tensor:
        """(crystals, width) mean over the atoms, each weighted by its moment."""
        graph = batch.graph
        weight = graph.node_weight * (size + 1e-3)
        total = torch.zeros(graph.n_crystals, dtype=h.dtype).index_add(0, graph.node_crystal, weight)
        return weighted_sum(h, weight, graph.node_crystal, graph.n_crystals) / total[:, None]
