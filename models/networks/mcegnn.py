"""MC-EGNN: multi-channel E(n)-equivariant graph network (Levy et al., arXiv 2309.03139), for crystals and for point sets.

Every node carries m vectors, which are mixed across channels and never across x, y and z:

    d_ij  = what node j's vectors are, seen from node i                (edges, 3, m)
    m_ij  = phi_e(h_i, h_j, |d_ij|², a_ij),  gated                     phi_e: two layers
    X_i  <- X_i + mean_j  d_ij Phi_x(m_ij)                             Phi_x: no bias, small at the start
    h_i  <- h_i + phi_h(h_i, sum_j m_ij)

In a point set d_ij = X_i - X_j with absolute positions. A crystal has none, so there X starts at zero, d_ij = r_ij + X_j - X_i,
and X is a true vector, whatever the origin and the cell. On a site of inversion symmetry it stays zero, as it must.

norm_diff divides d by |d| + 1 in the update of X, which keeps close encounters from blowing up many channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from models.graphs.vector_graphs import VectorBatch
from models.networks.heads import TwoPart, TwoPartHead
from models.networks.layers import MEAN_NEIGHBOURS, N_ELEMENTS, GaussianBasis, SiLU, mlp, pick, silu, squares, times, weighted_sum
from models.networks.network_model import VectorNetworkModel
from models.networks.training import TrainingSettings

SQUARE_A2 = 10.0  # Å², scale of squared distances between neighbours
SMALLEST = 1e-24  # of a squared length; the root of zero has no gradient


@dataclass(frozen=True)
class MCEGNNSettings:
    """Shape of the network."""

    width: int = 64
    layers: int = 3
    channels: int = 4
    gaussians: int = 32
    reach_A: float = 8.0  # last centre of the distance basis


class ChannelConvolution(nn.Module):
    """One layer on (nodes, width) scalars and (nodes, 3, channels) vectors; it knows nothing of where d_ij comes from."""

    def __init__(self, width: int, channels: tuple[int, int], edge_width: int, norm_diff: bool = True) -> None:
        super().__init__()
        self.channels, self.norm_diff = channels, norm_diff
        self.centre = nn.Linear(width, width)
        self.neighbour = nn.Linear(width, width, bias=False)
        self.edge = nn.Linear(edge_width + channels[0], width, bias=False)
        self.second = nn.Linear(width, width)
        self.gate = nn.Linear(width, 1)
        last = nn.Linear(width, channels[0] * channels[1], bias=False)
        nn.init.xavier_uniform_(last.weight, gain=1e-3)
        self.mix = nn.Sequential(nn.Linear(width, width), SiLU(), last)
        self.update = mlp(2 * width, width, width)

    def forward(
        self, h: Tensor, d: Tensor, unit: float, edge: Tensor, source: Tensor, target: Tensor, mean: Tensor, total: float
    ) -> tuple[Tensor, Tensor]:
        """What to add to the scalars, and to the vectors: (nodes, width) and (nodes, 3, channels out).

        Args:
            d: (edges, 3, channels in).
            unit: divides |d|², which the scalars read.
            edge: (edges, edge_width) invariant features.
            mean: (nodes,) one over the number of neighbours.
            total: divides the sum of messages.
        """
        square = squares(d)
        v = pick(self.centre(h), target).add_(pick(self.neighbour(h), source))
        v.addmm_(torch.cat([edge, square / unit], dim=1), self.edge.weight.T)
        message = silu(self.second(silu(v)))
        message = times(message, torch.sigmoid(self.gate(message)))
        if self.norm_diff:
            d = d / (square.clamp(min=SMALLEST).sqrt() + 1.0)[:, None]
        moved = torch.bmm(d, self.mix(message).view(-1, *self.channels))
        ones = message.new_ones(len(message))
        vectors = weighted_sum(moved.flatten(1), ones, target, len(h))
        summed = weighted_sum(message, ones, target, len(h)) / total
        scalars: Tensor = self.update(torch.cat([h, summed], dim=1))
        return scalars, vectors.view(-1, 3, self.channels[1]) * mean[:, None, None]


class MCEGNNNetwork(nn.Module):
    """Crystals to a TwoPart; `vectors` gives each orbit's vector channels instead."""

    def __init__(self, settings: MCEGNNSettings) -> None:
        super().__init__()
        self.settings = settings
        width, m = settings.width, settings.channels
        self.embedding = nn.Embedding(N_ELEMENTS, width)
        self.basis = GaussianBasis(0.0, settings.reach_A, settings.gaussians, settings.reach_A / settings.gaussians)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(settings.layers))
        self.convolutions = nn.ModuleList(ChannelConvolution(width, (m, m), settings.gaussians) for _ in range(settings.layers))
        self.lengths = nn.Linear(m, width)
        self.norm = nn.LayerNorm(width)
        self.head = TwoPartHead(width)

    def forward(self, batch: VectorBatch) -> TwoPart:
        node, x = self.features(batch)
        node = node + self.lengths(torch.log1p((x * x).sum(dim=1)))  # the last layer's vectors count, too
        said: TwoPart = self.head(weighted_sum(self.norm(node), batch.node_weight, batch.node_crystal, batch.n_crystals))
        return said

    def vectors(self, batch: VectorBatch) -> Tensor:
        """(sites, 3, channels) polar vectors of every site of the primitive cell; they turn with the crystal."""
        _, x = self.features(batch)
        turned: Tensor = batch.rotation[batch.site_rotation] @ x[batch.site_node]
        return turned

    def features(self, batch: VectorBatch) -> tuple[Tensor, Tensor]:
        """(nodes, width) and (nodes, 3, channels), of each orbit's representative."""
        node = self.embedding(batch.numbers)
        x = batch.edge_vector.new_zeros(len(node), 3, self.settings.channels)
        edge = self.basis.shared(batch.edge_distance, batch.known_bases)
        turn = batch.rotation[batch.site_rotation]
        source, target = batch.edge_source, batch.edge_target
        mean = 1.0 / torch.bincount(target, minlength=len(node)).clamp(min=1).to(edge.dtype)
        d = batch.edge_vector[:, :, None].expand(-1, -1, self.settings.channels)  # all vectors are zero at first
        for k, (norm, convolution) in enumerate(zip(self.norms, self.convolutions, strict=True)):
            if k:  # a neighbour's vectors are turned once for each site of the cell, not for each edge
                sites = torch.bmm(turn, x[batch.site_node])
                there = pick(sites.flatten(1), batch.edge_site) - pick(x.flatten(1), target)
                d = batch.edge_vector[:, :, None] + there.view(-1, 3, self.settings.channels)
            scalars, vectors = convolution(norm(node), d, SQUARE_A2, edge, source, target, mean, MEAN_NEIGHBOURS)
            node, x = node + scalars, x + vectors
        return node, x


class MCEGNN(VectorNetworkModel):
    family: ClassVar[str] = "mcegnn"
    settings_type = MCEGNNSettings
    training = TrainingSettings()

    def build(self) -> nn.Module:
        return MCEGNNNetwork(self.settings)
